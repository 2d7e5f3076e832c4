"""Copies for the staff: test mails, first copies, and the stop that comes back from one."""

from __future__ import annotations

import datetime as dt
import re
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from digest import clock
from digest.db import Database
from digest.deliveries.handover import start_due
from digest.deliveries.plan import plan
from digest.deliveries.stop import Stopped, find_stop, stop, what_stopping_does
from digest.deliveries.sweep import SweepSettings, tick
from digest.editions.copies import Imprint, ask_test_mails
from digest.editions.first_copies import (
    add_first_copy,
    ask_first_copies,
    first_readers,
    remove_first_copy,
    set_first_copies_lead,
)
from digest.editions.progress import thaw
from digest.editions.stop_links import edition_and_account, stop_url
from digest.errors import InputError, NotFoundError, StateError
from digest.mail.placeholders import PreparedMail, fill
from digest.models import (
    Account,
    AuditEntry,
    Batch,
    Cadence,
    Delivery,
    Digest,
    Edition,
    EditionState,
    Notice,
    Reason,
    Revision,
    Variant,
)
from digest.preflight import mail_findings
from digest.preflight.mail_findings import Code, merged, stored
from digest.rendering.contexts import TextSize
from digest.tokens import Claim, Purpose, TokenError
from tests.factories import make_account
from tests.integration.planned import PUBLIC_URL, Desk, make_desk
from tests.integration.printed import Printed, print_edition

