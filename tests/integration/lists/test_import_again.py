"""Files that come again while people sign up anew, imports undone amid others, what a file proves."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest
import sqlalchemy as sa

from digest.addresses import parse_address
from digest.db import Database
from digest.errors import StateError
from digest.lists import confirm, consent, my_data
from digest.lists.consent_proof import people_with, proof_of
from digest.lists.export import export_list
from digest.lists.import_order import ImportOrder, ImportReport
from digest.lists.import_run import import_by_id, import_subscribers
from digest.lists.import_undo import undo
from digest.lists.mappings import Meaning
from digest.lists.queries import subscriber_by_address
from digest.lists.sign_up import ListWish, Wish, ask
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.suppress import suppress_address
from digest.lists.suppression_files import import_suppressions
from digest.lists.suppression_lines import SuppressionOrder
from digest.models import (
    ConsentEvent,
    ConsentNetwork,
    ImportState,
    MailingList,
    NetworkRecord,
    Notice,
    Subscription,
    Suppression,
    SuppressionCause,
)
from digest.tokens import Signer
from tests.factories import make_cadence, make_digest, make_list
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

DAY = dt.timedelta(days=1)
STATIONERY = Stationery(Signer({1: b"s" * 32}, 1), ADDRESS_KEY, "https://mail.courier.example")
ANI = "ani@example.org"


@pytest.fixture
def order(database: Database) -> ImportOrder:
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        list_id = make_list(session, digest).id
    return ImportOrder(list_id, "moved", "cli:test", ADDRESS_KEY, file_name="people.csv")


def run(
    database: Database, order: ImportOrder, content: str, *, day: int = 0, **changes: object
) -> ImportReport:
    stream = io.BytesIO(content.encode())
    return import_subscribers(database, stream, replace(order, **changes), now=NOW + day * DAY)  # type: ignore[arg-type]


def sign_up(database: Database, list_id: int, *, day: int, is_confirmed: bool = True) -> None:
    """Ani posts the form and presses the link of the mail."""
    with database.write() as session:
        wish = Wish(parse_address(ANI), (ListWish(list_id, "yes"),))
        ask(session, wish, STATIONERY, now=NOW + day * DAY)
        raw = session.scalars(sa.select(Notice.message).order_by(Notice.id)).all()[-1]
        body = message_from_bytes(raw, policy=default).get_body(("plain",))
        assert body is not None
        ((token, post),) = re.findall(r"/c/([\w-]+)\?p=([\w-]+)", body.get_content())
        if is_confirmed:
            confirm.confirm_by_token(session, token, STATIONERY, post=post, now=NOW + day * DAY)


def status(database: Database, list_id: int, address: str = ANI) -> str:
    with database.read() as session:
        assert not [fault for _, faults in consent.verify_all(session) for fault in faults]
        person = subscriber_by_address(session, address)
        of_person = Subscription.list_id == list_id, Subscription.subscriber_id == person.id
        return session.scalars(sa.select(Subscription.status).where(*of_person)).one().value


def barred(database: Database) -> list[tuple[SuppressionCause, str]]:
    with database.read() as session:
        return [(row.cause, row.source) for row in session.scalars(sa.select(Suppression))]


def id_of(report: ImportReport) -> int:
    assert report.import_id is not None
    return report.import_id


def test_a_leaver_of_an_undone_import_is_noted_again(database: Database, order: ImportOrder) -> None:
    """Whole export in, undone, in again: no third file that has them as subscribed brings the leaver."""
    whole = f"email,status\n{ANI},unsubscribed\nara@example.org,subscribed\n"
    undo(database, id_of(run(database, order, whole)), actor="cli:test", now=NOW + DAY)
    again = run(database, order, whole, day=2)
    assert (again.added, again.left) == (1, 1)
    third = run(database, order, f"email\n{ANI}\nara@example.org\n", day=3)
    assert (third.added, third.known, third.left) == (0, 1, 1)
    assert status(database, order.list_id) == "ended"
    assert run(database, order, whole, day=4).left == 1
    with database.read() as session:
        actions = sa.select(ConsentEvent.action).where(ConsentEvent.subscription_id == 1)
        assert list(session.scalars(actions.order_by(ConsentEvent.number))) == [
            "import",
            "undo_import",
            "end",
        ]


def cleaned(moment: str) -> str:
    return f"Email Address,CLEAN_TIME\n{ANI},{moment}\n"


def test_a_confirmed_sign_up_is_not_barred_by_the_next_file(database: Database, order: ImportOrder) -> None:
    """Cleaned there, signed up here since: the weekly file stays without effect; a later bounce counts."""
    mapped = replace(order, mapping="mailchimp", leavers_only=True)
    before = f"{NOW - 30 * DAY:%Y-%m-%d %H:%M:%S}"
    assert run(database, mapped, cleaned(before)).barred == 1
    sign_up(database, order.list_id, day=1)
    assert barred(database) == []
    report = run(database, mapped, cleaned(before), day=7)
    assert (report.barred, report.known) == (0, 1)
    assert barred(database) == []
    assert run(database, mapped, cleaned(f"{NOW + 2 * DAY:%Y-%m-%d %H:%M:%S}"), day=14).barred == 1


@pytest.mark.parametrize("other", [False, True])
def test_a_bounce_without_a_moment_is_lifted_for_good(
    database: Database, order: ImportOrder, *, other: bool
) -> None:
    """Also if they signed up to another list than the one that the file is imported into."""
    with database.write() as session:
        elsewhere = make_list(session, make_digest(session)).id
    said = f"email,status\n{ANI},bounced\n"
    run(database, order, said, leavers_only=True)
    sign_up(database, elsewhere if other else order.list_id, day=1)
    assert run(database, order, said, day=7, leavers_only=True).known == 1
    assert barred(database) == []


def test_a_sign_up_lifts_no_bounce_that_was_not_known_then(database: Database, order: ImportOrder) -> None:
    """Who signed up before any file named them, or only asked to, is barred by the first that does."""
    sign_up(database, order.list_id, day=0)
    assert run(database, order, f"email,status\n{ANI},bounced\n", day=1, leavers_only=True).barred == 1


def test_never_is_for_good(database: Database, order: ImportOrder) -> None:
    """No sign-up of one's own keeps an address off the list that must never be mailed."""
    sign_up(database, order.list_id, day=0)
    assert run(database, order, f"email,status\n{ANI},blocklisted\n", day=1).barred == 1


