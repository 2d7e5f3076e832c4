"""Counted links of editions: kept with each version, the same in all, led elsewhere by a person."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.db import Database
from digest.editions.copies import Imprint, ask_test_mails
from digest.editions.links import Followed, LinkLine, add_counts, list_links, repoint, targets_of
from digest.errors import InputError, NotFoundError
from digest.models import (
    AuditEntry,
    Digest,
    Edition,
    Item,
    Link,
    LinkCount,
    LinkForm,
    Notice,
    Revision,
    Variant,
)
from tests.factories import make_account
from tests.integration.newsroom import Newsroom, make_newsroom
from tests.integration.planned import PUBLIC_URL, Desk, make_desk
from tests.integration.printed import Printed, print_edition

HOUR = dt.datetime(2026, 11, 23, 13, tzinfo=dt.UTC)
_OURS = re.compile(rf"{re.escape(PUBLIC_URL)}/l/([a-z2-7]{{16}})\b")


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom whose digest counts."""
    made = make_desk(database, tmp_path)
    with database.write() as session:
        session.execute(sa.update(Digest).values(links=LinkForm.COUNTED))
    return made


@pytest.fixture
def printed(desk: Desk) -> Printed:
    """A locked edition of a commentary and two headlines."""
    return print_edition(desk, clock.utc_now())


def lines(printed: Printed) -> list[LinkLine]:
    with printed.desk.database.read() as session:
        return list_links(session, session.get_one(Edition, printed.edition_id))


def lead(printed: Printed, which: str, url: str) -> str:
    """Lead a link elsewhere; its code."""
    with printed.desk.database.write() as session:
        edition = session.get_one(Edition, printed.edition_id)
        now = clock.utc_now()
        return repoint(session, edition, which, url, public_url=PUBLIC_URL, actor="cli:ani", now=now).code


def test_a_version_is_stored_with_its_links(printed: Printed) -> None:
    """Each code in a mail leads to its story; stories and the web edition keep their own addresses."""
    with printed.desk.database.read() as session:
        mails = session.scalars(sa.select(Variant.html + Variant.text)).all()
        web = session.scalars(sa.select(Revision.web_html)).one()
        urls = [story["url"] for story in session.scalars(sa.select(Item.story).order_by(Item.position))]
        links = {link.code: link for link in session.scalars(sa.select(Link))}
        found = {code for mail in mails for code in _OURS.findall(mail)}
        assert found == links.keys()
        assert sorted(link.url for link in links.values()) == sorted(urls)
        assert targets_of(session, [*links, "gone"]) == {code: link.url for code, link in links.items()}
    assert "/l/" not in web
    assert all(url in web and url not in mails[0].partition("--")[0] for url in urls)
    assert [(line.story, line.url) for line in lines(printed)] == list(enumerate(urls, start=1))


def test_the_next_version_has_the_same_links(printed: Printed) -> None:
    """What was led elsewhere stays so, in the version that people have and in the next one."""
    before = lines(printed)
    code = lead(printed, "2", "https://courier.example/right/")
    assert code == before[1].code
    number = printed.revise(titles={2: "Mill Bridge Opens at Last"}, dropped=frozenset({3}))
    assert number == 2
    after = lines(printed)
    assert [line.code for line in after] == [line.code for line in before]
    assert (after[1].url, after[1].target) == (before[1].url, "https://courier.example/right/")


def test_a_link_is_led_elsewhere_by_a_person_who_is_named(printed: Printed) -> None:
    """By the story's number, the code or the whole address; who, when, from where to is on record."""
    first, second, _ = lines(printed)
    lead(printed, "1", "https://courier.example/ճիշտ/?a=1 2")
    lead(printed, second.code.upper(), "https://courier.example/b/")
    lead(printed, f"{PUBLIC_URL}/l/{second.code}", second.url)
    now = lines(printed)
    assert now[0].target == "https://courier.example/%D5%B3%D5%AB%D5%B7%D5%BF/?a=1%202"
    assert (now[0].changed_by, now[2].changed_by) == ("cli:ani", None)
    assert now[1].target == second.url
    with printed.desk.database.read() as session:
        said = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "link.repoint").order_by(AuditEntry.id)
        ).all()
    assert [one.target_id for one in said] == [printed.edition_id] * 3
    assert said[0].details == {"code": first.code, "from": first.url, "to": now[0].target}


