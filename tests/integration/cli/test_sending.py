"""The commands of a send that is under way, as a person types them."""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from digest import clock
from digest.cli import common, watch
from digest.cli.watch import screen
from digest.db import Database
from digest.deliveries.handover import finish_served
from digest.deliveries.progress import progress
from digest.editions.show import edition_line
from digest.i18n import Translator
from digest.lists.erase import erase_subscriber
from digest.lists.segments import add_segment, set_cadence_segment
from digest.lists.status import Origin
from digest.models import (
    AuditEntry,
    Batch,
    Cadence,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Digest,
    Edition,
    EditionState,
    Notice,
    NoticeState,
    Reply,
    Subscriber,
)
from tests.integration.cli.commands import Cli
from tests.integration.planned import Desk, make_desk

SENT, FAILED, PENDING = DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.PENDING


@pytest.fixture
def desk(cli: Cli) -> Iterator[Desk]:
    """A newsroom in the data folder that the commands work on."""
    database = Database(f"sqlite:///{cli.data / 'digest.db'}")
    yield make_desk(database, cli.data)
    database.close()


@pytest.fixture
def running(desk: Desk) -> int:
    """An edition of which three of five people have got it, one has failed, and one waits; its id."""
    people = desk.add_people(5)
    edition_id = desk.sending(clock.utc_now())
    with desk.database.write() as session:
        session.add(Reply(id=1, fingerprint="1", code=552, enhanced="5.2.2", text="mailbox [full]"))
        session.execute(sa.update(Subscriber).where(Subscriber.id.in_(people[:2])).values(domain="gmail.com"))
        done = sa.update(Delivery).where(Delivery.subscriber_id.in_(people[:3]))
        session.execute(done.values(status=SENT, sent_at=clock.utc_now()))
        failed = sa.update(Delivery).where(Delivery.subscriber_id == people[3])
        session.execute(failed.values(status=FAILED, reply_id=1))
    return edition_id


def _finish(desk: Desk) -> None:
    with desk.database.write() as session:
        now = clock.utc_now()
        session.execute(
            sa.update(Delivery).where(Delivery.status == PENDING).values(status=SENT, sent_at=now)
        )
        session.execute(sa.update(Batch).values(closed_at=now))
        finish_served(session, now=now)


def test_status_says_how_far_it_is(cli: Cli, running: int) -> None:
    """For a person: the numbers, the providers, the replies; for a program: the same."""
    text = cli("edition", "status", running)
    for part in ("A bridge is mended", "being handed over", "80.0 %", "552 5.2.2 mailbox [full]", "Google"):
        assert part in text
    assert "Ctrl-C" not in text
    assert "\x1b" not in text  # a pipe gets no colours
    found = cli.json("edition", "status", running)
    assert found["deliveries"] == {"pending": 1, "sent": 3, "failed": 1, "skipped": 0, "uncertain": 0}
    assert (found["state"], found["is_over"], found["people"]) == ("sending", False, 5)
    assert found["providers"][0] == {
        "name": "Google",
        "people": 2,
        "pending": 0,
        "sent": 2,
        "failed": 0,
        "skipped": 0,
        "uncertain": 0,
    }
    assert found["replies"] == [
        {"status": "failed", "code": 552, "enhanced": "5.2.2", "text": "mailbox [full]", "count": 1}
    ]
    assert "անձնվ" in cli("edition", "status", running, "--language", "hy")


def test_pause_and_resume_say_what_they_did(cli: Cli, desk: Desk, running: int) -> None:
    """With the numbers, and the second time that it was so already; the reason is shown afterwards."""
    said = cli("edition", "pause", running, "--because", "a wrong name")
    assert f"Edition {running} is paused: 3 have it, 1 wait for it." in said
    assert f"digest edition resume {running}" in said
    assert "is paused already" in cli("edition", "pause", running)
    assert "a wrong name" in cli("edition", "show", running)
    assert "goes on: 3 have it" in cli("edition", "resume", running)
    assert "goes on already" in cli("edition", "resume", running)
    assert desk.edition(running).state is EditionState.SENDING
    with desk.database.read() as session:
        entries = session.execute(sa.select(AuditEntry.action, AuditEntry.actor)).all()
    assert [entry.action for entry in entries] == ["edition.pause", "edition.resume"]
    assert all(entry.actor.startswith("cli:") for entry in entries)


