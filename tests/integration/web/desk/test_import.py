"""The import assistant: a file is looked at, tried in the background, imported once, and taken back."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from digest.clock import utc_now
from digest.db import Database
from digest.errors import NotFoundError
from digest.i18n import translator
from digest.lists import import_drafts, import_kept, import_run
from digest.lists.import_due import enqueue_imports
from digest.lists.import_turns import import_a_turn, try_draft, undo_a_turn
from digest.models import (
    Account,
    AccountRole,
    Asset,
    AssetChunk,
    AuditEntry,
    ConsentEvent,
    Import,
    ImportState,
    Subscription,
    SubscriptionStatus,
)
from digest.queueing.names import TaskName
from digest.web.desk import cookies
from tests.factories import make_account, make_cadence, make_digest, make_list
from tests.factories.audience import make_readers
from tests.integration.hints import taken
from tests.integration.web.desk.hands import HERE, Hands, signed_in

PEOPLE = b"Mail,Name,Town\nnew@mail.test,New,Yerevan\nr1@mail.test,Known,Paris\nno address,Bad,\n"
SEVERAL = (
    "The archive holds %(count)s tables; import them one by one. Only an export of Mailchimp is read whole; "
    "say so if this is one."
)
ANSWERS = {"column:Mail": "address", "basis": "They signed a card at the counter in May."}


@pytest.fixture
def hands(client: TestClient, database: Database, nare: Account) -> Hands:
    return signed_in(client, database, nare)


@pytest.fixture
def key(app: FastAPI) -> bytes:
    found: bytes = app.state.services.keys.address_key
    return found


@pytest.fixture
def start(database: Database, key: bytes) -> str:
    """The import page of a list with three people."""
    with database.write() as session:
        digest = make_digest(session)
        make_cadence(session, digest)
        mailing_list = make_list(session, digest, name="readers")
        make_readers(session, mailing_list, [f"r{n}@mail.test" for n in range(3)], address_key=key)
        return f"/desk/lists/{mailing_list.id}/import"


def bring(hands: Hands, start: str, body: bytes, name: str = "people.csv") -> httpx2.Response:
    data = {"form_token": cookies.form_token(hands.token)}
    headers = {**HERE, "cookie": f"desk={hands.token}"}
    return hands.client.post(start, data=data, files={"file": (name, body, "text/csv")}, headers=headers)


def number_of(page: str) -> int:
    found = re.search(r"([0-9]+)$", page)
    assert found is not None
    return int(found[1])


def step(page: str, name: str) -> str:
    """Another step of the same file."""
    return page.replace("/columns?", f"/{name}?")


def people(database: Database) -> int:
    with database.read() as session:
        active = sa.select(sa.func.count()).where(Subscription.status == SubscriptionStatus.ACTIVE)
        return session.scalar(active) or 0


def work(database: Database, key: bytes, **limits: float) -> list[TaskName]:
    """Do what was hinted at, as a worker would, until nothing is left; what it was."""
    done = []
    while hints := taken():
        for task, (number,) in hints:
            done.append(task)
            if task is TaskName.TRY_IMPORT:
                try_draft(database, number, address_key=key, now=utc_now(), **limits)
            elif task is TaskName.IMPORT:
                import_a_turn(database, number, address_key=key, now=utc_now(), **limits)
            elif task is TaskName.UNDO_IMPORT:
                undo_a_turn(database, number, now=utc_now(), **limits)
    return done


def test_a_file_goes_all_the_way_and_back(hands: Hands, database: Database, start: str, key: bytes) -> None:
    """Looked at with samples, tried without a change, imported in the background, taken back with figures."""
    taken()
    page = bring(hands, start, PEOPLE).headers["location"]
    columns = hands.get(page).text
    assert "Yerevan" in columns
    assert 'name="column:Town"' in columns
    assert hands.post(page, ANSWERS).headers["location"] == step(page, "trial")
    assert "hx-trigger" in hands.get(step(page, "trial")).text
    assert work(database, key) == [TaskName.TRY_IMPORT]
    tried = hands.get(step(page, "trial")).text
    assert "Import 1 person" in tried
    assert "Line 4" in tried
    assert people(database) == 3
    lines = list(csv.DictReader(io.StringIO(hands.get(step(page, "lines")).text)))
    assert [(line["line"], line["outcome"]) for line in lines] == [("4", "bad"), ("3", "known")]
    run = hands.post(step(page, "start")).headers["location"]
    moving = hands.get(run).text
    assert "is running" in moving
    assert "hx-trigger" in moving
    assert "<dialog" not in moving
    stopping = hands.get(f"{run}?stop=1").text
    assert "<dialog" in stopping
    assert "hx-trigger" not in stopping
    assert work(database, key) == [TaskName.IMPORT]
    assert people(database) == 4
    assert "1" in hands.get(run).text
    assert hands.get(f"{run}/lines").text.count("\n") == 3
    hands.post(f"{run}/undo")
    assert "is being taken back" in hands.get(run).text
    assert work(database, key) == [TaskName.UNDO_IMPORT]
    assert people(database) == 3
    done = hands.get(run).text
    assert "subscriptions that have ended" in done
    with database.read() as session:
        last = session.scalars(sa.select(ConsentEvent).order_by(ConsentEvent.id.desc())).first()
        assert last is not None
        assert (last.action, last.source, last.details["actor"]) == ("undo_import", "desk", actor_of(session))
        assert session.scalars(sa.select(Asset.kind).order_by(Asset.kind)).all() == [
            "import_draft",
            "import_report",
            "import_trial",
        ]
        actions = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["list.import", "list.import_undo"]


def actor_of(session: sa.orm.Session) -> str:  # type: ignore[name-defined]
    account = session.scalars(sa.select(Account)).first()
    return f"account:{account.id}"


def test_pressing_twice_imports_once(hands: Hands, database: Database, start: str, key: bytes) -> None:
    """The second press, and every page of the file from then on, lead to the same import."""
    taken()
    page = bring(hands, start, PEOPLE).headers["location"]
    hands.post(page, ANSWERS)
    work(database, key)
    first, second = (hands.post(step(page, "start")).headers["location"] for _ in range(2))
    assert first == second
    assert hands.get(page).headers["location"] == first
    assert hands.post(page, ANSWERS).status_code == 409
    work(database, key)
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Import)) == 1
    assert people(database) == 4


def test_nothing_is_imported_untried(hands: Hands, database: Database, start: str) -> None:
    """Whoever asks for it before the trial is told to try first."""
    page = bring(hands, start, PEOPLE).headers["location"]
    assert hands.post(step(page, "start")).status_code == 409
    assert hands.get(step(page, "trial")).headers["location"] == page
    assert people(database) == 3


def test_what_cannot_be_is_said_with_nothing_lost(hands: Hands, start: str) -> None:
    """No table, no word for how they agreed, no column with addresses: a sentence, and all that was typed."""
    assert bring(hands, start, b"").status_code == 422
    assert bring(hands, start, b"\xd0\xcf\x11\xe0 old sheet").status_code == 422
    page = bring(hands, start, PEOPLE).headers["location"]
    assert hands.post(page, {**ANSWERS, "basis": ""}).status_code == 422
    wrong = hands.post(page, {"basis": "in May, on paper", "column:Town": "language"})
    assert wrong.status_code == 422
    assert "in May, on paper</textarea>" in wrong.text
    assert 'value="language" selected' in wrong.text
    vouched = hands.post(page, {"column:Mail": "address", "vouch": "1"})
    assert vouched.status_code == 303


def test_what_is_wrong_is_said_in_the_language_of_whoever_brings_it(
    hands: Hands, database: Database, start: str, key: bytes, nare: Account
) -> None:
    """Of a line on the page, in the table of lines, and of a whole file; no sentence names an option."""
    taken()
    with database.write() as session:
        session.get_one(Account, nare.id).language = "hy"
    _ = translator("hy").gettext
    page = bring(hands, start, PEOPLE).headers["location"]
    hands.post(page, ANSWERS)
    work(database, key)
    assert _("This is not a mail address.") in hands.get(step(page, "trial")).text
    reasons = [line["reason"] for line in csv.DictReader(io.StringIO(hands.get(step(page, "lines")).text))]
    assert reasons == [_("This is not a mail address."), _("is on the list already")]
    two = io.BytesIO()
    with zipfile.ZipFile(two, "w") as archive:
        archive.writestr("one.csv", PEOPLE)
        archive.writestr("two.csv", PEOPLE)
    several = bring(hands, start, two.getvalue(), "two.zip").headers["location"]
    refused = html.unescape(hands.post(several, ANSWERS).text)
    assert _(SEVERAL, count=2) in refused
    assert "--mapping" not in refused


def test_an_export_is_recognised(hands: Hands, database: Database, start: str, key: bytes) -> None:
    """By its columns; what they are is known, and who has left there comes as such."""
    taken()
    body = b"uuid,email,name,attributes,status,created_at,updated_at\n"
    body += b"1,a@mail.test,A,{},enabled,2026-01-01,2026-01-01\n2,b@mail.test,B,{},blocklisted,2026-01-01,x\n"
    page = bring(hands, start, body, "subscribers.csv").headers["location"]
    asked = hands.get(page).text
    assert "an export of listmonk" in asked
    mapping = re.search(r'name="mapping" value="(\w*)"', asked)
    assert mapping is not None
    assert "an export of" not in hands.get(f"{page}&from=").text
    hands.post(page, {"mapping": mapping[1], "basis": "moved from our old list"})
    work(database, key)
    tried = hands.get(step(page, "trial")).text
    assert "Import 1 person" in tried
    assert "put on the do-not-mail list" in tried


def test_a_column_may_be_left_unread(hands: Hands, database: Database, start: str, key: bytes) -> None:
    """Although its name is one that is known."""
    taken()
    page = bring(hands, start, b"email,name\nnew@mail.test,Not A Name\n").headers["location"]
    hands.post(page, {"column:name": "-", "basis": "on paper"})
    work(database, key)
    hands.post(step(page, "start"))
    work(database, key)
    found = hands.get("/desk/subscribers?q=new@").text
    assert "new@mail.test" in found
    assert "Not A Name" not in found


def test_a_file_is_for_whoever_brought_it(
    hands: Hands, client: TestClient, database: Database, start: str
) -> None:
    """Another admin finds nothing at its address, and nobody finds it by another list's."""
    page = bring(hands, start, PEOPLE).headers["location"]
    assert "people.csv" in hands.get(start).text
    with database.write() as session:
        other = make_account(session, "lus@courier.example", role=AccountRole.ADMIN)
        elsewhere = make_list(session, make_digest(session, name="other"), name="elsewhere").id
    lus = signed_in(client, database, other)
    assert lus.get(page).status_code == 404
    assert lus.get(step(page, "lines")).status_code == 404
    assert "people.csv" not in lus.get(start).text
    assert hands.get(f"/desk/lists/{elsewhere}/import/columns?file={number_of(page)}").status_code == 404