def test_a_link_never_leads_where_it_must_not(printed: Printed) -> None:
    """Only to an address of the web, without a password, and never in a circle; nothing changes."""
    wrong = (
        "",
        "courier.example/a",
        "javascript:alert(1)",
        "ftp://courier.example/a",
        "https://ani:secret@courier.example/",
        "https:///a",
        "%%unsubscribe_url%%",
        "https://courier.example/" + "a" * 2000,
        f"{PUBLIC_URL}/l/aaaabbbbccccdddd",
        f"{PUBLIC_URL.upper().replace('HTTPS', 'http')}:8080/l/x",
    )
    for url in wrong:
        with pytest.raises(InputError):
            lead(printed, "1", url)
    assert [line.target for line in lines(printed)] == [line.url for line in lines(printed)]


def test_a_link_that_is_not_there_is_said_to_be_missing(printed: Printed) -> None:
    """No such story, no such code: a sentence, and nothing changes."""
    for which in ("0", "4", "99999999999999", "aaaabbbbccccdddd", "On Patience", "", "²"):
        with pytest.raises(InputError):
            lead(printed, which, "https://courier.example/")
    assert {line.changed_by for line in lines(printed)} == {None}


def test_stories_with_one_address_share_a_link(printed: Printed) -> None:
    """It is listed with the first of them, and led elsewhere by the number of either."""
    second = lines(printed)[1]
    with printed.desk.database.write() as session:
        third = session.scalars(sa.select(Item).where(Item.position == 2)).one()
        third.story = {**third.story, "url": second.url}
    assert lead(printed, "3", "https://courier.example/right/") == second.code
    assert [(line.story, line.target) for line in lines(printed)][1] == (2, "https://courier.example/right/")


def test_another_edition_s_link_is_not_found(desk: Desk, printed: Printed) -> None:
    """A code is looked for in the edition that was named."""
    other = print_edition(desk, clock.utc_now() + dt.timedelta(hours=1))
    with pytest.raises(NotFoundError):
        lead(other, lines(printed)[0].code, "https://courier.example/")


def test_counts_of_many_processes_add_up(printed: Printed) -> None:
    """By link and hour, people and bots apart; a link that is gone is let go of."""
    database, codes = printed.desk.database, [line.code for line in lines(printed)]
    later = HOUR + dt.timedelta(hours=1)
    rounds = [
        [Followed(codes[0], HOUR, 2, 1), Followed(codes[1], HOUR, 0, 4)],
        [Followed(codes[0], HOUR, 3, 0), Followed(codes[0], later, 1, 0), Followed("gone", HOUR, 9, 9)],
    ]
    for each in rounds:
        with database.write() as session:
            add_counts(session, each)
    assert [(line.people, line.bots) for line in lines(printed)] == [(6, 1), (0, 4), (0, 0)]
    with database.read() as session:
        rows = session.execute(
            sa.select(LinkCount.hour, LinkCount.people)
            .where(LinkCount.code == codes[0])
            .order_by(LinkCount.hour)
        ).all()
    assert [tuple(row) for row in rows] == [(HOUR, 5), (later, 1)]


def test_a_digest_that_does_not_count_stores_none(desk: Desk) -> None:
    """And its stories cannot be led elsewhere."""
    with desk.database.write() as session:
        session.execute(sa.update(Digest).values(links=LinkForm.DIRECT))
    made = print_edition(desk, clock.utc_now())
    assert lines(made) == []
    with pytest.raises(NotFoundError):
        lead(made, "1", "https://courier.example/")


def test_links_of_a_test_mail_lead_somewhere(database: Database, desk: Desk) -> None:
    """Also before the edition is locked; once it is, the same addresses are in the mail for all."""
    room: Newsroom = make_newsroom(database)
    room.change(Digest, links=LinkForm.COUNTED)
    room.publish("On-Patience", categories=["Commentary"])
    edition_id = room.edition()
    with database.write() as session:
        address = make_account(session).address
    imprint = Imprint(PUBLIC_URL, desk.made)
    assert ask_test_mails(database, edition_id, [address], imprint, actor="test") == 1
    with database.read() as session:
        mail = session.scalars(sa.select(Notice.message)).one()
        early = {link.code for link in session.scalars(sa.select(Link))}
    flat = mail.replace(b"=\r\n", b"").decode()
    assert early
    assert early == set(_OURS.findall(flat))
    assert room.freeze(edition_id) is None
    with database.read() as session:
        assert set(_OURS.findall(session.scalars(sa.select(Variant.html)).one())) == early
