"""The digest: as a mail (HTML and text), and as the web edition."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any, Final

import jinja2

from digest import i18n
from digest.rendering.body import COLUMN, Body, read_body
from digest.rendering.contexts import (
    DARK,
    LIGHT,
    EditionContext,
    RenderedMail,
    Story,
    StoryPicture,
    TextSize,
    TimeForm,
)
from digest.rendering.environment import environment, story_time
from digest.rendering.inline import inline_css
from digest.rendering.plain_text import tidy
from digest.rendering.sharing import share_links
from digest.rendering.subjects import preheader_line, subject_line
from digest.rendering.words import cleaned, without_person

# Gmail shows only the first 100 kB or so of a mail and hides the rest, the way to sign off with it.
MAX_HTML_BYTES: Final = 90_000
_LARGE: Final = 1.2  # how much bigger the large text is


def render_mail(context: EditionContext, *, templates: Path | None = None) -> RenderedMail:
    """Render one variant of an edition; the person's placeholders stay in it.

    Nothing is dropped to reach a size: whether the HTML is within MAX_HTML_BYTES is preflight's question.
    Raises InlineError for a template that breaks the inliner's rules, jinja2.TemplateError for a faulty one.
    """
    names = _names(context)
    edition: EditionContext = names["edition"]
    env = environment(edition.language, templates)
    subject = _subject(env, names)
    preheader = _preheader(edition, names, subject)
    names |= {"subject": subject, "preheader": preheader}
    html = env.get_template("email/digest/body.html").render(names)
    text = env.get_template("email/digest/body.txt").render(names)
    return RenderedMail(subject=subject, preheader=preheader, html=inline_css(html), text=tidy(text))


def render_web(context: EditionContext, *, templates: Path | None = None) -> str:
    """The web edition: a page for everyone, so there is nothing personal in it."""
    names = _names(
        dataclasses.replace(
            context,
            intro=without_person(context.intro, context.personal),
            sign_off=without_person(context.sign_off, context.personal),
        )
    )
    edition: EditionContext = names["edition"]
    env = environment(edition.language, templates)
    subject = _subject(env, names)
    summary = _preheader(edition, names, subject)
    page = env.get_template("web/public/edition.html")
    more = {"subject": subject, "summary": summary, "canonical": edition.web_url, "shared": _shared(edition)}
    return page.render(names | more)


def render_lines(context: EditionContext, *, templates: Path | None = None) -> tuple[str, str]:
    """What a reader sees before opening: subject and preheader."""
    names = _names(context)
    subject = _subject(environment(context.language, templates), names)
    return subject, _preheader(names["edition"], names, subject)


def render_subject(context: EditionContext, *, templates: Path | None = None) -> str:
    """The subject line alone."""
    return _subject(environment(context.language, templates), _names(context))


def pixels(size: TextSize, value: float) -> int:
    """A length of the normal look in whole pixels, scaled to the reader's text size."""
    return round(value * _LARGE) if size is TextSize.LARGE else round(value)


def look_names(size: TextSize) -> dict[str, Any]:
    """What every mail's base template needs: palettes, the column, and lengths for a text size."""
    return {"light": LIGHT, "dark": DARK, "column": COLUMN, "px": functools.partial(pixels, size)}


def tongue_names(language: str) -> dict[str, Any]:
    """What a story in another language than the mail's is marked with."""
    return {"is_foreign": functools.partial(_is_foreign, language), "direction_of": i18n.direction}


def _names(context: EditionContext) -> dict[str, Any]:
    edition = cleaned(context)
    featured = edition.featured
    is_relative = edition.look.time_form is TimeForm.RELATIVE
    return {
        "edition": edition,
        "featured": featured,
        "body": read_body(featured.body_html) if featured else Body(),
        "intro": read_body(edition.intro_html) if edition.intro_html else Body(),
        "shares": share_links(featured) if featured and edition.look.show_share_links else (),
        "picture": _fitted(featured),
        "time_of": functools.partial(_time_of, edition, relative=is_relative),
        "date_of": functools.partial(_time_of, edition, relative=False),
        "is_relative": is_relative,
        **tongue_names(edition.language),
        "accent": edition.look.accent,
        "accent_dark": edition.look.accent_dark,
        **look_names(edition.text_size),
    }


def _subject(env: jinja2.Environment, names: dict[str, Any]) -> str:
    edition: EditionContext = names["edition"]
    return subject_line(edition.subject or env.get_template("email/digest/subject.txt").render(names))


def _fitted(story: Story | None) -> dict[str, Any] | None:
    """The featured picture at the size it is shown: never wider than the column, never blown up."""
    if story is None or story.picture is None or not story.picture.url:
        return None
    picture = story.picture
    wide = min(picture.width, COLUMN) if picture.width and picture.width > 0 else COLUMN
    high = None
    if picture.width and picture.height and picture.width > 0 and picture.height > 0:
        high = max(1, round(picture.height * wide / picture.width))
    return {"url": picture.url, "alt": picture.alt, "width": wide, "height": high}


def _shared(edition: EditionContext) -> StoryPicture | None:
    """The picture that stands for the page where it is shared: of the first story that has one."""
    stories = (story for story in (edition.featured, *edition.recent) if story is not None)
    return next((story.picture for story in stories if story.picture and story.picture.url), None)


def _time_of(edition: EditionContext, story: Story, *, relative: bool) -> str:
    return story_time(
        i18n.translator(edition.language),
        story.published_at,
        edition_at=edition.edition_at,
        zone=edition.zone,
        relative=relative,
    )


def _is_foreign(language: str, other: str) -> bool:
    """Whether words need a `lang` of their own; regional kinds of one language count as the same."""
    return bool(other) and _primary(other) != _primary(language)


def _primary(language: str) -> str:
    return language.split("-", maxsplit=1)[0].lower()


def _preheader(edition: EditionContext, names: dict[str, Any], subject: str) -> str:
    translator = i18n.translator(edition.language)
    featured = edition.featured
    body, intro = names["body"], names["intro"]
    first = next((block.text for block in body.blocks if block.kind == "p"), "")
    pieces = [
        edition.preheader,
        without_person(edition.intro, edition.personal),
        next((block.text for block in intro.blocks if block.kind == "p" and "[" not in block.text), ""),
        (featured.excerpt or first) if featured else "",
    ]
    pieces += [story.title for story in edition.recent]
    # TRANSLATORS: stands after the subject in a list of mails where no story says more; 40 to 100 letters.
    pieces.append(translator.gettext("The latest stories and commentary, chosen by our editors."))
    return preheader_line(subject, pieces)
