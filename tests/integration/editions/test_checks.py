"""The checks at the freeze: what is held, what is mended and goes out, what is said of it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.editions.checks import check
from digest.editions.compose import Material, compose, context_of
from digest.editions.judged import judged
from digest.editions.remarks import remark_sentence
from digest.editions.show import show_edition
from digest.i18n import translator
from digest.models import Cadence, Digest, Edition, EditionKind, EditionState, Post, Reason, Revision, Variant
from digest.preflight.mail_findings import Code, FoundIn, MailLevel
from digest.rendering.contexts import TextSize
from digest.rendering.digest_email import MAX_HTML_BYTES
from tests.integration.freezing import Room, post, room
from tests.integration.planned import PUBLIC_URL, make_post
from tests.servers.news_site import Page
from tests.unit.preflight.mails import template_with

__all__ = ["room"]

FROZEN, HELD = EditionState.FROZEN, EditionState.HELD


def findings(room: Room, edition_id: int) -> list[FoundIn]:
    with room.database.read() as session:
        return list(show_edition(session, edition_id).findings)


def now_judged(room: Room, edition_id: int) -> tuple[FoundIn, ...]:
    with room.database.read() as session:
        edition = session.get_one(Edition, edition_id)
        return judged(session, edition, public_url="https://digest.courier.example").findings


def codes(found: list[FoundIn] | tuple[FoundIn, ...]) -> set[tuple[str, Code]]:
    return {(one.finding.level.value, one.finding.code) for one in found}


def html_of(room: Room, edition_id: int) -> str:
    with room.database.read() as session:
        revision = session.get_one(Edition, edition_id).revision_id
        return "".join(session.scalars(sa.select(Variant.html).where(Variant.revision_id == revision)))


def test_what_must_not_go_out_is_held(room: Room, tmp_path: Path) -> None:
    """Whatever kind of edition it is: no version is stored, and it says why in both languages."""
    room.publish(post(1))
    form = '<form action="https://news.example.org/"></form>'
    folder, edition_id = template_with(tmp_path, form, "{{ edition.reason"), room.edition()
    for kind in (EditionKind.EXTRA, EditionKind.SCHEDULED, EditionKind.BREAKING):
        with room.database.write() as session:
            session.get_one(Edition, edition_id).kind = kind
        assert room.freeze(edition_id, templates=folder) is HELD
        found = room.get(edition_id)
        assert (found.reason, found.reason_detail) == (Reason.BLOCKED, "dangerous")
        assert room.count(Revision) == 0
        said = [
            remark_sentence(one, translator(language)) for one in found.remarks for language in ("en", "hy")
        ]
        assert len(said) == 2
        assert all("<form>" in one for one in said)
        assert "Take it out of the template" in said[0]
        assert codes(now_judged(room, edition_id)) == {("block", Code.DANGEROUS)}
    assert room.freeze(edition_id) is FROZEN
    assert room.get(edition_id).remarks == []


def test_what_could_be_better_goes_out_and_is_told_of(room: Room) -> None:
    """A story of yesterday's "today": the edition is locked, and its version keeps what was found."""
    room.publish(post(1, "Mill Bridge opens today", hours=30))
    edition_id = room.edition()
    assert room.freeze(edition_id) is FROZEN
    assert ("warn", Code.OLD_TODAY) in codes(findings(room, edition_id))
    assert codes(now_judged(room, edition_id)) == codes(findings(room, edition_id))
    with room.database.read() as session:
        kept = session.get_one(Revision, room.get(edition_id).revision_id).findings
    assert {one["level"] for one in kept} == {"warn"}


