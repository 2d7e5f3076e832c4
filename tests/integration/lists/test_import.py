"""The import of subscribers, on both databases."""

from __future__ import annotations

import codecs
import io
import itertools
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.db.dialect import among_texts
from digest.errors import InputError
from digest.lists import consent, evidence
from digest.lists.erase import erase_subscriber
from digest.lists.import_order import ImportOrder, ImportReport
from digest.lists.import_run import BATCH_LINES, import_subscribers
from digest.lists.queries import audience, subscriber_by_address
from digest.lists.status import Origin
from digest.lists.subscribe import end, pause
from digest.lists.suppress import suppress_address, suppress_domain
from digest.models import ConsentEvent, Import, Subscriber, Subscription, SubscriptionStatus, TextSize
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW


@pytest.fixture
def list_id(database: Database) -> int:
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        return make_list(session, digest).id


def run(
    database: Database,
    list_id: int,
    content: str | bytes,
    *,
    is_dry_run: bool = False,
    consent_text: str = "moved from our old list",
) -> ImportReport:
    raw = content.encode() if isinstance(content, str) else content
    order = ImportOrder(list_id, consent_text, "cli:test", ADDRESS_KEY, is_dry_run=is_dry_run)
    return import_subscribers(database, io.BytesIO(raw), order, now=NOW)


def counts(report: ImportReport) -> dict[str, int]:
    names = ("lines", "added", "known", "left", "suppressed", "repeated", "bad")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def audience_size(database: Database) -> int:
    with database.read() as session:
        return len(session.execute(audience(1)).all())


def test_people_come_in_with_everything_the_file_says(database: Database, list_id: int) -> None:
    """Names in any script, zone, language and size are kept, and each has a whole chain of consent."""
    content = (
        "Email;Name;Zone;Language;text_size;Phone\r\n"
        "Ani@Example.org;Անի Սարգսյան;Asia/Yerevan;hy;large;1\r\n"
        'ara@example.org;"Ara; the elder";;;;2\r\n'
    )
    report = run(database, list_id, codecs.BOM_UTF8 + content.encode())
    assert counts(report) == {"lines": 2, "added": 2}
    assert report.ignored_columns == ("Phone",)
    with database.read() as session:
        ani = subscriber_by_address(session, "ani@example.org")
        assert (ani.address, ani.name, ani.zone) == ("Ani@example.org", "Անի Սարգսյան", "Asia/Yerevan")
        assert (ani.language, ani.text_size, ani.attributes) == ("hy", TextSize.LARGE, {})
        assert (ani.created_at, ani.last_sign_of_life_at) == (NOW, None)
        ara = subscriber_by_address(session, "ara@example.org")
        assert (ara.name, ara.zone, ara.text_size) == ("Ara; the elder", None, TextSize.NORMAL)
        for person in (ani, ara):
            subscription = session.scalars(
                sa.select(Subscription).where(Subscription.subscriber_id == person.id)
            ).one()
            assert (subscription.status, subscription.topics) == (SubscriptionStatus.ACTIVE, [])
            event = session.scalars(
                sa.select(ConsentEvent).where(ConsentEvent.subscription_id == subscription.id)
            ).one()
            assert event.details == {
                "address": person.address,
                "text": evidence.fingerprint_of("moved from our old list"),
                "actor": "cli:test",
            }
            assert consent.verify(session, subscription.id) == []


def test_bad_lines_are_named_and_good_ones_kept(database: Database, list_id: int) -> None:
    """Every bad line is reported by its number; the lines around it come in."""
    content = (
        "address,zone\n"
        "good1@example.org,\n"
        "no address\n"
        '"open@example.org,\n'
        "good2@example.org,Nowhere/City\n"
        f"{'x' * 20_000}\n"
        "good3@example.org,Asia/Beirut\n"
        "GOOD1@example.org,\n"
    )
    report = run(database, list_id, content)
    assert counts(report) == {"lines": 7, "added": 2, "bad": 4, "repeated": 1}
    assert [line.number for line in report.bad_lines] == [3, 4, 5, 6]


