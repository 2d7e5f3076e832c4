"""Coming in: the set-up link, address and password, sessions and their end, codes, another password."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import clock, keys
from digest.accounts import codes
from digest.accounts.links import make_link, purge_links
from digest.accounts.sessions import open_session, purge_sessions
from digest.accounts.set_up import set_up_link
from digest.config import Settings
from digest.db import Database
from digest.models import Account, AccountLink, AccountSession, AuditEntry, LinkPurpose, Notice
from digest.web.desk import cookies
from tests.factories import make_account, make_digest
from tests.factories.moments import NOW
from tests.integration.web.desk.hands import CHEAP, PASSWORD, Hands, signed_in, somebody

OTHER = "seven sleeping blue whales"


def enter(hands: Hands, address: str = "nare@courier.example", password: str = PASSWORD) -> str:
    """Try to sign in; where it leads."""
    answer = hands.post("/desk/sign-in", {"address": address, "password": password})
    return answer.headers.get("location", str(answer.status_code))


def test_the_set_up_link_makes_the_first_account_once(client: TestClient, database: Database) -> None:
    """It makes an admin and signs nobody in; after that it is gone, and no new one is made."""
    with database.write() as session:
        path = set_up_link(session, public_url="", now=clock.utc_now())
    hands = somebody(client)
    assert hands.get(path).status_code == 200
    fields = {"name": "Nare Saroyan", "address": "nare@courier.example", "password": OTHER, "again": OTHER}
    assert hands.post(path, {**fields, "again": "x"}).status_code == 422
    assert (
        hands.post(path, {**fields, "password": "courier12345", "again": "courier12345"}).status_code == 422
    )
    assert hands.post(path, fields).headers["location"] == "/desk/sign-in"
    assert hands.get("/desk").status_code == 303
    assert hands.post(path, fields).status_code == 404
    assert hands.get(path).status_code == 404
    with database.write() as session:
        assert set_up_link(session, public_url="", now=clock.utc_now()) == ""
    assert enter(hands, password=OTHER) == "/desk"
    assert "Nare Saroyan" in hands.get("/desk").text


def test_a_link_ends_with_its_time_and_with_the_next_one(client: TestClient, database: Database) -> None:
    """A set-up link of yesterday, and one in whose place another was printed, lead nowhere."""
    with database.write() as session:
        old = set_up_link(session, public_url="", now=clock.utc_now() - dt.timedelta(days=1, seconds=1))
    assert client.get(old).status_code == 404
    with database.write() as session:
        first = set_up_link(session, public_url="", now=clock.utc_now())
        second = set_up_link(session, public_url="", now=clock.utc_now())
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200


def test_signing_in_changes_the_token_and_leads_back(
    client: TestClient, database: Database, nare: Account
) -> None:
    """What the cookie held before is nobody's; whoever asked for a page gets it, and no page of elsewhere."""
    hands = somebody(client)
    before = hands.token
    assert hands.get("/desk/account").headers["location"] == "/desk/sign-in?next=%2Fdesk%2Faccount"
    asked = {"address": nare.address, "password": PASSWORD, "next": "/desk/account"}
    assert hands.post("/desk/sign-in", asked).headers["location"] == "/desk/account"
    assert hands.token not in ("", before)
    assert Hands(client, before).get("/desk").status_code == 303
    for elsewhere in ("https://evil.example", "//evil.example", "/desk/../x\n", "/deskx", "/desk\\x"):
        answer = somebody(client).post("/desk/sign-in", {**asked, "next": elsewhere})
        assert answer.headers["location"] == "/desk", elsewhere


def test_known_and_unknown_addresses_are_answered_alike(
    client: TestClient, database: Database, nare: Account
) -> None:
    """A wrong password, an address that nobody has, and one that is shut out: the same status and words."""
    with database.write() as session:
        make_account(session, "gone@courier.example", password_hash=CHEAP, disabled_at=NOW)
        make_account(session, "new@courier.example")
    told = set()
    for address in (
        nare.address,
        "nobody@courier.example",
        "gone@courier.example",
        "new@courier.example",
        "x",
    ):
        hands = somebody(client)
        answer = hands.post("/desk/sign-in", {"address": address, "password": "wrong wrong wrong"})
        plain = re.sub(r'(name="form_token" value|content|value)="[^"]*"', "", answer.text)
        told.add((answer.status_code, plain))
    assert len(told) == 1
    assert {status for status, _ in told} == {422}


def test_attempts_are_limited(client: TestClient, database: Database, nare: Account) -> None:
    """After eight in a row even the right password has to wait; of another address it has not."""
    hands = somebody(client)
    assert {enter(hands, password="wrong") for _ in range(8)} == {"422"}
    assert enter(hands) == "429"
    with database.write() as session:
        make_account(session, "aram@courier.example", password_hash=CHEAP)
    assert enter(hands, "aram@courier.example") == "/desk"


