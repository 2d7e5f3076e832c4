"""The digest: as a mail (HTML and text), and as the web edition."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import jinja2

from digest import i18n
from digest.rendering.body import COLUMN, Body, read_body
from digest.rendering.contents import contents_of
from digest.rendering.contexts import EditionContext, RenderedMail, Story, StoryPicture, TextSize
from digest.rendering.environment import environment, story_time
from digest.rendering.fonts import fonts_of
from digest.rendering.inline import inline_css
from digest.rendering.links import Through, counted
from digest.rendering.plain_text import tidy
from digest.rendering.scripts import scale_of
from digest.rendering.sharing import share_links
from digest.rendering.subjects import language_of, preheader_line, subject_line
from digest.rendering.theme import Layout, Look, TimeForm, lines_of
from digest.rendering.web_theme import style_path
from digest.rendering.words import cleaned, markup_without_person, without_person

# Gmail shows only the first 100 kB or so of a mail and hides the rest, the way to sign off with it.
MAX_HTML_BYTES: Final = 90_000
_LINK_NUMBER: Final = re.compile(r" \[\d+\]")
# TRANSLATORS: stands after the subject in a list of mails where no story says more; 40 to 100 letters.
_LATEST: Final = i18n.N_("The latest stories and commentary, chosen by our editors.")
_LARGE: Final = 1.2  # how much bigger the large text is


def render_mail(context: EditionContext, *, templates: Path | None = None) -> RenderedMail:
    """Render one variant of an edition; the person's placeholders stay in it.

    Nothing is dropped to reach a size: whether the HTML is within MAX_HTML_BYTES is preflight's question.
    Raises InlineError for a template that breaks the inliner's rules, jinja2.TemplateError for a faulty one.
    """
    through = Through(context.counting)
    names = _names(context, through)
    edition: EditionContext = names["edition"]
    i18n.check_words(edition.language)
    env = environment(edition.language, templates)
    subject = _subject(env, names)
    preheader = _preheader(edition, names, subject)
    names |= {"subject": subject, "preheader": preheader, **_spoken(edition, names, subject, preheader)}
    html = _template(env, edition, "body.html").render(names)
    text = _template(env, edition, "body.txt").render(names)
    return RenderedMail(
        subject=subject,
        preheader=preheader,
        html=inline_css(html),
        text=tidy(text),
        links=tuple(through.found.items()),
    )


def render_web(context: EditionContext, *, templates: Path | None = None) -> str:
    """The web edition: a page for everyone, so there is nothing personal in it and nothing is counted."""
    names = _names(_of_nobody(context))
    edition: EditionContext = names["edition"]
    env = environment(edition.language, templates)
    subject = _subject(env, names)
    summary = _preheader(edition, names, subject)
    page = env.get_template("web/public/edition.html")
    more = {
        "subject": subject,
        "summary": summary,
        "canonical": edition.web_url,
        "shared": _shared(edition),
        "theme_url": style_path(edition.look, i18n.framed(edition.language)),
    }
    return page.render(names | more)


def render_lines(context: EditionContext, *, templates: Path | None = None) -> tuple[str, str]:
    """What a reader sees before opening: subject and preheader."""
    names = _names(context)
    subject = _subject(environment(context.language, templates), names)
    return subject, _preheader(names["edition"], names, subject)


def render_subject(context: EditionContext, *, templates: Path | None = None) -> str:
    """The subject line alone."""
    return _subject(environment(context.language, templates), _names(context))


def pixels(size: TextSize, value: float, scale: float = 1.0) -> int:
    """A length of the normal look in whole pixels, scaled to the reader's text size and to a script."""
    return round(value * scale * (_LARGE if size is TextSize.LARGE else 1))


def look_names(look: Look, size: TextSize, language: str) -> dict[str, Any]:
    """What every mail's base template needs: colours, fonts, the column, lengths by text size and script."""
    frame = i18n.framed(language)
    return {
        "look": look,
        "light": look.light,
        "dark": look.dark,
        "accent": look.accent,
        "accent_dark": look.accent_dark,
        "fonts": fonts_of(look.font, frame),
        "lines": lines_of(look.rules),
        "column": COLUMN,
        "px": functools.partial(pixels, size, scale=scale_of(frame)),
    }


def tongue_names(language: str) -> dict[str, Any]:
    """What a story in another language than the mail's is marked with."""
    frame = i18n.framed(language)
    return {
        "is_foreign": functools.partial(i18n.is_foreign, frame),
        "is_turned": lambda other: bool(other) and i18n.direction(other) != i18n.direction(frame),
        "direction_of": i18n.direction,
        "own_language": language,
    }