def test_importing_again_changes_nothing(database: Database, list_id: int) -> None:
    """The same file twice adds nobody twice and writes no second proof."""
    content = "email\na@example.org\nb@example.org\n"
    run(database, list_id, content)
    assert counts(run(database, list_id, content.upper())) == {"lines": 2, "known": 2}
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ConsentEvent)) == 2


def test_an_import_never_revives(database: Database, list_id: int) -> None:
    """Who left, was erased, is suppressed or paused stays so, however often they are imported."""
    names = ("left", "erased", "barred", "paused", "stays")
    content = "email\n" + "".join(f"{name}@example.org\n" for name in names) + "anyone@closed.test\n"
    assert counts(run(database, list_id, content)) == {"lines": 6, "added": 6}
    with database.write() as session:
        for name in ("left", "paused"):
            person = subscriber_by_address(session, f"{name}@example.org")
            subscription = session.scalars(
                sa.select(Subscription).where(Subscription.subscriber_id == person.id)
            ).one()
            if name == "left":
                end(session, subscription, source=Origin.ONE_CLICK, now=NOW, reason="unsubscribed")
            else:
                pause(session, subscription, source=Origin.PREFERENCES, actor="", now=NOW)
        erase_subscriber(
            session, subscriber_by_address(session, "erased@example.org"), source=Origin.CLI, now=NOW
        )
        suppress_address(session, ADDRESS_KEY, "barred@example.org", reason="x", source=Origin.CLI, now=NOW)
        suppress_domain(session, "closed.test", reason="x", source=Origin.CLI, now=NOW)
    assert audience_size(database) == 1
    for _ in range(2):
        report = run(database, list_id, content)
        assert counts(report) == {"lines": 6, "known": 2, "left": 2, "suppressed": 2}
        assert audience_size(database) == 1


def test_people_of_another_list_join_as_they_are(database: Database, list_id: int) -> None:
    """A known person gets a subscription to this list too, and keeps the name there is."""
    with database.write() as session:
        person = make_subscriber(session, "ani@example.org", name="Ani")
        make_subscription(session, make_list(session, make_digest(session)), person)
    report = run(database, list_id, "email,name\nANI@example.org,Somebody else\n")
    assert counts(report) == {"lines": 1, "added": 1}
    with database.read() as session:
        assert session.scalars(sa.select(Subscriber.name)).all() == ["Ani"]
        assert session.scalar(sa.select(sa.func.count()).select_from(Subscription)) == 2


def test_a_dry_run_counts_and_writes_nothing(database: Database, list_id: int) -> None:
    """A dry run reports what the import then does."""
    content = "email\na@example.org\nb@example.org\nA@example.org\nbad\n"
    dry = run(database, list_id, content, is_dry_run=True)
    with database.read() as session:
        assert session.scalars(sa.select(Subscriber)).all() == []
    assert counts(dry) == counts(run(database, list_id, content))


def test_another_encoding_costs_its_lines(database: Database, list_id: int) -> None:
    """Lines that are not UTF-8 are named with the encoding they look like; the others come in."""
    content = b"email,name\n" + b"".join(b"r%d@example.org,R\n" % number for number in range(3000))
    report = run(database, list_id, content + "élise@example.org,Élise\n".encode("latin-1"))
    assert counts(report) == {"lines": 3001, "added": 3000, "bad": 1}
    (line,) = report.bad_lines
    assert line.number == 3002
    assert "Latin-1" in line.reason


def test_utf_16_writes_nothing(database: Database, list_id: int) -> None:
    """A file of which no line can be read is refused whole."""
    with pytest.raises(InputError, match="UTF-16"):
        run(database, list_id, "email\na@example.org\n".encode("utf-16"))
    with database.read() as session:
        assert session.scalars(sa.select(Subscriber)).all() == []
        assert session.scalars(sa.select(Import)).all() == []


def test_a_consent_text_is_required(database: Database, list_id: int) -> None:
    """Nobody is imported without a word on how they agreed."""
    with pytest.raises(InputError, match="consent text"):
        run(database, list_id, "email\na@example.org\n", consent_text="  ")