@pytest.mark.parametrize("is_confirmed", [True, False])
@pytest.mark.parametrize("was_here", [True, False])
def test_who_signed_up_anew_is_not_ended_by_the_next_file(
    database: Database, order: ImportOrder, *, was_here: bool, is_confirmed: bool
) -> None:
    """A file of leavers without moments, week after week: the sign-up after the first of them counts."""
    if was_here:
        run(database, order, f"email\n{ANI}\n")
    left = f"email\n{ANI}\nara@example.org\n"
    assert run(database, order, left, day=1, meaning=Meaning.LEFT, mapping="listmonk").ended == 2
    sign_up(database, order.list_id, day=2, is_confirmed=is_confirmed)
    report = run(database, order, left, day=7, meaning=Meaning.LEFT, mapping="listmonk")
    assert (report.ended, report.known, report.left) == (0, 1, 1)
    assert status(database, order.list_id) == ("active" if is_confirmed else "pending")


def test_the_first_file_of_leavers_counts(database: Database, order: ImportOrder) -> None:
    """Who signed up here before any file said that they had left there, has left; so has who left later."""
    sign_up(database, order.list_id, day=0)
    assert run(database, order, f"email\n{ANI}\n", day=1, meaning=Meaning.LEFT).ended == 1
    sign_up(database, order.list_id, day=2)
    content = f"Email Address,UNSUB_TIME\n{ANI},{NOW + 3 * DAY:%Y-%m-%d %H:%M:%S}\n"
    assert run(database, order, content, day=4, mapping="mailchimp").ended == 1


def test_the_statements_for_leavers_do_not_grow(database: Database, order: ImportOrder) -> None:
    """Ten who came back and a hundred take the same number of statements."""
    statements = 0

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def _count(*_: object) -> None:
        nonlocal statements
        statements += 1

    needed = []
    for count in (10, 100):
        content = "email\n" + "".join(f"r{count}.{number}@example.org\n" for number in range(count))
        run(database, order, content, meaning=Meaning.LEFT)
        statements = 0
        assert run(database, order, content, day=1, meaning=Meaning.LEFT).left == count
        needed.append(statements)
    assert needed[0] == needed[1]


BOUNCED = f"email,status\n{ANI},cleaned\n"


def _by_an_admin(database: Database, _: ImportOrder) -> None:
    with database.write() as session:
        suppress_address(session, ADDRESS_KEY, ANI, reason="asked", source=Origin.CLI, now=NOW)