def test_cancel_asks_while_people_still_wait(cli: Cli, desk: Desk, running: int) -> None:
    """It says how many that is and what else can be done; with --yes it is final."""
    said = cli.refused("edition", "cancel", running)
    assert "1 people still wait" in said
    assert "--yes" in said
    assert desk.edition(running).state is EditionState.SENDING
    assert "is cancelled: 1 people are not mailed, 3 have it." in cli("edition", "cancel", running, "--yes")
    assert PENDING not in desk.statuses(running).values()
    assert "Only a paused edition can go on" in cli.refused("edition", "resume", running, code=1)
    assert "cancelled" in cli("edition", "cancel", running)  # once more changes nothing


def test_cancel_says_what_a_worker_still_holds(cli: Cli, desk: Desk, running: int) -> None:
    """What may be on the wire is settled when it lets go."""
    sender = desk.sender(1, now=clock.utc_now())
    with desk.database.write() as session:
        session.execute(sa.update(Batch).values(journal_id=sender.journal_id))
    said = cli("edition", "cancel", running, "--yes")
    assert "0 people are not mailed, 3 have it; a worker lets go of 1 more within seconds" in said
    sender.journal.close()


def test_retry_says_for_how_many(cli: Cli, desk: Desk, running: int) -> None:
    """A dry run changes nothing; what is no code and no provider is a sentence."""
    _finish(desk)
    assert "1 people who failed would be" in cli("edition", "retry", running, "--dry-run")
    nobody = ("--enhanced", "5.1.1", "--code", 550, "--provider", "google")
    assert "Nobody failed" in cli("edition", "retry", running, *nobody)
    assert cli.json("edition", "retry", running, "--code", 552)["people"] == 1
    assert desk.edition(running).state is EditionState.SENT
    assert list(desk.statuses(running).values()).count(PENDING) == 1
    assert "there are: Google" in cli.refused("edition", "retry", running, "--provider", "acme")
    assert "written like 5.2.2" in cli.refused("edition", "retry", running, "--enhanced", "full")
    assert cli.run("edition", "retry", running, "--code", 250).exit_code == 2


def test_send_says_to_how_many(cli: Cli, desk: Desk) -> None:
    """Of a planned edition, and of one whose audience is not fixed yet."""
    desk.add_people(3)
    later = clock.utc_now() + dt.timedelta(hours=1)
    for edition_id in (desk.planned(later), desk.frozen(later + dt.timedelta(hours=1))):
        assert f"Edition {edition_id} goes out to 3 people" in cli("edition", "send", edition_id)


def test_watch_prints_a_line_for_each_change_until_it_is_final(cli: Cli, desk: Desk, running: int) -> None:
    """Away from a terminal; exit code 0 at the end. It is a reader: the rows are as they were."""
    later = threading.Timer(0.6, _finish, [desk])
    later.start()
    lines = cli("edition", "watch", running, "--every", 0.05).splitlines()
    later.join()
    assert len(lines) == 2
    assert "3 handed over, 1 failed, 1 waiting of 5" in lines[0]
    assert "4 handed over, 1 failed of 5" in lines[1]
    assert "Handed over to everybody" in lines[1]


def test_watch_for_programs_is_an_object_a_line(cli: Cli, desk: Desk, running: int) -> None:
    """The same object as `status --json`."""
    _finish(desk)
    (line,) = cli("edition", "watch", running, "--json").splitlines()
    assert json.loads(line)["is_over"] is True


@pytest.mark.parametrize("state", [EditionState.PAUSED, EditionState.HELD])
def test_watch_ends_where_a_person_is_waited_for(
    cli: Cli, desk: Desk, running: int, state: EditionState
) -> None:
    """With an exit code of its own, so that a script can tell."""
    with desk.database.write() as session:
        session.execute(sa.update(Edition).values(state=state))
    assert cli.run("edition", "watch", running).exit_code == 3


