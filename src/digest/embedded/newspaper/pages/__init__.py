"""The paper's pages: typed functions over the templates in this folder."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from digest.embedded.newspaper import content, paper
from digest.embedded.newspaper.content import Section
from digest.embedded.newspaper.newspaper import Story
from digest.i18n import translator

_BESIDE = 6  # stories listed under an article


def home(language: str, stories: Sequence[Story], *, now: dt.datetime, section: Section | None = None) -> str:
    """The front page, or the list of one section: the newest commentary first, then the rest."""
    lead = next((s for s in stories if s.article.section.slug == "commentary"), None)
    if lead is None and stories:
        lead = stories[0]
    rest = [story for story in stories if story != lead]
    return _render("home.html", language, now=now, lead=lead, stories=rest, section=section)


def article(story: Story, others: Sequence[Story], *, base_url: str, now: dt.datetime) -> str:
    """One article with its drawing, and a few others to go on with."""
    return _render(
        "article.html",
        story.article.language,
        now=now,
        story=story,
        others=others[:_BESIDE],
        body=Markup(story.article.body_html),  # nosec B704 # noqa: S704  (escaped by markup.to_html)
        base_url=base_url,
    )


def missing(language: str) -> str:
    """The page for an address that leads nowhere."""
    return _render("missing.html", language, now=None)


@functools.cache
def file_bytes(name: str) -> bytes:
    """The style sheet or the icon."""
    return (resources.files(__name__) / name).read_bytes()


def _render(name: str, language: str, **values: Any) -> str:
    words = paper.WORDS[language]
    return (
        _environment()
        .get_template(name)
        .render(
            words=words,
            time=translator(language),
            sections=content.SECTIONS,
            paths=paper,
            picture_size=content.PICTURE_SIZE,
            **values,
        )
    )


@functools.cache
def _environment() -> Environment:
    def load(name: str) -> str:
        return (resources.files(__name__) / name).read_text("utf-8")

    return Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