S = EditionState
LEAD = dt.timedelta(seconds=300)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with one list and nobody on it yet."""
    return make_desk(database, tmp_path)


@pytest.fixture
def imprint(desk: Desk) -> Imprint:
    """What copies are made with."""
    return Imprint(PUBLIC_URL, desk.made)


def account(desk: Desk, address: str = "nare@courier.example", **values: object) -> Account:
    with desk.database.write() as session:
        return make_account(session, address, **values)


def get_first(desk: Desk, *accounts: Account) -> None:
    with desk.database.write() as session:
        cadence = session.get_one(Cadence, desk.cadence.id)
        for one in accounts:
            assert add_first_copy(session, cadence, one, actor="test", now=clock.utc_now())


def ask_copies(desk: Desk, imprint: Imprint, now: dt.datetime) -> int:
    with desk.database.write() as session:
        return ask_first_copies(session, imprint, now=now)


def asked(desk: Desk) -> list[Notice]:
    with desk.database.read() as session:
        return list(session.scalars(sa.select(Notice).order_by(Notice.id)))


def parsed(notice: Notice) -> EmailMessage:
    return cast("EmailMessage", BytesParser(policy=policy.default).parsebytes(notice.message))


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return cast("str", found.get_content()).replace("\r\n", "\n")


def test_a_test_mail_is_the_stored_one(desk: Desk, imprint: Imprint) -> None:
    """Byte for byte below the headers, and in them all but the subject's mark and the person's own."""
    nare = account(desk)
    printed = print_edition(desk, clock.utc_now())
    assert ask_test_mails(desk.database, printed.edition_id, [nare.address], imprint, actor="cli:ani") == 1
    (notice,) = asked(desk)
    assert (notice.kind, notice.address) == ("test", nare.address)
    message = parsed(notice)
    assert message["Subject"] == "[Test] On Patience"
    with desk.database.read() as session:
        stored = session.scalars(sa.select(Variant.mail)).one()
    values = {
        "to": nare.address,
        "to_name": nare.name,
        "name": nare.name,
        "message_id": "<e1.sample@courier.example>",
        "date": message["Date"],
        "list_id": message["List-Id"].rpartition("<")[2].rstrip(">"),
        "list_name": "The Courier",
        "unsubscribe_url": f"{PUBLIC_URL}/u/copy",
    }
    would_be = fill(PreparedMail.from_bytes(stored), values)
    head, body = notice.message.split(b"\r\n\r\n", 1)
    expected_head, expected_body = would_be.split(b"\r\n\r\n", 1)
    assert body == expected_body
    own = re.compile(rb"(?m)^(Subject|Message-ID): .*\r\n")
    assert own.sub(b"", head) == own.sub(b"", expected_head)
    with desk.database.read() as session:
        (entry,) = session.scalars(sa.select(AuditEntry))
    assert (entry.action, entry.details) == ("edition.test", {"mails": 1})


def test_any_version_and_size_can_be_tested_again_and_again(desk: Desk, imprint: Imprint) -> None:
    """Before it is approved too; a size that nobody reads has no mail."""
    nare, ara = account(desk), account(desk, "ara@courier.example")
    printed = print_edition(desk, clock.utc_now(), sizes=(TextSize.NORMAL, TextSize.LARGE))
    printed.revise(titles={1: "On Haste"})
    for _ in range(2):
        assert (
            ask_test_mails(
                desk.database,
                printed.edition_id,
                [nare.address, ara.address],
                imprint,
                actor="cli:ani",
                revision_number=2,
                size=TextSize.LARGE,
            )
            == 2
        )
    found = asked(desk)
    assert len({notice.key for notice in found}) == len(found) == 4
    assert {parsed(notice)["Subject"] for notice in found} == {"[Test] On Haste"}
    with desk.database.write() as session:
        session.execute(sa.delete(Variant).where(Variant.text_size == "large"))
    with pytest.raises(NotFoundError, match="no mail in the text size large"):
        ask_test_mails(
            desk.database, printed.edition_id, [nare.address], imprint, actor="x", size=TextSize.LARGE
        )


def test_a_test_for_a_stranger_is_refused_before_anything_is_made(desk: Desk, imprint: Imprint) -> None:
    """One stranger among them, and nobody gets one."""
    nare = account(desk)
    printed = print_edition(desk, clock.utc_now())
    with pytest.raises(NotFoundError, match="No account that is active"):
        ask_test_mails(
            desk.database, printed.edition_id, [nare.address, "reader@mail.test"], imprint, actor="x"
        )
    with pytest.raises(NotFoundError, match="no version 7"):
        ask_test_mails(
            desk.database, printed.edition_id, [nare.address], imprint, actor="x", revision_number=7
        )
    assert asked(desk) == []


def test_an_edition_with_nothing_in_it_cannot_be_tested(desk: Desk, imprint: Imprint) -> None:
    """It says why, in the words of a skipped one."""
    nare = account(desk)
    printed = print_edition(desk, clock.utc_now())
    with desk.database.write() as session:
        session.execute(sa.update(Edition).values(revision_id=None, state=S.UPCOMING))
    with pytest.raises(StateError, match="nothing new"):
        ask_test_mails(desk.database, printed.edition_id, [nare.address], imprint, actor="x")


def test_first_copies_are_asked_for_once_and_in_time(desk: Desk, imprint: Imprint) -> None:
    """So many seconds before the slot, for those of the cadence, once, however often the tick comes."""
    now = clock.utc_now()
    get_first(desk, account(desk), account(desk, "ara@courier.example"))
    slot = now + dt.timedelta(hours=1)
    print_edition(desk, slot)
    assert ask_copies(desk, imprint, slot - LEAD - dt.timedelta(seconds=1)) == 0
    assert ask_copies(desk, imprint, slot - LEAD) == 2
    assert ask_copies(desk, imprint, slot) == 0
    assert {notice.address for notice in asked(desk)} == {"nare@courier.example", "ara@courier.example"}
    assert {notice.kind for notice in asked(desk)} == {"first_copy"}
    assert len({parsed(notice)["Message-ID"] for notice in asked(desk)}) == 2


def test_a_first_copy_is_the_mail_with_a_line_on_top(desk: Desk, imprint: Imprint) -> None:
    """In both parts: when it goes out, and the link that stops it, which is this person's alone."""
    now = clock.utc_now()
    nare = account(desk)
    get_first(desk, nare)
    printed = print_edition(desk, now + LEAD)
    ask_copies(desk, imprint, now)
    (notice,) = asked(desk)
    message = parsed(notice)
    assert message["Subject"] == "[First copy] On Patience"
    html, text = part(message, "html"), part(message, "plain")
    link = stop_url(PUBLIC_URL, desk.made.signer, edition_id=printed.edition_id, account_id=nare.id)
    for words in (html, text):
        assert link in words
        assert "First copy: this edition goes out on" in " ".join(words.split())
        assert f"{PUBLIC_URL}/u/copy" in words
        assert "%%" not in words
    with desk.database.read() as session:
        variant = session.scalars(sa.select(Variant)).one()
    inside = variant.text.replace("%%unsubscribe_url%%", f"{PUBLIC_URL}/u/copy")
    assert text.rstrip("\n").endswith(inside.rstrip("\n"))
    rest = variant.html.replace("%%unsubscribe_url%%", f"{PUBLIC_URL}/u/copy")
    begin = html.index("<table", html.index("<body"))
    line = html[begin : html.index("</table>", begin) + len("</table>")]
    assert html.replace("\n" + line, "", 1).rstrip("\n") == rest.rstrip("\n")
    assert edition_and_account(desk.made.signer, link.rpartition("/")[2]) == (printed.edition_id, nare.id)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            ("The checks before sending say:", "Mended: A picture", "Could be better: The", "findings: 2."),
        ),
        ("hy", ("Ուղարկելուց առաջ ստուգումը", "Շտկված է՝", "Կարելի է բարելավել՝", "դիտողություններ՝ 2։")),
    ],
)
def test_a_first_copy_says_what_the_checks_found(
    desk: Desk, imprint: Imprint, language: str, said: tuple[str, ...]
) -> None:
    """In both parts, before the link that stops it: the gravest first, the first few; else nothing."""
    now = clock.utc_now()
    get_first(desk, account(desk))
    print_edition(desk, now + LEAD)
    odd = "https://news.example.org/<b>/" + "x" * 90 + "%%name%%.png"
    found = [mail_findings.mended(Code.PICTURE_DROPPED, url=odd)]
    found += [mail_findings.warn(Code.SUBJECT_LONG, length=number, most=99) for number in range(101, 107)]
    kept = [stored(one) for one in merged({"normal": found[::-1]})]
    with desk.database.write() as session:
        session.execute(sa.update(Digest).values(language=language))
        session.execute(sa.update(Revision).values(findings=kept))
    assert ask_copies(desk, imprint, now) == 1
    message = parsed(asked(desk)[0])
    link = f"{PUBLIC_URL}/stop/"
    for kind in ("html", "plain"):
        words = part(message, kind)
        top = " ".join(words[: words.index(link)].split())
        places = [top.index(one) for one in said]
        assert places == sorted(places)
        assert top.count(said[2]) == 4
        assert "%%" not in words
    assert "<b>" not in part(message, "html")
    with desk.database.write() as session:
        session.execute(sa.update(Revision).values(findings=[]))
        session.execute(sa.update(Edition).values(first_copies_at=None))
        session.execute(sa.delete(Notice))
    assert ask_copies(desk, imprint, now) == 1
    assert said[0] not in part(parsed(asked(desk)[0]), "plain")