def test_a_file_is_thrown_away_whole(hands: Hands, database: Database, start: str, key: bytes) -> None:
    """Nothing of it is kept, in whatever state it was."""
    taken()
    page = bring(hands, start, PEOPLE).headers["location"]
    hands.post(page, ANSWERS)
    work(database, key)
    assert hands.post(step(page, "drop")).status_code == 303
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Asset)) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(AssetChunk)) == 0
        with pytest.raises(NotFoundError):
            import_drafts.read_draft(session, number_of(page))
    assert hands.get(page).status_code == 404


def test_the_same_file_of_two_people_is_each_ones_own(
    hands: Hands, client: TestClient, database: Database, start: str, key: bytes
) -> None:
    """For two lists by two admins: one throws it away, the other is asked nothing anew and imports it."""
    taken()
    with database.write() as session:
        other = make_account(session, "lus@courier.example", role=AccountRole.ADMIN)
        elsewhere = make_list(session, make_digest(session, name="other"), name="elsewhere").id
    lus = signed_in(client, database, other)
    mine = bring(hands, start, PEOPLE).headers["location"]
    hers = bring(lus, f"/desk/lists/{elsewhere}/import", PEOPLE).headers["location"]
    hands.post(mine, ANSWERS)
    assert ANSWERS["basis"] not in lus.get(hers).text
    lus.post(hers, {**ANSWERS, "basis": "They wrote to us in June."})
    work(database, key)
    assert hands.post(step(mine, "drop")).status_code == 303
    lus.post(step(hers, "start"))
    work(database, key)
    with database.read() as session:
        assert session.scalars(sa.select(Import.state)).all() == [ImportState.DONE]
        kept = session.scalars(sa.select(Asset.kind)).all()
    assert import_kept.FILE_KIND not in kept