def test_watch_goes_on_while_a_sent_edition_is_retried(cli: Cli, desk: Desk, running: int) -> None:
    """The state is final, the retry is not."""
    _finish(desk)
    cli("edition", "retry", running)
    later = threading.Timer(0.4, _finish, [desk])
    later.start()
    lines = cli("edition", "watch", running, "--every", 0.05).splitlines()
    later.join()
    assert "1 waiting" in lines[0]
    assert "waiting" not in lines[-1]


def test_watch_of_nothing_is_a_sentence(cli: Cli, desk: Desk) -> None:
    """As everywhere."""
    assert "There is no edition 99" in cli.refused("edition", "watch", 99)


@pytest.mark.parametrize("width", [20, 40, 80, 100, 200])
def test_picture_fits_the_terminal(desk: Desk, running: int, width: int) -> None:
    """No line is longer than it; the bar ends with the share that is served."""
    from rich.console import Console

    with desk.database.read() as session:
        found = progress(session, running, now=clock.utc_now())
        line = edition_line(session, running)
    console = Console(width=max(40, width), record=True, file=io.StringIO())
    console.print(screen(line, found, Translator("en"), width=width, is_live=True))
    lines = console.export_text().splitlines()
    assert max(len(one) for one in lines) <= max(40, width)
    assert any(one.rstrip().endswith("80.0 %") for one in lines)


@pytest.mark.parametrize(
    ("counts", "full", "thin"), [((0, 5), 0, 10), ((5, 0), 10, 0), ((999, 1), 9, 1), ((1, 1), 5, 5)]
)
def test_bar_is_full_when_everybody_is_served(counts: tuple[int, int], full: int, thin: int) -> None:
    """Not a moment before."""
    people = dict.fromkeys(DeliveryStatus, 0) | {SENT: counts[0], PENDING: counts[1]}
    bar = watch._bar(people, 10).plain
    assert (bar.count("━"), bar.count("─")) == (full, thin)


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0"), (0.00001, "0.1"), (0.5, "50.0"), (0.99999, "99.9"), (1, "100")]
)
def test_percent_is_never_rounded_up_to_all(share: float, text: str) -> None:
    """A hundred means everybody."""
    assert watch._percent(share) == text


def test_why_tells_the_whole_story(cli: Cli, desk: Desk, running: int) -> None:
    """Consent, moment, reply and Message-ID; the sentence in the language asked for."""
    address = next(name for name, status in desk.statuses(running).items() if status is FAILED)
    text = cli("why", address)
    for part in (
        f"Edition {running} of ",
        "Failed: the mail service has refused it.",
        "reply:      552 5.2.2 mailbox [full]",
        "consent:    list readers-",
        '"signed a card at the fair"',
        f"Message-ID: <e{running}.",
        "tried:      once",
    ):
        assert part in text
    found = cli.json("why", address, "--edition", running)
    assert (found["known"], found["deliveries"][0]["status"]) == ("subscriber", "failed")
    assert found["deliveries"][0]["consent"][0]["action"] == "sign_up"
    assert not cli.json("why", address, "--language", "hy")["deliveries"][0]["sentence"].isascii()
    assert "No edition was planned for it that fits." in cli("why", address, "--day", "2001-01-01")
    assert "is not a day" in cli.refused("why", address, "--day", "tomorrow")


def test_why_tells_of_skipped_and_waiting_ones(cli: Cli, desk: Desk, running: int) -> None:
    """With the reason, or with when their turn comes."""
    waiting = next(name for name, status in desk.statuses(running).items() if status is PENDING)
    assert "the edition is sending" in cli("why", waiting)
    cli("edition", "cancel", running, "--yes")
    said = cli("why", waiting)
    assert "the edition was cancelled before its turn came" in said
    assert "tried:      never" in said