def test_whose_account_is_closed_gets_none(desk: Desk, imprint: Imprint) -> None:
    """And nobody is asked for who was taken off again."""
    now = clock.utc_now()
    closed = account(desk, "gone@courier.example")
    taken_off, stays = account(desk, "ara@courier.example"), account(desk)
    get_first(desk, closed, taken_off, stays)
    with desk.database.write() as session:
        session.get_one(Account, closed.id).disabled_at = now
        cadence = session.get_one(Cadence, desk.cadence.id)
        assert remove_first_copy(session, cadence, taken_off, actor="test", now=now)
        assert not remove_first_copy(session, cadence, taken_off, actor="test", now=now)
        assert not add_first_copy(session, cadence, stays, actor="test", now=now)
        assert [one.id for one in first_readers(session, cadence.id)] == [stays.id]
    print_edition(desk, now)
    assert ask_copies(desk, imprint, now) == 1


def test_the_lead_is_within_the_cadence_s_own(desk: Desk) -> None:
    """Before an edition is locked there is nothing to copy."""
    with desk.database.write() as session:
        cadence = session.get_one(Cadence, desk.cadence.id)
        for seconds in (-1, 86_401, 601):
            with pytest.raises(InputError):
                set_first_copies_lead(session, cadence, seconds, actor="test", now=clock.utc_now())
        set_first_copies_lead(session, cadence, 600, actor="test", now=clock.utc_now())
        assert cadence.first_copies_seconds == 600


def test_each_version_has_its_first_copies(desk: Desk, imprint: Imprint) -> None:
    """After a correction, and after the edition was made anew."""
    now = clock.utc_now()
    get_first(desk, account(desk))
    printed = print_edition(desk, now + LEAD)
    assert ask_copies(desk, imprint, now) == 1
    printed.revise(titles={1: "On Haste"})
    printed.approve(2, now=now)
    assert ask_copies(desk, imprint, now) == 0
    printed.go_on(2, now=now)
    assert ask_copies(desk, imprint, now) == 1
    assert parsed(asked(desk)[-1])["Subject"] == "[First copy] On Haste"
    with desk.database.write() as session:
        edition = session.get_one(Edition, printed.edition_id)
        thaw(session, edition, now=now)
        assert edition.first_copies_at is None


def test_a_copy_that_cannot_be_made_delays_nobody(desk: Desk, imprint: Imprint) -> None:
    """It is logged; the edition begins at its slot, and the others have theirs."""
    now = clock.utc_now()
    get_first(desk, account(desk), account(desk, "ara@courier.example"))
    desk.add_people(1)
    printed = print_edition(desk, now, is_planned=True)
    with desk.database.write() as session:
        session.execute(
            sa.update(Account).where(Account.address == "ara@courier.example").values(address="no address")
        )
    settings = SweepSettings(dt.timedelta(minutes=2), dt.timedelta(days=1), imprint=lambda: imprint)
    with capture_logs() as logged:
        tick(desk.database, settings, now=now)
    assert [line["event"] for line in logged if line["log_level"] == "error"] == [
        "a first copy cannot be made"
    ]
    assert desk.edition(printed.edition_id).state is S.SENDING
    assert len(asked(desk)) == 1


