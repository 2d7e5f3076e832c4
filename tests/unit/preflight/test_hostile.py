"""Hostile words in any field, and hostile templates: nothing is fetched, opened or run, and nothing hangs."""

from __future__ import annotations

import dataclasses
import functools
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import DigestError
from digest.i18n import translator
from digest.preflight.mail import judge_mail
from digest.preflight.mail_findings import MailLevel
from digest.preflight.mail_words import said
from digest.rendering.contexts import EditionContext, SisterLink, StoryPicture
from digest.rendering.digest_email import render_web
from digest.rendering.theme import Campaign, Layout, Look, Palette, SocialLink, Sponsor, ThemePicture
from tests.unit.preflight.mails import facts_of, template_with
from tests.unit.rendering import samples
from tests.unit.rendering.test_hostile_words import NASTY, tags

# {url} is a listener on this machine, {pipe} a named pipe.
SNIPPETS = (
    '<style>@import url("{url}");</style>',
    '<style>@import "file://{pipe}";</style>',
    '<link rel="stylesheet" href="{url}">',
    '<link rel=stylesheet href="file://{pipe}">',
    '<link rel=stylesheet href="{pipe}">',
    "--><style>@import url({url});</style><!--",
    "<!--[if mso]><style>@import url({url});</style><![endif]-->",
    '<![endif]--></style></title><script src="{url}"></script>',
    ']]></xml><img src="file://{pipe}" alt="x" width="9">',
    '<base href="{url}">',
    "<svg><style>@import url({url})</style></svg>",
    '<object data="{url}"></object>',
    '<iframe src="file://{pipe}"></iframe>',
    "<p style=\"background:url('file://{pipe}')\">x</p>",
    '<p style="width:expression(x)">x</p>',
)
# What a template may say that a feed cannot: it is code of whoever runs the server, and guarded all the same.
TEMPLATE_SNIPPETS = (
    *SNIPPETS,
    '{{% include "{pipe}" %}}',
    '{{% include "../../../../../..{pipe}" %}}',
    '{{% include "file://{pipe}" %}}',
    '{{% import "{url}" as x %}}',
    "{{{{ ''.__class__.__mro__[1].__subclasses__() }}}}",
    "{{{{ cycler.__init__.__globals__ }}}}",
    "{{% for a in range(10 ** 9) %}}{{% endfor %}}",
)
CANARY = b"p { color: #bada55 }\n"


@dataclass
class Trap:
    """A listener that must not be called, and a pipe that must not be read."""

    url: str
    pipe: Path
    listener: socket.socket
    end: int

    def set_in(self, snippet: str) -> str:
        return snippet.format(url=self.url, pipe=self.pipe)

    def is_untouched(self) -> bool:
        """Nobody has connected, and what is in the pipe is still whole."""
        with pytest.raises(BlockingIOError):
            self.listener.accept()
        whole = os.read(self.end, 10 * len(CANARY))
        os.write(self.end, whole)
        return whole == CANARY


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    """There is something in the pipe, so that whoever opens it gets that and does not wait for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    os.write(end, CANARY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield Trap(f"http://127.0.0.1:{listener.getsockname()[1]}/x.css", pipe, listener, end)
    os.close(end)


def everywhere(text: str, layout: Layout = Layout.PAPER) -> EditionContext:
    """An edition with this text in every field that there is, markup and addresses too."""
    picture, drawn = StoryPicture(text, text, 600, 400), ThemePicture(text, 600, 100, text)
    each = {"title": text, "author": text, "section": text, "excerpt": text, "url": text, "picture": picture}
    each |= {"share_url": text, "notes": (text,), "language": text}
    look = Look(
        layout=layout,
        masthead=text,
        motto=text,
        logo=drawn,
        logo_dark=drawn,
        social=(SocialLink("facebook", text, text),),
        footer=text,
        sponsor=Sponsor(text, text, text, drawn),
        campaign=Campaign(text, text, text, text, (text,)),
    )
    context = samples.edition(
        digest_title=text, digest_url=text, sender_name=text, postal_address=text, reason=text, web_url=text,
        intro=text, sign_off=text, subject=text, preheader=text, correction=text, look=look, archive_url=text,
        sign_up_url=text, sisters=(SisterLink(text, text, text, text),), note_html=f"<p>Words</p>{text}",
        parting_html=f"<p>Words</p>{text}",
    )  # fmt: skip
    return dataclasses.replace(
        context,
        featured=samples.featured(**each, body_html=f"<p>Words</p>{text}"),
        recent=(samples.story(1, **each),),
    )


def texts_of(value: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a context, however deep, with the place where it stands."""
    if dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            yield from texts_of(getattr(value, each.name), f"{place}.{each.name}".lstrip("."))
    elif isinstance(value, tuple):
        for one in value:
            yield from texts_of(one, place)
    elif type(value) is str:  # an enumeration is chosen from a list
        yield place, value