def test_the_statements_of_a_batch_do_not_grow(database: Database, list_id: int) -> None:
    """Ten people and a thousand take the same number of statements."""
    statements = 0

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def _count(*_: object) -> None:
        nonlocal statements
        statements += 1

    def needed(first: int, last: int) -> int:
        nonlocal statements
        statements = 0
        lines = "".join(f"r{number}@example.org\n" for number in range(first, last))
        assert run(database, list_id, "email\n" + lines).added == last - first
        return statements

    first = needed(0, 10)  # keeps the words of the basis, once
    assert needed(10, 1010) <= first < 45
    assert audience_size(database) == 1010


def test_a_batch_is_written_whole_or_not_at_all(database: Database, list_id: int) -> None:
    """If how far it has come cannot be written, the people of that batch are not there; those before are."""
    failing = 2
    seen = 0

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def _fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal seen
        if statement.startswith("UPDATE imports"):
            seen += 1
            if seen == failing:
                raise OSError("the disk is full")

    content = "email\n" + "".join(f"r{number}@example.org\n" for number in range(BATCH_LINES + 1000))
    with pytest.raises(OSError, match="disk"):
        run(database, list_id, content)
    with database.read() as session:
        for model in (Subscriber, Subscription, ConsentEvent):
            assert session.scalar(sa.select(sa.func.count()).select_from(model)) == BATCH_LINES
    wanted = {"lines": BATCH_LINES + 1000, "added": 1000, "known": BATCH_LINES}
    assert counts(run(database, list_id, content)) == wanted


def test_a_person_who_signs_up_meanwhile_is_known(database: Database, list_id: int) -> None:
    """Somebody added between our look and our write makes us look again, not fail."""
    was_raced = False

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def _race(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal was_raced
        if was_raced or database.is_sqlite or "nextval" not in statement:
            return
        was_raced = True
        with database.write() as session:
            make_subscriber(session, "ani@example.org")

    report = run(database, list_id, "email\nani@example.org\nara@example.org\n")
    assert was_raced is not database.is_sqlite  # on SQLite nobody can come in between
    assert counts(report) == {"lines": 2, "added": 2}
    assert audience_size(database) == 2


def test_a_file_is_read_from_the_disk(database: Database, list_id: int, tmp_path: Path) -> None:
    """A file larger than one read of its bytes comes in whole."""
    path = tmp_path / "people.csv"
    path.write_text("email,name\n" + "".join(f"r{n}@example.org,{'n' * 150}\n" for n in range(8000)))
    order = ImportOrder(list_id, "moved", "cli:test", ADDRESS_KEY, is_dry_run=True)
    with path.open("rb") as stream:
        assert import_subscribers(database, stream, order, now=NOW).added == 8000


def test_ids_that_others_take_meanwhile_are_left_to_them(database: Database, list_id: int) -> None:
    """Ids with gaps between them, as two imports at once get them, are used as they came."""
    if not database.is_sqlite:
        with database.write() as session:
            session.execute(sa.text("ALTER SEQUENCE subscribers_id_seq INCREMENT BY 3"))
    lines = "".join(f"r{number}@example.org\n" for number in range(600))
    assert run(database, list_id, "email\n" + lines).added == 600
    with database.read() as session:
        ids = session.scalars(sa.select(Subscriber.id).order_by(Subscriber.id)).all()
        assert {later - earlier for earlier, later in itertools.pairwise(ids)} == {
            1 if database.is_sqlite else 3
        }
        assert all(not found for _, found in consent.verify_all(session))


@pytest.mark.parametrize("names", [[], [""], ["a"], ['a"b', "c\\d", "{,}", "NULL", "ա"]])
def test_texts_of_all_letters_are_looked_for(database: Database, names: list[str]) -> None:
    """Quotes, backslashes and braces find what they stand for and nothing else."""
    everything = {"", "a", "b", 'a"b', "c\\d", "cd", "{", "{,}", "NULL", "ա"}
    with database.write() as session:
        for number, name in enumerate(sorted(everything)):
            make_subscriber(session, f"r{number}@example.org").name = name
        session.flush()
        found = session.scalars(
            sa.select(Subscriber.name).where(among_texts(session, Subscriber.name, names))
        )
        assert sorted(found) == sorted(names)
