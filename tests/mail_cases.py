"""The mails that are looked at: layouts x languages x what is hard to lay out. All of it is invented.

The judges, the golden files and the gallery share them. `pairwise` is a sample in which each pair of values
occurs.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from digest import i18n
from digest.rendering.contexts import EditionContext, Story, StoryPicture
from digest.rendering.theme import Layout, Look

SLOT: Final = dt.datetime(2026, 11, 23, 13, 30, tzinfo=dt.UTC)
PUBLIC: Final = "https://mail.footbridge.example"


class Words(NamedTuple):
    """What an invented paper writes in one language. Headlines are title, section and excerpt."""

    paper: str
    sender: str
    zone: str
    section: str
    title: str
    author: str
    paragraphs: tuple[str, ...]
    quote: str
    headlines: tuple[tuple[str, str, str], ...]
    intro: str
    sign_off: str
    alt: str
    reason: str


WORDS: Final[Mapping[str, Words]] = {
    language: Words(**words)
    for language, words in json.loads((Path(__file__).parent / "mail_words.json").read_text("utf-8")).items()
}
LANGUAGES: Final = tuple(language for language in WORDS if language in i18n.READER_LANGUAGES)
LAYOUTS: Final = tuple(layout.value for layout in Layout)


def normal(language: str, layout: str) -> EditionContext:
    """A commentary with its picture, and seven headlines."""
    words = WORDS[language]
    return EditionContext(
        digest_title=words.paper,
        digest_url="https://footbridge.example/",
        language=language,
        zone=words.zone,
        edition_at=SLOT,
        featured=_featured(language),
        recent=tuple(_headline(language, number) for number in range(7)),
        sender_name=words.sender,
        postal_address="7 Ferry Lane, Springdale",
        reason=words.reason,
        web_url=f"{PUBLIC}/e/5dYd0vYwqjG0",
        look=Look(layout=Layout(layout)),
        intro=words.intro,
        sign_off=words.sign_off,
    )


def _featured(language: str, **changes: object) -> Story:
    words = WORDS[language]
    paragraphs = [f"<p>{words}</p>" for words in words.paragraphs]
    paragraphs.insert(2, f"<blockquote><p>{words.quote}</p></blockquote>")
    made = Story(
        title=words.title,
        url="https://footbridge.example/2026/ferry/",
        author=words.author,
        section=words.section,
        excerpt=words.paragraphs[0],
        published_at=SLOT - dt.timedelta(hours=9),
        language=language,
        body_html="".join(paragraphs),
        picture=StoryPicture("https://footbridge.example/pictures/ferry.jpg", words.alt, 1200, 675),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def _headline(language: str, number: int, **changes: object) -> Story:
    found = WORDS[language].headlines
    title, section, excerpt = found[number % len(found)]
    made = Story(
        title=title if number < len(found) else f"{title} ({number + 1})",
        url=f"https://footbridge.example/2026/{number + 1}/",
        author="",
        section=section,
        excerpt=excerpt,
        published_at=SLOT - dt.timedelta(hours=3 + 5 * number),
        language=language,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def _no_featured(language: str, layout: str) -> EditionContext:
    return dataclasses.replace(normal(language, layout), featured=None)


def _one_story(language: str, layout: str) -> EditionContext:
    return dataclasses.replace(normal(language, layout), recent=())


def _forty(language: str, layout: str) -> EditionContext:
    recent = tuple(_headline(language, number) for number in range(39))
    return dataclasses.replace(normal(language, layout), recent=recent)


def _long_titles(language: str, layout: str) -> EditionContext:
    """300 letters, in words and in one piece."""
    title = (f"{WORDS[language].title} " * 12)[:300].strip()
    recent = (_headline(language, 0, title=title), _headline(language, 1, title="W" * 300))
    featured = _featured(language, title=title)
    return dataclasses.replace(normal(language, layout), featured=featured, recent=recent)


def _other_directions(language: str, layout: str) -> EditionContext:
    """Stories of which some are written from the other side."""
    others = [other for other in ("ar", "en", "hy") if other != language]
    recent = tuple(_headline(others[number % len(others)], number) for number in range(4))
    mixed = _headline(language, 5, title=f"{WORDS['ar'].title} — {WORDS['en'].title} (1895)")
    return dataclasses.replace(normal(language, layout), recent=(*recent, mixed))


def _emoji(language: str, layout: str) -> EditionContext:
    """Of several code points each: a family, a flag, a skin tone, a keycap."""
    some = "👩‍👩‍👧‍👦 🇦🇲 👋🏽 7️⃣ 🏳️‍🌈"
    featured = _featured(
        language, title=f"{some} {WORDS[language].title}", section="🎻", author="👩🏽‍🚀 A. S."
    )
    recent = (_headline(language, 0, title=some, excerpt=some * 5), _headline(language, 1))
    return dataclasses.replace(normal(language, layout), featured=featured, recent=recent)


_HOSTILE: Final = (
    "--></style><![endif]--><!--[if mso]><script>alert(1)</script>"
    "<style>@import url(http://127.0.0.1:9/x.css)</style>"
    "<link rel=stylesheet href=file:///etc/passwd>]]>%%unsubscribe_url%%"
)


def _hostile(language: str, layout: str) -> EditionContext:
    """Words that try to close what they stand in, to style, to fetch, and to get a reader's own address."""
    featured = _featured(
        language,
        title=f"{_HOSTILE} title",
        author=_HOSTILE,
        section=_HOSTILE,
        body_html=f"<p onclick=x>{_HOSTILE}</p><p style='position:fixed'>words</p><iframe src=x></iframe>",
    )
    recent = (
        _headline(language, 0, title=_HOSTILE, excerpt=_HOSTILE, url="javascript:alert(1)"),
        _headline(language, 1),
    )
    return dataclasses.replace(normal(language, layout), featured=featured, recent=recent, intro=_HOSTILE)


def _missing_picture(language: str, layout: str) -> EditionContext:
    """An address where there is none, without size and words."""
    picture = StoryPicture("https://footbridge.example/pictures/none.jpg", "", None, None)
    return dataclasses.replace(normal(language, layout), featured=_featured(language, picture=picture))


def _no_pictures(language: str, layout: str) -> EditionContext:
    return dataclasses.replace(normal(language, layout), featured=_featured(language, picture=None))


CASES: Final[Mapping[str, Callable[[str, str], EditionContext]]] = {
    "normal": normal,
    "no-featured": _no_featured,
    "one-story": _one_story,
    "forty": _forty,
    "long-titles": _long_titles,
    "other-directions": _other_directions,
    "emoji": _emoji,
    "hostile": _hostile,
    "missing-picture": _missing_picture,
    "no-pictures": _no_pictures,
}


class Case(NamedTuple):
    """One mail: `str()` of it is its name."""

    layout: str
    language: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}-{self.layout}-{self.language}"

    def context(self) -> EditionContext:
        """What is rendered for it."""
        return CASES[self.kind](self.language, self.layout)


def everything() -> Iterator[Case]:
    """The full matrix."""
    return (Case(*values) for values in itertools.product(LAYOUTS, LANGUAGES, CASES))


def pairwise() -> list[Case]:
    """A sample in which each kind meets each layout, and each language each layout and many kinds."""
    found = []
    for number, kind in enumerate(CASES):
        for turn, layout in enumerate(LAYOUTS):
            found.append(Case(layout, LANGUAGES[(number + turn) % len(LANGUAGES)], kind))
    return found
