"""Editions to render: an invented paper's, in English and in Armenian."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from digest.rendering.contexts import EditionContext, Story, StoryPicture

SLOT = dt.datetime(2026, 11, 23, 13, 30, tzinfo=dt.UTC)
BODY = (
    "<p>There is a bench in front of the old library where my grandfather used to wait.</p>"
    "<h2>A table and a lamp</h2>"
    "<p>It is <strong>truer</strong> to say that the "
    '<a href="https://library.example.org/hours">new hours</a> help.</p>'
    "<blockquote><p>“A door is also a sentence.”</p></blockquote>"
    "<ul><li>Tuesday, until nine</li><li>Thursday, until nine</li></ul>"
    '<p><img src="https://news.example.org/lamp.jpg" alt="A lamp" width="1200" height="600"></p>'
)


def story(number: int = 0, **changes: Any) -> Story:
    """One story; its address and title carry the number."""
    made = Story(
        title=f"Apricot growers expect harvest number {number}",
        url=f"https://news.example.org/2026/11/{number}/",
        author="Anahit Sarian",
        section="Community",
        excerpt="YEREVAN -- The orchards of the plain are heavy this year…",
        published_at=SLOT - dt.timedelta(hours=3 + number),
        language="en",
    )
    return dataclasses.replace(made, **changes)


def featured(**changes: Any) -> Story:
    """A commentary with everything that one may have."""
    made = story(
        100,
        title="A bench in front of the library",
        author="Nareg Vartanian",
        section="Commentary",
        body_html=BODY,
        picture=StoryPicture("https://news.example.org/bench.jpg", "The reading room at dusk", 1200, 675),
    )
    return dataclasses.replace(made, **changes)


def edition(*, recent: int = 12, **changes: Any) -> EditionContext:
    """One commentary and twelve headlines unless told otherwise."""
    made = EditionContext(
        digest_title="The Morning Post-Bag",
        digest_url="https://news.example.org/",
        language="en",
        zone="America/Los_Angeles",
        edition_at=SLOT,
        featured=featured(),
        recent=tuple(story(number) for number in range(recent)),
        sender_name="The Linden Street Courier",
        postal_address="12 Linden Street, Watertown",
        reason="You get this mail because you signed up for The Morning Post-Bag.",
        web_url="https://mail.example.org/e/42",
        intro="Good morning.",
        sign_off="The Courier welcomes letters.",
    )
    return dataclasses.replace(made, **changes)


def armenian(**changes: Any) -> EditionContext:
    """An Armenian edition."""
    lead = featured(
        title="Նստարան գրադարանի առջև",
        author="Նարեկ Վարդանյան",
        section="Մեկնաբանություն",
        language="hy",
        body_html="<p>Լինդեն փողոցի հին գրադարանի առջև մի նստարան կա, որտեղ պապս սպասում էր։</p>",
    )
    recent = (story(1, title="Ծիրանագործները սպասում են բերքին", section="Հայաստան", language="hy"),)
    whole = edition(digest_title="Առավոտյան պարկ", language="hy", zone="Asia/Yerevan", featured=lead)
    return dataclasses.replace(whole, recent=recent, **changes)