def test_an_import_leaves_the_file_to_whoever_waits(
    hands: Hands, database: Database, start: str, key: bytes
) -> None:
    """Brought twice, imported once: the second draft is tried as the first was, and its people are known."""
    taken()
    first, second = (bring(hands, start, PEOPLE).headers["location"] for _ in range(2))
    hands.post(first, ANSWERS)
    work(database, key)
    hands.post(step(first, "start"))
    work(database, key)
    assert hands.post(second, ANSWERS).status_code == 303
    work(database, key)
    with database.read() as session:
        assert import_drafts.read_draft(session, number_of(second)).counts["known"] == 2
    hands.post(step(second, "drop"))
    with database.read() as session:
        assert import_kept.FILE_KIND not in session.scalars(sa.select(Asset.kind)).all()


def test_files_are_not_kept_without_end(
    hands: Hands, database: Database, start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past what one account may keep the sentence says so, and one that is thrown away makes room."""
    monkeypatch.setattr(import_kept, "MOST_OWN", 1)
    page = bring(hands, start, PEOPLE).headers["location"]
    refused = bring(hands, start, PEOPLE + b"second@mail.test,B,\n")
    assert refused.status_code == 422
    assert "Import one or throw one away first" in refused.text
    hands.post(step(page, "drop"))
    assert bring(hands, start, PEOPLE).status_code == 303


def test_turns_make_one_import(
    hands: Hands, database: Database, start: str, key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turn after turn, each of one batch: trial, import and undoing count what one go would have counted."""
    monkeypatch.setattr(import_run, "BATCH_LINES", 2)
    taken()
    lines = [b"address", *(b"p%d@mail.test" % number for number in range(5)), b"bad", b"p0@mail.test"]
    page = bring(hands, start, b"\n".join(lines) + b"\n").headers["location"]
    hands.post(page, {"basis": "on paper"})
    assert len(work(database, key, seconds=0)) > 3
    with database.read() as session:
        tried = import_drafts.read_draft(session, number_of(page))
    assert {name: count for name, count in tried.counts.items() if count} == {
        "lines": 7,
        "added": 5,
        "bad": 1,
        "repeated": 1,
    }
    run = hands.post(step(page, "start")).headers["location"]
    assert len(work(database, key, seconds=0)) > 3
    with database.read() as session:
        row = session.get_one(Import, number_of(run))
        assert row.state is ImportState.DONE
        assert {name: row.counts[name] for name in ("lines", "added", "bad", "repeated")} == {
            name: tried.counts[name] for name in ("lines", "added", "bad", "repeated")
        }
    assert people(database) == 8
    hands.post(f"{run}/undo")
    work(database, key, seconds=0)
    assert people(database) == 3
    with database.read() as session:
        assert session.get_one(Import, number_of(run)).counts["taken_back"] == 5


def test_the_clock_finds_what_nobody_goes_on_with(
    hands: Hands, database: Database, start: str, key: bytes
) -> None:
    """An import whose hint was lost is hinted at anew; one of the command line is left alone."""
    page = bring(hands, start, PEOPLE).headers["location"]
    hands.post(page, ANSWERS)
    work(database, key)
    run = number_of(hands.post(step(page, "start")).headers["location"])
    taken()  # lost
    import datetime as dt

    later = utc_now() + dt.timedelta(minutes=5)
    with database.write() as session:
        enqueue_imports(session, now=utc_now())
    assert taken() == []
    with database.write() as session:
        enqueue_imports(session, now=later)
    assert taken() == [(TaskName.IMPORT, [run])]
    with database.write() as session:
        row = session.get_one(Import, run)
        row.mapping = {name: value for name, value in row.mapping.items() if name != "by_itself"}
    with database.write() as session:
        enqueue_imports(session, now=later)
    assert taken() == []


def test_what_failed_is_gone_on_with(hands: Hands, database: Database, start: str, key: bytes) -> None:
    """With the fault said; where the file is gone, that is what is said."""
    page = bring(hands, start, PEOPLE).headers["location"]
    hands.post(page, ANSWERS)
    work(database, key)
    run = hands.post(step(page, "start")).headers["location"]
    taken()
    with database.write() as session:
        row = session.get_one(Import, number_of(run))
        row.state, row.fault = ImportState.FAILED, "the disk was full"
    assert "the disk was full" in hands.get(run).text
    assert hands.post(f"{run}/go-on").status_code == 303
    assert hands.post(f"{run}/go-on").status_code == 409
    work(database, key)
    assert people(database) == 4
