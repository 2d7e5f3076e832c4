"""What stands beside a chain: the words, the network address, the clerk; and the proof as a file."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.errors import InputError, NotFoundError
from digest.lists import consent
from digest.lists.consent_proof import BY, DID, people_with, proof_of
from digest.lists.erase import erase_subscriber
from digest.lists.evidence import Spoken, fingerprint_of, spoken_details
from digest.lists.people import describe
from digest.lists.status import Action, Origin
from digest.lists.subscribe import add_subscriber, confirm, end, pause, resume
from digest.models import (
    ConsentEvent,
    ConsentNetwork,
    ConsentText,
    MailingList,
    NetworkRecord,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from tests.factories import make_account, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

WORDS = "Yes, send me The Courier. I can leave at any time."
PAGE = Path(__file__).resolve().parents[3] / "docs" / "consent.md"


def sign_up(session: Session, mailing_list: MailingList, address: str, **values: Any) -> Subscription:
    """A sign-up by the page, not confirmed yet."""
    plain = {"network": "192.0.2.77", "source": Origin.FORM, "consent_text": WORDS}
    added = add_subscriber(
        session,
        mailing_list,
        address,
        address_key=ADDRESS_KEY,
        actor="",
        now=NOW,
        status=SubscriptionStatus.PENDING,
        **{**plain, **values},
    )
    return session.get_one(Subscription, added.subscription_id)


def problems(session: Session) -> list[str]:
    session.flush()
    return [one.problem for _, found in consent.verify_all(session) for one in found]


def test_words_shown_to_many_are_kept_once(database: Database) -> None:
    """The event names their fingerprint; what one of the staff wrote about one person stays in it."""
    with database.write() as session:
        mailing_list = make_list(session, make_digest(session))
        for number in range(3):
            sign_up(session, mailing_list, f"r{number}@mail.test")
        make_subscription(session, mailing_list)
        (text,) = session.scalars(sa.select(ConsentText))
        assert (text.text, text.fingerprint) == (WORDS, fingerprint_of(WORDS))
        details = session.scalars(sa.select(ConsentEvent.details).order_by(ConsentEvent.id)).all()
        assert [one.get("text") if one else None for one in details] == [text.fingerprint] * 3 + [None]
        assert details[3] is not None
        assert details[3]["consent"] == "signed a card at the fair"
        person = session.get_one(Subscriber, 1)
        event = describe(session, person).subscriptions[0].events[0]
        assert event.details is not None
        assert event.details["consent"] == WORDS
        assert set(event.details) == {"address", "actor", "consent"}
        assert problems(session) == []


@pytest.mark.parametrize(
    ("record", "given", "stays"),
    [
        (NetworkRecord.FULL, "192.0.2.77", ["192.0.2.77"]),
        (NetworkRecord.TRUNCATED, "192.0.2.77", ["192.0.2.0/24"]),
        (NetworkRecord.TRUNCATED, "2001:db8:1:2::7", ["2001:db8:1::/48"]),
        (NetworkRecord.TRUNCATED, "::ffff:192.0.2.77", ["192.0.2.0/24"]),
        (NetworkRecord.NONE, "192.0.2.77", []),
        (NetworkRecord.FULL, "", []),
        (NetworkRecord.FULL, "<script>", []),
        (NetworkRecord.FULL, "fe80::1%eth0", ["fe80::1"]),
        (NetworkRecord.FULL, "::ffff:192.0.2.77", ["192.0.2.77"]),
    ],
)
def test_as_much_of_a_network_address_is_kept_as_the_list_says(
    database: Database, record: NetworkRecord, given: str, stays: list[str]
) -> None:
    """All, the network, or nothing; for as many days as the list says; with every change that has one."""
    with database.write() as session:
        mailing_list = make_list(session, make_digest(session))
        mailing_list.network_record, mailing_list.network_days = record, 30
        subscription = sign_up(session, mailing_list, "ani@mail.test", network=given)
        confirm(session, subscription, source=Origin.CONFIRM_LINK, now=NOW, network=given)
        pause(session, subscription, source=Origin.PREFERENCES, actor="", now=NOW, network=given)
        resume(session, subscription, source=Origin.PREFERENCES, actor="", now=NOW, network=given)
        end(session, subscription, source=Origin.ONE_CLICK, now=NOW, reason="x", network=given)
        rows = session.scalars(sa.select(ConsentNetwork)).all()
        assert [row.network for row in rows] == stays * 5
        assert all(row.erase_at == NOW + dt.timedelta(days=30) for row in rows)
        assert len({row.salt for row in rows}) == len(rows)
        assert problems(session) == []


def test_a_network_address_is_checked_while_it_is_there_and_can_go_alone(database: Database) -> None:
    """A changed one is found; without it the chain is whole as before."""
    with database.write() as session:
        sign_up(session, make_list(session, make_digest(session)), "ani@mail.test")
        session.execute(sa.update(ConsentNetwork).values(network="192.0.3.0/24"))
        assert problems(session) == ["the network address was changed"]
        session.execute(sa.delete(ConsentNetwork))
        assert problems(session) == []


def test_changed_or_missing_words_are_found(database: Database) -> None:
    """The words are part of the proof."""
    with database.write() as session:
        sign_up(session, make_list(session, make_digest(session)), "ani@mail.test")
        session.execute(sa.update(ConsentText).values(text="Yes, and everything else too."))
        assert problems(session) == ["the words that were agreed to were changed"]
        session.execute(sa.delete(ConsentText))
        assert problems(session) == ["the words are missing"]


def test_a_clerk_is_a_name_or_an_account(database: Database) -> None:
    """An account's address stands for its name; an address of nobody and no name are refused."""
    with database.write() as session:
        make_account(session, "nare@courier.example", name="Nare Saroyan")
        details = spoken_details(session, Spoken.PHONE, "NARE@courier.example")
        assert details == {"by": "phone", "clerk": "Nare Saroyan"}
        assert spoken_details(session, Spoken.LETTER, " Ara  Bek ")["clerk"] == "Ara Bek"
        with pytest.raises(NotFoundError, match="No account"):
            spoken_details(session, Spoken.IN_PERSON, "ara@courier.example")
        with pytest.raises(InputError, match="who took"):
            spoken_details(session, Spoken.IN_PERSON, " ")