def _names(context: EditionContext, through: Through | None = None) -> dict[str, Any]:
    through = through or Through()
    direct = cleaned(context)
    edition = counted(direct, through)
    featured = edition.featured
    is_relative = edition.look.time_form is TimeForm.RELATIVE
    way = i18n.direction(edition.language)
    return {
        "edition": edition,
        "featured": featured,
        "body": read_body(featured.body_html, i18n.direction(featured.language), link=through)
        if featured
        else Body(),
        "intro": _own_words(edition.intro_html, way, through),
        "note": _own_words(edition.note_html, way, through),
        "closing": _own_words(edition.sign_off_html, way, through),
        "parting": _own_words(edition.parting_html, way, through),
        "shares": share_links(direct.featured, edition.look.share)
        if direct.featured and edition.look.show_share_links
        else (),
        "picture": _fitted(featured),
        "picture_of": _fitted,
        "contents": contents_of(edition),
        "time_of": functools.partial(_time_of, edition, relative=is_relative),
        "date_of": functools.partial(_time_of, edition, relative=False),
        "is_relative": is_relative,
        **tongue_names(edition.language),
        **look_names(edition.look, edition.text_size, edition.language),
    }


def _subject(env: jinja2.Environment, names: dict[str, Any]) -> str:
    edition: EditionContext = names["edition"]
    return subject_line(edition.subject or _template(env, edition, "subject.txt").render(names))


def _template(env: jinja2.Environment, edition: EditionContext, part: str) -> jinja2.Template:
    """A part of the edition's layout. In `email/digest/` we have none: a newsroom's own there is for both."""
    return env.select_template([f"email/digest/{part}", f"email/{edition.look.layout}/{part}"])


def _own_words(markup: str, way: str, link: Callable[[str], str]) -> Body:
    return read_body(markup, way, is_ours=True, link=link) if markup else Body()


def _of_nobody(context: EditionContext) -> EditionContext:
    """The edition with each placeholder's fallback in the newsroom's own words."""
    people = context.personal
    return dataclasses.replace(
        context,
        intro=without_person(context.intro, people),
        intro_html=markup_without_person(context.intro_html, people),
        note_html=markup_without_person(context.note_html, people),
        sign_off=without_person(context.sign_off, people),
        sign_off_html=markup_without_person(context.sign_off_html, people),
        parting_html=markup_without_person(context.parting_html, people),
    )


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


def _spoken(edition: EditionContext, names: dict[str, Any], subject: str, preheader: str) -> dict[str, Any]:
    """In which languages the two lines are, and what a screen reader calls the whole in the mail's own."""
    said = _said(edition, names)
    language = language_of(subject, said, edition.language)
    frame = i18n.framed(edition.language)
    day = i18n.translator(edition.language).date(edition.edition_at, edition.zone)
    title = [] if i18n.is_foreign(frame, edition.language) else [edition.digest_title]
    return {
        "subject_language": language,
        "preheader_language": language_of(preheader, said, edition.language),
        # An attribute has no language of its own: a subject in another one would be read wrongly.
        "label": ", ".join([*title, day]) if i18n.is_foreign(frame, language) else subject,
    }


def _said(edition: EditionContext, names: dict[str, Any]) -> list[tuple[str, str]]:
    """The words that stand in the two lines, each with its language; "" for ours."""
    stories = [story for story in (edition.featured, *edition.recent) if story is not None]
    said = [(words, story.language) for story in stories for words in (story.title, story.excerpt)]
    if edition.featured is not None:
        said += [(block.text, edition.featured.language) for block in names["body"].blocks[:3]]
    return [*said, (i18n.translator(edition.language).gettext(_LATEST), "")]


def _preheader(edition: EditionContext, names: dict[str, Any], subject: str) -> str:
    translator = i18n.translator(edition.language)
    featured = edition.featured
    body, intro = names["body"], names["intro"]
    said = next((_LINK_NUMBER.sub("", block.text) for block in intro.blocks if block.kind == "p"), "")
    first = next((block.text for block in body.blocks if block.kind == "p"), "")
    pieces = [
        edition.preheader,
        without_person(edition.intro, edition.personal) if not intro.blocks else "",
        without_person(said, edition.personal),
    ]
    titles = [story.title for story in edition.recent]
    lead = [(featured.excerpt or first) if featured else ""]
    is_paper = edition.look.layout is Layout.PAPER
    pieces += [*lead, *titles] if is_paper else [*titles, *lead]
    pieces.append(translator.gettext(_LATEST))
    return preheader_line(subject, pieces)