def test_links_and_pictures_are_looked_at(room: Room) -> None:
    """A picture that is gone is left out; links that are dead or do not open are told of with their story."""
    site = room.site
    site.put("/down", Page(status=503))
    site.put("/lamp.jpg", Page(status=410))
    site.put("/page", Page(b"<p>Here</p>", content_type="text/html"))
    body = (
        f'<p>Of <a href="{site.url("/gone")}">one</a>, <a href="{site.url("/down")}">two</a> and '
        f'<a href="{site.url("/page")}">three</a>.</p><p><img src="{site.url("/lamp.jpg")}" alt="A lamp" '
        'width="600" height="300"></p><p>The end of the story.</p>'
    )
    room.publish(post(1, "On Lamps", category="Commentary", body=body))
    edition_id = room.edition()
    assert room.freeze(edition_id) is FROZEN
    found = findings(room, edition_id)
    told = {one.finding.code: dict(one.finding.facts) for one in found}
    assert told[Code.LINK_DEAD] == {"title": "On Lamps", "url": site.url("/gone")}
    assert told[Code.LINK_UNREACHABLE] == {"title": "On Lamps", "url": site.url("/down")}
    assert told[Code.PICTURE_DROPPED] == {"url": site.url("/lamp.jpg")}
    assert ("mended", Code.PICTURE_DROPPED) in codes(found)
    assert found[0].finding.level is MailLevel.MENDED  # the gravest first
    assert Code.PICTURE_UNREACHABLE not in told
    html = html_of(room, edition_id)
    assert "lamp.jpg" not in html
    assert "The end of the story." in html
    assert [len(site.asked(path)) for path in ("/gone", "/down", "/page")] == [1, 1, 1]
    # Looked at again without asking: what was seen then is still told.
    asked = len(site.requests)
    assert codes(now_judged(room, edition_id)) == codes(found)
    assert len(site.requests) == asked


def test_breaking_news_asks_no_site(room: Room) -> None:
    """It does not wait for slow ones: nothing is looked at."""
    room.publish(post(1, category="Commentary", body=f'<p>A <a href="{room.site.url("/gone")}">b</a>.</p>'))
    edition_id = room.edition()
    room.change(postal_address="")
    assert room.freeze(edition_id) is HELD
    room.change(postal_address="1 Mill Lane, Springdale")
    with room.database.write() as session:
        session.get_one(Edition, edition_id).kind = EditionKind.BREAKING
    asked = len(room.site.requests)
    assert room.freeze(edition_id) is FROZEN
    assert len(room.site.requests) == asked
    assert not codes(findings(room, edition_id)) & {("warn", Code.LINK_DEAD)}


def test_excerpts_are_cut_until_the_mail_fits(room: Room) -> None:
    """It goes out below the limit, its stories are kept as they went out, and it is said what was cut."""
    excerpt = "Ծիրանի այգիներն այս տարի ծանր են բերքից, ասում են այգեպանները։ " * 16
    with room.database.write() as session:
        now = clock.utc_now()
        ids = [make_post(session, now, title=f"Story {n}", excerpt=excerpt) for n in range(40)]
    edition_id = room.edition()
    with room.database.read() as session:
        posts = tuple(session.get_one(Post, one) for one in ids)
        edition, cadence = session.get_one(Edition, edition_id), session.get_one(Cadence, room.cadence_id)
        digest = session.get_one(Digest, room.digest_id)
    material = Material(edition, cadence, digest, None, posts, (TextSize.NORMAL,))
    checked = check(
        digest,
        context_of(material, public_url=PUBLIC_URL),
        lambda context: compose(material, public_url=PUBLIC_URL, templates=None, context=context),
        public_url=PUBLIC_URL,
    )
    assert not checked.is_blocked
    mended = [dict(one.finding.facts) for one in checked.findings if one.finding.level is MailLevel.MENDED]
    assert mended == [{"most": MAX_HTML_BYTES, "letters": 240, "stories": 40}]
    assert all(len(one.html.encode()) <= MAX_HTML_BYTES for one in checked.composed.variants)
    shown = checked.composed.items[0].story.excerpt
    assert len(shown) <= 240
    assert shown in checked.composed.variants[0].html
    assert shown in checked.composed.web_html
    assert [one.post_id for one in checked.composed.items] == ids


def test_a_hostile_feed_goes_out_as_words(room: Room, tmp_path: Path) -> None:
    """Styles, links, pictures, pipes in every field of a feed: locked, and nobody but its site is asked."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        nasty = (
            f'--><![endif]--></style><style>@import url({url}.css);@import "file://{pipe}";</style>'
            f'<link rel="stylesheet" href="{url}.css"><a href="{url}">a</a><img src="{url}.png" alt="b">'
            f'<img src="file://{pipe}"><base href="{url}"><script src="{url}"></script>'
        )
        body = f"<p>{nasty}</p><p>{'The orchards of the plain are heavy this year. ' * 8}</p>"
        fields = {"title": nasty, "category": "Commentary", "author": nasty, "body": body}
        room.publish(post(1, **fields), post(2, **fields | {"category": nasty}))
        edition_id = room.edition()
        assert room.freeze(edition_id) is FROZEN
        with pytest.raises(BlockingIOError):
            listener.accept()
    with pytest.raises(BlockingIOError):
        os.read(end, 1)
    os.close(end)
    assert "@import" not in html_of(room, edition_id)