def test_the_proof_is_checked_by_the_documented_program(database: Database, tmp_path: Path) -> None:
    """By the standard library alone: whole as it was given out, also when erased; broken once changed."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "verify.py").write_text(program, "utf-8")
    with database.write() as session:
        mailing_list = make_list(session, make_digest(session))
        subscription = sign_up(session, mailing_list, "ani@mail.test", name="Անի")
        confirm(session, subscription, source=Origin.CONFIRM_LINK, now=NOW + dt.timedelta(seconds=1))
        spoken = spoken_details(session, Spoken.IN_PERSON, "Արա")
        other = make_list(session, make_digest(session))
        sign_up(session, other, "ani@mail.test", source=Origin.CLI, consent_text="ասաց", spoken=spoken)
        people = people_with(session, ADDRESS_KEY, "ANI@mail.test")
        text = proof_of(session, people, now=NOW).decode()
        (person,) = people
        erase_subscriber(session, person, source=Origin.CLI, now=NOW + dt.timedelta(days=1))
        erased = proof_of(session, people_with(session, ADDRESS_KEY, "ani@mail.test"), now=NOW).decode()
        with pytest.raises(NotFoundError, match="ever subscribed"):
            people_with(session, ADDRESS_KEY, "ara@mail.test")
    assert verified(tmp_path, text) == (0, "whole: 2 chains")
    assert verified(tmp_path, erased) == (0, "whole: 2 chains")
    assert WORDS in text
    assert "in person, taken by Արա" in text
    assert "from 192.0.2.0/24" in text
    for personal in ("ani@mail.test", "Անի", "192.0.2", "Արա", "ասաց", WORDS):
        assert personal not in erased
    for old, new, problem in (
        (WORDS, WORDS[:-1], "were changed"),
        ('"source": "form"', '"source": "desk"', "the chain is broken"),
        ('"clerk": "Արա"', '"clerk": "Անի"', "the details were changed"),
        ('"address": "192.0.2.0/24"', '"address": "192.0.3.0/24"', "the network address was changed"),
    ):
        code, said = verified(tmp_path, text.replace(old, new))
        assert code == 1
        assert problem in said
    found = json.loads(text)
    del found["chains"][0]["events"][0]
    assert "the chain is broken" in verified(tmp_path, json.dumps(found))[1]
    for change, problem in (
        ({"salt": None, "details": {"actor": "", "clerk": "Անի"}}, "the details were changed"),
        ({"salt": None}, "the details were changed"),
        ({"details": None}, "the details were changed"),
        ({"salt": None, "details": None}, "the details are missing, and nobody erased them"),
    ):
        found = json.loads(text)
        found["chains"][0]["events"][1].update(change)
        code, said = verified(tmp_path, json.dumps(found))
        assert (code, said) == (1, f"subscription {found['chains'][0]['subscription']}, event 2: {problem}")


def test_forged_words_are_not_told(database: Database) -> None:
    """The proof names the fault, and its sentences hold nothing that nobody can vouch for."""
    with database.write() as session:
        make_subscription(
            session, make_list(session, make_digest(session)), make_subscriber(session, "a@b.test")
        )
        forged = {"salt": None, "details": {"consent": "I want all of it", "by": "phone", "clerk": "Nare"}}
        session.execute(sa.update(ConsentEvent).values(**forged))
        session.expire_all()
        proof = json.loads(proof_of(session, people_with(session, ADDRESS_KEY, "a@b.test"), now=NOW))
    (chain,) = proof["chains"]
    assert chain["problems"] == ["event 1: the details were changed"]
    (event,) = chain["events"]
    assert "all of it" not in event["in_words"]
    assert "Nare" not in event["in_words"]
    assert "not those that were written" in event["in_words"]


def test_the_proof_has_words_for_whatever_can_be_done() -> None:
    """For each act and for each way that it may come by."""
    assert set(DID) == set(Action)
    assert set(BY) == set(Origin)
    assert not [words for words in (*DID.values(), *BY.values()) if "_" in words]


def verified(folder: Path, proof: str) -> tuple[int, str]:
    (folder / "proof.json").write_text(proof, "utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", "proof.json"], cwd=folder, capture_output=True, check=False
    )
    assert done.stderr == b""
    return done.returncode, done.stdout.decode().strip()