def _by_an_admin_weakly(database: Database, _: ImportOrder) -> None:
    with database.write() as session:
        cause = SuppressionCause.BOUNCE
        found = suppress_address(
            session, ADDRESS_KEY, ANI, reason="x", source=Origin.FEEDBACK, now=NOW, cause=cause
        )
        assert found is None  # there already


def _by_a_list(database: Database, _: ImportOrder) -> None:
    said = SuppressionOrder(ADDRESS_KEY, "ours", cause=SuppressionCause.BOUNCE)
    assert import_suppressions(database, io.BytesIO(ANI.encode()), said, now=NOW).known == 1


def _by_another_import(database: Database, order: ImportOrder) -> None:
    assert run(database, order, BOUNCED, day=1).suppressed == 1


def _by_another_import_strongly(database: Database, order: ImportOrder) -> None:
    assert run(database, order, f"email,status\n{ANI},never\n", day=1).barred == 1


@pytest.mark.parametrize(
    "say", [_by_an_admin, _by_an_admin_weakly, _by_a_list, _by_another_import, _by_another_import_strongly]
)
def test_undoing_releases_nobody_whom_others_barred_too(
    database: Database, order: ImportOrder, say: object
) -> None:
    """An import's entry that somebody else asserts as well outlives the import."""
    first = id_of(run(database, order, BOUNCED))
    assert callable(say)
    say(database, order)
    assert undo(database, first, actor="cli:test", now=NOW + 2 * DAY).released == 0
    assert len(barred(database)) == 1


def test_undoing_the_second_import_leaves_what_the_first_has_barred(
    database: Database, order: ImportOrder
) -> None:
    """The entry is of neither alone; of one import alone it goes with it."""
    run(database, order, BOUNCED)
    second = id_of(run(database, order, BOUNCED + "ara@example.org,cleaned\n", day=1))
    assert undo(database, second, actor="cli:test", now=NOW + 2 * DAY).released == 1
    assert barred(database) == [(SuppressionCause.BOUNCE, "import")]


def test_an_import_that_was_undone_amid_its_end_stays_undone(database: Database, order: ImportOrder) -> None:
    """Undone after its last batch was written and before it was closed: it is not noted as done."""

    def undo_it(_: int) -> None:
        undo(database, 1, actor="cli:test", now=NOW)

    with pytest.raises(StateError, match="was undone"):
        import_subscribers(
            database, io.BytesIO(b"email\nani@example.org\n"), order, now=NOW, progress=undo_it
        )
    with database.read() as session:
        assert import_by_id(session, 1).state is ImportState.UNDONE
    assert status(database, order.list_id) == "ended"


@pytest.mark.parametrize(
    "column", ["status", "zone", "language", "text_size", "cadence", "paused_until", "last_sign_of_life"]
)
def test_no_reason_quotes_an_address(database: Database, order: ImportOrder, column: str) -> None:
    """Where columns are shifted, an address stands in a cell of something else."""
    report = run(database, order, f"email,{column}\nara@example.org,{ANI}\n", is_dry_run=True)
    (line,) = report.bad_lines
    assert "ani" not in line.reason
    assert "shifted" in line.reason


MAILCHIMP = (
    "Email Address,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP\n"
    f"{ANI},2019-05-01 10:00:00,192.0.2.1,2019-05-01 11:00:00,198.51.100.7\n"
    "ara@example.org,2020-02-02 02:02:02,203.0.113.9,,\n"
    "lia@example.org,,,2199-01-01 00:00:00,no address\n"
)