def test_why_says_who_was_not_in_the_segment(cli: Cli, desk: Desk, running: int) -> None:
    """With the edition, the segment, and when its people were fixed."""
    (late,) = desk.add_people(1)
    with desk.database.write() as session:
        digest = session.get_one(Digest, desk.cadence.digest_id)
        cadence = session.get_one(Cadence, desk.cadence.id)
        rule = '{"language": "hy"}'
        add_segment(session, digest, name="armenian", title="", rule=rule, actor="x", now=clock.utc_now())
        set_cadence_segment(session, cadence, "armenian", actor="x", now=clock.utc_now())
        address = str(session.get_one(Subscriber, late).address)
    said = cli("why", address)
    assert f"Edition {running} of " in said
    assert "It goes to the segment armenian; when its people were fixed, on " in said
    assert "No edition was planned" not in said
    assert cli.json("why", address)["left_out"][0]["edition_id"] == running


def test_why_lists_single_mails(cli: Cli, desk: Desk) -> None:
    """What became of each, in words; also to somebody who does not subscribe."""
    at = clock.utc_now()
    refused = "Not handed over: the subscription has ended since."
    told = (("welcome", NoticeState.FAILED, refused), ("goodbye", NoticeState.SENT, "250 2.0.0 taken"))
    rest = (("confirm", NoticeState.PENDING, "451 later"), ("moved", NoticeState.FAILED, ""))
    with desk.database.write() as session:
        for kind, state, reply in (
            *told,
            *rest,
            ("fresh_link", NoticeState.UNCERTAIN, ""),
            ("test", *told[1][1:]),
        ):
            values = {"sender_address": "news@courier.example", "message": b"x\r\n", "created_at": at}
            done_at = None if state is NoticeState.PENDING else at
            address = "single@mail.test"
            session.add(
                Notice(
                    key=kind,
                    kind=kind,
                    address=address,
                    state=state,
                    reply=reply,
                    not_before=at,
                    done_at=done_at,
                    **values,
                )
            )
    said = cli("why", "single@mail.test")
    assert "Nobody subscribes with this address.\n" in said
    assert f"welcome, asked for on {common.shown(at)}: failed on {common.shown(at)}. {refused}" in said
    assert f": handed over on {common.shown(at)}. 250 2.0.0 taken" in said
    assert f": waits for its turn, {common.shown(at)}. 451 later" in said
    assert "The mail service could not be used for days." in said
    assert "fresh link, asked for" in said
    assert "may have arrived: no answer came" in said
    assert "test, asked for" not in said  # that is the staff's
    found = cli.json("why", "single@mail.test")["notices"]
    assert {"kind": "welcome", "state": "failed", "reply": refused}.items() <= found[-1].items()
    assert "Single mails" not in cli("why", "single@mail.test", "--edition", 1)


def test_why_of_strangers_and_of_the_erased(cli: Cli, desk: Desk, running: int) -> None:
    """Of whoever was erased only the day is told; an unknown address is no error."""
    assert "Nobody subscribes with this address" in cli("why", "nobody@mail.test")
    cli("suppression", "add", "nobody@mail.test", "--reason", "complained")
    assert "on the do-not-mail list since" in cli("why", "nobody@mail.test")
    address = next(iter(desk.statuses(running)))
    with desk.database.write() as session:
        person = session.scalars(sa.select(Subscriber).where(Subscriber.address == address)).one()
        erase_subscriber(session, person, source=Origin.CLI, now=clock.utc_now())
    text = cli("why", address)
    assert "was erased on" in text
    assert "Edition" not in text
    assert "mail address" in cli.refused("why", "not an address")


def test_old_edition_is_shown_by_its_totals(cli: Cli, desk: Desk, running: int) -> None:
    """And says that its people are no longer on record."""
    _finish(desk)
    from digest.deliveries.retention import drop_old_ranges

    with desk.database.write() as session:
        drop_old_ranges(session, keep=dt.timedelta(0), now=clock.utc_now() + dt.timedelta(days=1))
    assert desk.statuses(running) == {}
    assert "4 sent; 1 failed (no longer on record one by one)" in cli("edition", "show", running)
    assert "no longer on record" in cli("edition", "status", running)
    assert "no longer on record" in cli.refused("edition", "retry", running, code=1)
    assert DeliveryReason.CANCELLED not in cli.json("edition", "status", running)["reasons"]