@pytest.mark.parametrize(
    "end",
    [
        lambda row: {"seen_at": row.seen_at - dt.timedelta(hours=12, seconds=1)},
        lambda row: {"until": row.created_at - dt.timedelta(seconds=1)},
        lambda row: {"created_at": NOW - dt.timedelta(days=1)},
    ],
    ids=["nobody was there", "its time is over", "before the password"],
)
def test_a_session_ends(client: TestClient, database: Database, nare: Account, end: object) -> None:
    """After half a day without anybody, at its end, and when it is older than what its person signs in by."""
    hands = signed_in(client, database, nare)
    assert hands.get("/desk").status_code == 200
    with database.write() as session:
        row = session.scalars(sa.select(AccountSession)).one()
        for name, value in end(row).items():  # type: ignore[operator]
            setattr(row, name, value)
    assert hands.get("/desk").headers["location"].startswith("/desk/sign-in")


def test_no_token_stands_in_the_database(client: TestClient, database: Database, nare: Account) -> None:
    """Whoever reads the tables can sign in as nobody."""
    hands = signed_in(client, database, nare)
    with database.write() as session:
        link = make_link(session, LinkPurpose.RESET, account_id=nare.id, public_url="", now=NOW)
        rows = [*session.scalars(sa.select(AccountSession.token_hash))]
        rows += [*session.scalars(sa.select(AccountLink.token_hash))]
    assert hands.token not in rows
    assert link.rpartition("/")[2] not in rows


def test_another_password_signs_all_other_browsers_out(
    client: TestClient, database: Database, nare: Account
) -> None:
    """The one in which it is changed stays in, by another token; the present password is asked for."""
    here, there = signed_in(client, database, nare), signed_in(client, database, nare)
    fields = {"current": "wrong", "password": OTHER, "again": OTHER}
    assert here.post("/desk/account/password", fields).status_code == 422
    assert there.get("/desk").status_code == 200
    before = here.token
    assert here.post("/desk/account/password", {**fields, "current": PASSWORD}).status_code == 303
    assert here.get("/desk").status_code == 200
    assert there.get("/desk").status_code == Hands(client, before).get("/desk").status_code == 303
    assert enter(somebody(client)) == "422"
    assert enter(somebody(client), password=OTHER) == "/desk"


def test_a_forgotten_password_is_chosen_anew_by_mail_and_signs_nobody_in(
    client: TestClient, database: Database, nare: Account, settings: Settings
) -> None:
    """One answer for all addresses; the link works once; whoever had a session has none."""
    with database.write() as session:
        make_digest(session)
    mine = signed_in(client, database, nare)
    answers = {
        somebody(client).post("/desk/forgotten", {"address": each}).headers["location"]
        for each in (nare.address, "nobody@courier.example")
    }
    assert answers == {"/desk/sign-in"}
    with database.write() as session:
        link = session.scalars(sa.select(AccountLink)).one()
        assert (link.account_id, link.purpose) == (nare.id, LinkPurpose.RESET)
    with database.write() as session:
        path = make_link(session, LinkPurpose.RESET, account_id=nare.id, public_url="", now=clock.utc_now())
    hands = somebody(client)
    assert hands.get(path).status_code == 200
    assert hands.post(path, {"password": OTHER, "again": OTHER}).headers["location"] == "/desk/sign-in"
    assert hands.get("/desk").status_code == mine.get("/desk").status_code == 303
    assert hands.post(path, {"password": OTHER, "again": OTHER}).status_code == 404
    assert enter(hands, password=OTHER) == "/desk"


def test_signing_out_ends_the_session(client: TestClient, database: Database, nare: Account) -> None:
    """Also for whoever has kept the cookie."""
    hands = signed_in(client, database, nare)
    kept = hands.token
    assert hands.post("/desk/sign-out").headers["location"] == "/desk/sign-in"
    assert Hands(client, kept).get("/desk").status_code == 303


def key_of(settings: Settings) -> bytes:
    return keys.load(settings.secrets_folder).address_key


def with_codes(
    hands: Hands, database: Database, account: Account, settings: Settings
) -> tuple[str, list[str]]:
    """Set codes up by the pages; the secret and the recovery codes."""
    hands.post("/desk/account/codes/new")
    with database.read() as session:
        secret = codes.offered(session.get_one(Account, account.id), key=key_of(settings))
    assert secret is not None
    early = codes.code_at(secret, clock.utc_now() - dt.timedelta(seconds=30))
    answer = hands.post("/desk/account/codes", {"code": early})
    assert cookies.form_token(hands.token) in answer.text  # its forms are the new session's
    return secret, re.findall(r"<li>([a-z0-9-]{19})</li>", answer.text)