@pytest.mark.parametrize(
    ("record", "networks"),
    [
        (NetworkRecord.FULL, ["198.51.100.7", "203.0.113.9"]),
        (NetworkRecord.TRUNCATED, ["198.51.100.0/24", "203.0.113.0/24"]),
        (NetworkRecord.NONE, []),
    ],
)
def test_what_the_old_service_knows_of_a_consent_is_in_its_proof(
    database: Database, order: ImportOrder, record: NetworkRecord, networks: list[str]
) -> None:
    """When and from where somebody signed up and confirmed there, committed to; networks as the list says."""
    with database.write() as session:
        session.get_one(MailingList, order.list_id).network_record = record
    named = replace(order, mapping="mailchimp", file_name="subscribed_members.csv")
    assert run(database, named, MAILCHIMP).added == 3
    with database.read() as session:
        assert not [fault for _, faults in consent.verify_all(session) for fault in faults]
        ani, ara, lia = session.scalars(sa.select(ConsentEvent.details).order_by(ConsentEvent.id)).all()
        assert ani["signed_up_there"] == "2019-05-01T10:00:00+00:00"
        assert ani["confirmed_there"] == "2019-05-01T11:00:00+00:00"
        assert ara["signed_up_there"] == "2020-02-02T02:02:02+00:00"
        assert set(lia) == {"address", "text", "actor"}
        rows = session.scalars(sa.select(ConsentNetwork).order_by(ConsentNetwork.event_id)).all()
        assert [row.network for row in rows] == networks
        assert all(row.erase_at > NOW for row in rows)
        proof = json.loads(proof_of(session, people_with(session, ADDRESS_KEY, ANI), now=NOW))
        words = proof["chains"][0]["events"][0]["in_words"]
        assert "The old service says: signed up at 2019-05-01T10:00:00+00:00 and confirmed at" in words
        assert (", from " in words) is bool(networks)
        assert all(f", from {network}." in words for network in networks[:1])
        own = my_data.my_data(session, subscriber_by_address(session, ANI).id, now=NOW).decode()
        assert "2019-05-01T11:00:00+00:00" in own
        assert all(network in own for network in networks[:1])


def test_what_mailpoet_knows_of_a_consent_is_read(database: Database, order: ImportOrder) -> None:
    """Its columns, also for who was brought and undone before."""
    content = (
        "Email,First name,Subscription IP,Confirmation time,Confirmation IP,List status,Global status\n"
        f"{ANI},Ani,192.0.2.1,2019-05-01 11:00:00,198.51.100.7,subscribed,subscribed\n"
    )
    mapped = replace(order, mapping="mailpoet")
    for day in (0, 2):
        undo(database, id_of(run(database, mapped, content, day=day)), actor="x", now=NOW + (day + 1) * DAY)
    assert status(database, order.list_id) == "ended"
    with database.read() as session:
        events = session.scalars(sa.select(ConsentEvent.details).order_by(ConsentEvent.number)).all()
        assert [one.get("confirmed_there") for one in events] == ["2019-05-01T11:00:00+00:00", None] * 2
        assert list(session.scalars(sa.select(ConsentNetwork.network))) == ["198.51.100.0/24"] * 2


def test_people_with_and_without_statements_come_in_together(database: Database, order: ImportOrder) -> None:
    """Whose row says more, leavers and the rest, mixed: each network stands with its own event."""
    lines = [
        f"r{number}@example.org,{'unsubscribed' if number % 5 == 0 else 'subscribed'},subscribed,"
        f"{f'10.0.{number % 200}.1' if number % 3 == 0 else ''}"
        for number in range(700)
    ]
    content = "email,list status,global status,ip address\n" + "\n".join(lines) + "\n"
    with database.write() as session:
        session.get_one(MailingList, order.list_id).network_record = NetworkRecord.FULL
    run(database, order, content, mapping="mailpoet")
    with database.read() as session:
        assert not [fault for _, faults in consent.verify_all(session) for fault in faults]
        rows = session.execute(
            sa.select(ConsentEvent.details, ConsentNetwork.network).join(
                ConsentNetwork, ConsentNetwork.event_id == ConsentEvent.id
            )
        ).all()
    found = {row.details["address"]: row.network for row in rows}
    wanted = [number for number in range(700) if number % 3 == 0 and number % 5]
    assert found == {f"r{number}@example.org": f"10.0.{number % 200}.1" for number in wanted}


def test_who_joined_when_comes_back(database: Database, order: ImportOrder) -> None:
    """`joined` survives the way out and in; what cannot be is left out."""
    content = (
        f"email,joined\n{ANI},2015-03-04 05:06:07\nara@example.org,\nlia@example.org,1989-12-31\n"
        "max@example.org,2199-01-01\nodd@example.org,12.3.2015\n"
    )
    assert run(database, order, content).added == 5
    out = list(csv.DictReader(io.StringIO(b"".join(export_list(database, order.list_id)).decode())))
    joined = {one["address"].partition("@")[0]: dt.datetime.fromisoformat(one["joined"]) for one in out}
    then = dt.datetime(2015, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
    assert joined == {"ani": then, "ara": NOW, "lia": NOW, "max": NOW, "odd": NOW}
    with database.write() as session:
        other = make_list(session, make_digest(session)).id
    whole = b"".join(export_list(database, order.list_id)).decode()
    run(database, order, whole, day=9, list_id=other)
    assert b"".join(export_list(database, other)).decode() == whole
