"""The test mail as a flow, on both databases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from digest import keys
from digest.db import Database
from digest.errors import ConfigError, InputError, StateError
from digest.models import Account, AccountRole, Security
from digest.pacing.transports import add_transport, note_fault, transport_named, ways
from digest.pacing.trial import send_test_mail
from tests.factories import make_digest
from tests.factories.moments import NOW
from tests.servers.smtp import JudgeServer

EDITOR = "nare@courier.example"


def test_the_test_mail_makes_a_service_usable_and_ends_its_fault(database: Database, tmp_path: Path) -> None:
    """Its moment is noted; an account that was closed is no test address any more."""
    keys.make_missing(tmp_path)
    signer = keys.load(tmp_path).signer
    with JudgeServer() as judge:
        with database.write() as session:
            make_digest(session)
            relay = add_transport(
                session, name="relay", host="127.0.0.1", port=judge.port, security=Security.NONE, now=NOW
            )
            account = Account(
                name="Nare", address=EDITOR, address_key=EDITOR, role=AccountRole.EDITOR, created_at=NOW
            )
            session.add(account)
            session.flush()
            note_fault(session, relay.id, "It took nothing.", now=NOW)
        with database.read() as session, pytest.raises(ConfigError, match="no test mail"):
            ways(session, now=NOW)
        reply = send_test_mail(
            database, "relay", EDITOR, secrets_folder=tmp_path, signer=signer, now=lambda: NOW
        )
        assert reply.code == 250
        with database.read() as session:
            (row,) = ways(session, now=NOW)
            assert (row.accepted_at, row.tested_at) == (NOW, NOW)
            assert (row.fault, row.faults_in_a_row, row.rests_until) == ("", 0, None)
        with database.write() as session:
            session.get_one(Account, account.id).disabled_at = NOW
            transport_named(session, "relay").accepted_at = None
        with pytest.raises(InputError, match="no account"):
            send_test_mail(
                database,
                "relay",
                EDITOR,
                secrets_folder=tmp_path,
                signer=signer,
                now=lambda: NOW + dt.timedelta(days=1),
            )
        assert len(judge.messages) == 1


def test_a_test_mail_says_nothing_of_a_server_that_was_named_meanwhile(
    database: Database, tmp_path: Path
) -> None:
    """It was taken by the one before: nobody is mailed by another one that has proven nothing."""
    keys.make_missing(tmp_path)
    signer = keys.load(tmp_path).signer
    with JudgeServer() as judge:
        with database.write() as session:
            make_digest(session)
            add_transport(
                session, name="relay", host="127.0.0.1", port=judge.port, security=Security.NONE, now=NOW
            )
            session.add(
                Account(
                    name="Nare", address=EDITOR, address_key=EDITOR, role=AccountRole.EDITOR, created_at=NOW
                )
            )

        def now() -> dt.datetime:
            if judge.messages:
                with database.write() as session:
                    transport_named(session, "relay").host = "localhost"
            return NOW

        with pytest.raises(StateError, match="changed meanwhile"):
            send_test_mail(database, "relay", EDITOR, secrets_folder=tmp_path, signer=signer, now=now)
        assert len(judge.messages) == 1
    with database.read() as session:
        assert transport_named(session, "relay").accepted_at is None