def test_the_tick_without_first_readers_needs_no_keys(desk: Desk) -> None:
    """Nothing is read that is not needed."""
    print_edition(desk, clock.utc_now())

    def never() -> Imprint:
        raise AssertionError

    tick(
        desk.database,
        SweepSettings(dt.timedelta(minutes=2), dt.timedelta(days=1), imprint=never),
        now=clock.utc_now(),
    )


def test_an_edition_that_went_out_before_is_copied_at_once(desk: Desk, imprint: Imprint) -> None:
    """Late is better than never: the link still stops the rest."""
    now = clock.utc_now()
    get_first(desk, account(desk))
    desk.add_people(1)
    print_edition(desk, now, is_planned=True)
    with desk.database.write() as session:
        assert start_due(session, now=now) == 1
    assert ask_copies(desk, imprint, now) == 1
    assert "is being handed over now" in " ".join(part(parsed(asked(desk)[0]), "plain").split())


def stopped(desk: Desk, printed: Printed, by: Account) -> Stopped:
    with desk.database.write() as session:
        found = find_stop(session, printed.edition_id, by.id)
        assert found is not None
        does = what_stopping_does(found[0])
        assert stop(session, *found, now=clock.utc_now()) is does
        return does


def test_stopping_holds_a_locked_edition(desk: Desk) -> None:
    """Its plan is taken back, who did it is told; a second press finds it stopped; it can go on."""
    now = clock.utc_now()
    nare = account(desk)
    desk.add_people(3)
    printed = print_edition(desk, now + LEAD, is_planned=True)
    assert stopped(desk, printed, nare) is Stopped.HELD
    edition = desk.edition(printed.edition_id)
    assert (edition.state, edition.reason, edition.planned_at) == (S.HELD, Reason.BY_PERSON, None)
    assert "by Nare Saroyan" in edition.reason_detail
    with desk.database.read() as session:
        assert session.scalars(sa.select(Delivery)).all() == []
        assert session.scalars(sa.select(Batch)).all() == []
        (entry,) = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "edition.stop"))
    assert (entry.actor, entry.details) == (
        f"account:{nare.id}",
        {"was": "frozen", "account": nare.id},
    )
    assert stopped(desk, printed, nare) is Stopped.ALREADY
    # As it was, or corrected: by the version that a person names.
    printed.go_on(1, now=now)
    assert desk.edition(printed.edition_id).state is S.FROZEN
    with desk.database.write() as session:
        assert plan(session, printed.edition_id, now=now) == 3


def test_stopping_pauses_what_is_being_handed_over(desk: Desk) -> None:
    """Nobody else gets it; those who have it keep their record."""
    now = clock.utc_now()
    nare = account(desk)
    desk.add_people(2)
    printed = print_edition(desk, now, is_planned=True)
    with desk.database.write() as session:
        start_due(session, now=now)
    assert stopped(desk, printed, nare) is Stopped.PAUSED
    edition = desk.edition(printed.edition_id)
    assert (edition.state, edition.reason) == (S.PAUSED, Reason.BY_PERSON)
    assert len(desk.statuses(printed.edition_id)) == 2
    assert stopped(desk, printed, nare) is Stopped.ALREADY


@pytest.mark.parametrize("state", [S.SENT, S.SKIPPED, S.CANCELLED])
def test_what_is_over_is_left_alone(desk: Desk, state: EditionState) -> None:
    """The link works for years; it then does nothing."""
    printed = print_edition(desk, clock.utc_now())
    printed.set_state(state)
    assert stopped(desk, printed, account(desk)) is Stopped.OVER
    assert desk.edition(printed.edition_id).state is state


def test_a_stop_link_is_one_person_s_for_one_edition(desk: Desk) -> None:
    """No other link is one, it is no other link, and a closed account's is none."""
    signer = desk.made.signer
    token = stop_url(PUBLIC_URL, signer, edition_id=5, account_id=7).rpartition("/")[2]
    assert edition_and_account(signer, token) == (5, 7)
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.CONFIRM, Purpose.PROOF):
        with pytest.raises(TokenError):
            signer.check(token, purpose)
        with pytest.raises(TokenError):
            edition_and_account(signer, signer.sign(Claim(purpose, 7, 5)))
    closed = account(desk, disabled_at=clock.utc_now())
    printed = print_edition(desk, clock.utc_now())
    with desk.database.read() as session:
        assert find_stop(session, printed.edition_id, closed.id) is None
        assert find_stop(session, 999, closed.id) is None
        assert session.get(Revision, 1) is not None