def test_every_field_is_tried() -> None:
    """A field that is added to what mails are made of is tried too, or stands in this list for a reason."""
    # Colours and keys are checked against a list or a form when they are saved, the two other kinds of markup
    # go the way of the note, and a headline has no body.
    known = {"language", "zone", "look.accent", "look.accent_dark", "look.share", "look.social.key"}
    known |= {
        f"look.{side}.{name.name}" for side in ("light", "dark") for name in dataclasses.fields(Palette)
    }
    known |= {"intro_html", "sign_off_html", "recent.body_html"}
    assert {place for place, text in texts_of(everywhere("canary")) if "canary" not in text} == known


def test_the_trap_would_be_seen(trap: Trap) -> None:
    """Somebody who does connect or read is noticed."""
    assert trap.is_untouched()
    with trap.pipe.open("rb", buffering=0) as reader:
        assert reader.read(5) == CANARY[:5]
    assert not trap.is_untouched()
    with socket.create_connection(trap.listener.getsockname()), trap.listener.accept()[0]:
        pass


def harmless(trap: Trap, text: str, layout: Layout) -> None:
    context = everywhere(text, layout)
    facts = facts_of(context)
    render_web(context)
    stops = [one for one in judge_mail(facts) if one.level is MailLevel.BLOCK]
    assert [dict(one.facts).get("found") for one in stops if one.code.value == "dangerous"] == []
    assert "@import" not in facts.page.styles
    assert trap.is_untouched()


@pytest.mark.parametrize("layout", Layout)
def test_a_feed_reaches_nothing(trap: Trap, layout: Layout) -> None:
    """All of it at once in every field: words stay words, and no door opens."""
    harmless(trap, trap.set_in(" ".join(SNIPPETS)), layout)


@pytest.mark.slow
@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("snippet", [*SNIPPETS, *TEMPLATE_SNIPPETS[len(SNIPPETS) :]])
def test_each_piece_in_a_feed_reaches_nothing(trap: Trap, snippet: str, layout: Layout) -> None:
    """One by one: no piece hides behind another."""
    harmless(trap, trap.set_in(snippet), layout)


def stopped(trap: Trap, folder: Path) -> bool:
    """Whether a mail of this template is refused when it is made, or by the checks."""
    try:
        found = judge_mail(facts_of(samples.edition(recent=2), folder))
    except (DigestError, jinja2.TemplateError, ValueError, OverflowError):
        return True
    finally:
        assert trap.is_untouched()
    return any(one.level is MailLevel.BLOCK for one in found)


@pytest.mark.parametrize(
    "snippet",
    [
        SNIPPETS[1],
        SNIPPETS[6],
        SNIPPETS[8],
        *TEMPLATE_SNIPPETS[len(SNIPPETS) : len(SNIPPETS) + 2],
        TEMPLATE_SNIPPETS[-1],
    ],
)
def test_a_template_that_reaches_out_is_refused(trap: Trap, tmp_path: Path, snippet: str) -> None:
    """One of each kind, in the middle of the newsroom's own template."""
    assert stopped(trap, template_with(tmp_path, trap.set_in(snippet), "{% if featured.author %}"))


@pytest.mark.slow
@pytest.mark.parametrize("before", ["{% if featured.author %}", "{{ edition.reason"])
@pytest.mark.parametrize("snippet", TEMPLATE_SNIPPETS)
def test_each_piece_in_a_template_is_refused(trap: Trap, tmp_path: Path, snippet: str, before: str) -> None:
    """Each of them at several places."""
    folder = template_with(tmp_path, trap.set_in(snippet), before)
    assert stopped(trap, folder)


@functools.cache
def plain() -> tuple[list[str], list[str]]:
    facts = facts_of(everywhere("x"))
    message = BytesParser(policy=default).parsebytes(facts.raw)
    return tags(facts.html), message.keys()


def check_words(text: str) -> None:
    facts = facts_of(everywhere(text))
    message = BytesParser(policy=default).parsebytes(facts.raw)
    html_tags, names = plain()
    assert message.keys() == names
    assert len(names) == len(set(names))
    assert message["Subject"] == facts.subject
    html, plain_text = (message.get_body((kind,)) for kind in ("html", "plain"))
    assert html is not None
    assert plain_text is not None
    assert tags(html.get_content()) == tags(facts.html) == html_tags
    assert max(map(len, facts.raw.split(b"\r\n"))) <= 998
    for finding in judge_mail(facts):
        for language in ("en", "hy"):
            assert all(said(finding, translator(language)))


WORDS = st.text(st.characters(codec=None), max_size=200).map(lambda text: "x" + text)


@pytest.mark.parametrize("number", range(len(NASTY)))
def test_nasty_words_make_a_sound_mail(number: int) -> None:
    """The message parses back, has each header once and no new tag; whatever is found of it can be said."""
    check_words(NASTY[number])


@pytest.mark.slow
@given(WORDS)
def test_any_words_make_a_sound_mail(text: str) -> None:
    """The same for any Unicode at all."""
    check_words(text)
