"""What is made once for whoever looks: the same content is the same mail, and no change is overlooked."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digest.editions import made_once
from digest.editions.checks import check
from digest.editions.compose import Placed
from digest.errors import ConfigError
from digest.i18n import use_words
from digest.models import Digest, Role
from digest.rendering.contexts import EditionContext, TextSize
from digest.rendering.digest_email import render_lines, render_mail
from digest.rendering.theme import Look
from tests.unit.rendering import samples
from tests.unit.rendering.samples import featured, story

PUBLIC = "https://digest.example.org"
SENDER = {
    "sender_name": "The Linden Street Courier",
    "sender_address": "news@example.org",
    "reply_to": None,
    "home_url": "https://news.example.org/",
    "postal_address": "4 Linden Street, Watertown",
}
CHANGES: list[dict[str, Any]] = [
    {},
    {"subject": "Another subject"},
    {"featured": featured(body_html="<p>Another text.</p>")},
    {"recent": (story(1, excerpt="Another excerpt"), story(2))},
    {"recent": (story(2), story(1, excerpt="Another excerpt"))},
    {"look": Look(accent="#7a1f1f")},
    {"intro_html": "<p>Good morning.</p>"},
    {"parting_html": "<p>Until tomorrow.</p>"},
    {"text_size": TextSize.LARGE},
    {"language": "hy"},
]


def edition(**changes: Any) -> EditionContext:
    return dataclasses.replace(samples.edition(recent=2), **changes)


@pytest.fixture(autouse=True)
def nothing_made() -> Iterator[None]:
    made = (made_once._mail, made_once._lines, made_once._checked)
    for each in made:
        each.cache_clear()
    yield
    for each in made:
        each.cache_clear()


def test_the_same_content_is_made_once_and_another_one_anew() -> None:
    """Whatever of an edition is changed, the mail is the one that rendering gives; put back, it is known."""
    first = [made_once.mail_of(edition(**each), templates=None) for each in CHANGES]
    assert first == [render_mail(edition(**each)) for each in CHANGES]
    assert len({(each.html, each.subject) for each in first}) == len(CHANGES)
    again = [made_once.mail_of(edition(**each), templates=None) for each in CHANGES]
    assert all(new is old for new, old in zip(again, first, strict=True))
    lines = [made_once.lines_of(edition(**each), templates=None) for each in CHANGES[:3]]
    assert lines == [render_lines(edition(**each)) for each in CHANGES[:3]]


def test_it_is_made_anew_when_a_template_or_a_word_is_another(tmp_path: Path) -> None:
    """Who changes a file in the newsroom's folder sees it at the next look; a folder that is gone is told."""
    own = tmp_path / "email" / "digest" / "subject.txt"
    own.parent.mkdir(parents=True)
    own.write_text("Our news")
    assert made_once.mail_of(edition(), templates=tmp_path).subject == "Our news"
    own.write_text("All news")  # as long, and perhaps written within the same tick of the disk's clock
    os.utime(own, ns=(1, 1))
    assert made_once.mail_of(edition(), templates=tmp_path).subject == "All news"
    assert made_once.mail_of(edition(), templates=None).subject != "All news"
    words = tmp_path / "words" / "en.po"
    words.parent.mkdir()
    use_words(tmp_path)
    try:
        plain = made_once.mail_of(edition(), templates=tmp_path)
        words.write_text('msgid "Unsubscribe"\nmsgstr "What else there is"\n')
        assert "What else there is" not in plain.html
        assert "What else there is" in made_once.mail_of(edition(), templates=tmp_path).html
        words.write_text('msgid "Unsubscribe"\nmsgstr "%(no)s"\n')
        with pytest.raises(ConfigError):
            made_once.mail_of(edition(), templates=tmp_path)
    finally:
        use_words(None)
    own.unlink()
    own.parent.rmdir()
    own.parent.parent.rmdir()
    words.unlink()
    words.parent.rmdir()
    tmp_path.rmdir()
    with pytest.raises(ConfigError):
        made_once.mail_of(edition(), templates=tmp_path)
    tmp_path.mkdir()


@pytest.mark.parametrize(
    ("changed", "sender"),
    [
        ({}, {}),
        ({}, {"postal_address": ""}),
        ({}, {"sender_name": "Somebody else"}),
        ({"recent": (story(1), story(1, title="Now"))}, {}),
    ],
)
def test_the_checks_are_those_of_this_content_and_sender(
    changed: dict[str, Any], sender: dict[str, Any]
) -> None:
    """They say what they say without a memory, also right after they were asked of another content."""
    _checked(edition(), SENDER)
    context = edition(**changed)
    found = _checked(context, SENDER | sender)
    digest = Digest(**SENDER | sender)

    def make(of: EditionContext) -> Any:
        return made_once.whole_mail(digest, _placed(context), None, of)

    assert found == check(digest, context, make, public_url=PUBLIC)
    assert _checked(dataclasses.replace(context), SENDER | sender) is found


def _checked(context: EditionContext, sender: dict[str, Any]) -> Any:
    # Another column is none that a mail goes by: a title is in the content itself.
    digest = Digest(**sender, title="The Morning Post-Bag")
    return made_once.checked(digest, context, _placed(context), public_url=PUBLIC, templates=None)


def _placed(context: EditionContext) -> tuple[Placed, ...]:
    assert context.featured is not None
    rest = (Placed(Role.RECENT, number, one) for number, one in enumerate(context.recent, 2))
    return (Placed(Role.FEATURED, 1, context.featured), *rest)