def test_a_code_is_asked_for_and_taken_once(
    client: TestClient, database: Database, nare: Account, settings: Settings
) -> None:
    """Right password, then the code: without it nothing opens; given again, by whomever, it is refused."""
    first, other = signed_in(client, database, nare), signed_in(client, database, nare)
    secret, recovery = with_codes(first, database, nare, settings)
    assert len(recovery) == 10
    assert first.get("/desk").status_code == 200
    assert other.get("/desk").status_code == 303
    hands = somebody(client)
    assert enter(hands) == "/desk/sign-in-code?next=/desk"
    assert hands.get("/desk").headers["location"] == "/desk/sign-in-code"
    assert hands.post("/desk/account/scheme", {"scheme": "dark"}).headers["location"] == "/desk/sign-in-code"
    assert hands.post("/desk/sign-in-code", {"code": "000000"}).status_code == 422
    code = codes.code_at(secret, clock.utc_now() + dt.timedelta(seconds=30))
    assert hands.post("/desk/sign-in-code", {"code": code}).headers["location"] == "/desk"
    assert hands.get("/desk").status_code == 200
    thief = somebody(client)
    assert enter(thief) == "/desk/sign-in-code?next=/desk"
    assert thief.post("/desk/sign-in-code", {"code": code}).status_code == 422


def test_a_recovery_code_stands_in_once(
    client: TestClient, database: Database, nare: Account, settings: Settings
) -> None:
    """However it is typed; then it is used up. New ones void those of before."""
    first = signed_in(client, database, nare)
    _, recovery = with_codes(first, database, nare, settings)
    for typed, status in (
        (recovery[0].upper().replace("-", " "), 303),
        (recovery[0], 422),
        (recovery[1], 303),
    ):
        hands = somebody(client)
        enter(hands)
        assert hands.post("/desk/sign-in-code", {"code": typed}).status_code == status
    assert first.post("/desk/account/codes/recovery", {"current": "wrong"}).status_code == 422
    answer = first.post("/desk/account/codes/recovery", {"current": PASSWORD})
    assert len(re.findall(r"<li>([a-z0-9-]{19})</li>", answer.text)) == 10
    hands = somebody(client)
    enter(hands)
    assert hands.post("/desk/sign-in-code", {"code": recovery[2]}).status_code == 422


def test_a_code_s_secret_is_sealed_and_bound(database: Database, nare: Account, settings: Settings) -> None:
    """What stands in the table opens with the installation's key, for its own account, and not otherwise."""
    sealed = codes.seal("JBSWY3DPEHPK3PXP", key=key_of(settings), account_id=nare.id)
    assert "JBSWY3DPEHPK3PXP" not in sealed
    assert codes.unseal(sealed, key=key_of(settings), account_id=nare.id) == "JBSWY3DPEHPK3PXP"
    assert codes.unseal(sealed, key=key_of(settings), account_id=nare.id + 1) is None
    assert codes.unseal(sealed, key=b"x" * 32, account_id=nare.id) is None


def test_the_trail_has_it_all_and_no_address(
    client: TestClient, database: Database, nare: Account, settings: Settings
) -> None:
    """Who came in and changed what, by the account's number alone."""
    hands = somebody(client)
    enter(hands)
    with_codes(hands, database, nare, settings)
    hands.post("/desk/sign-out")
    with database.read() as session:
        rows = list(session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)))
        assert session.scalars(sa.select(Notice)).all() == []
    assert [row.action for row in rows] == ["account.sign_in", "account.codes_on", "account.sign_out"]
    assert {row.actor for row in rows} == {f"account:{nare.id}"}
    assert not any("@" in f"{row.actor}{row.details}" for row in rows)


def test_what_has_ended_is_deleted_by_the_tick(database: Database, nare: Account) -> None:
    """Sessions and links that work no longer; not those that do."""
    now = clock.utc_now()
    with database.write() as session:
        for seen in (now, now - dt.timedelta(days=1)):
            open_session(session, nare, is_whole=True, network="", agent="", now=seen)
        for made in (now, now - dt.timedelta(days=8)):
            purpose = LinkPurpose.INVITE if made == now else LinkPurpose.RESET
            make_link(session, purpose, account_id=nare.id, public_url="", now=made)
        purge_sessions(session, now=now)
        purge_links(session, now=now)
        assert session.scalars(sa.select(AccountSession.seen_at)).all() == [now]
        assert session.scalars(sa.select(AccountLink.purpose)).all() == [LinkPurpose.INVITE]
