"""What of an erased person stays in the file of an SQLite database, below its tables."""

from __future__ import annotations

import shutil
from pathlib import Path

from digest.db import Database
from digest.lists.erase import erase_subscriber
from digest.lists.status import Origin
from digest.models import Notice, Subscriber
from tests.factories import make_digest, make_list, make_subscriber, make_subscription
from tests.factories.moments import NOW

WORD = "zorbaszagreus"


def test_the_file_forgets_too(sqlite_template: Path, tmp_path: Path) -> None:
    """Read as bytes once the log of changes is empty: no row and no page that is free has the address."""
    path = tmp_path / "digest.sqlite3"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    with database.write() as session:
        readers = make_list(session, make_digest(session))
        ids = []
        for number in range(50):  # so that whole pages become free
            person = make_subscriber(session, f"{WORD}{number}@mail.test", name=WORD)
            make_subscription(session, readers, person)
            values = {
                "message": f"To: {person.address}\r\n".encode() * 99,
                "not_before": NOW,
                "created_at": NOW,
            }
            sender = "news@courier.example"
            session.add(
                Notice(
                    key=f"welcome:{number}",
                    kind="welcome",
                    address=person.address,
                    sender_address=sender,
                    **values,
                )
            )
            ids.append(person.id)
    _empty_the_log(database)
    assert path.read_bytes().count(WORD.encode()) > 1000
    with database.write() as session:
        for number in ids:
            erase_subscriber(session, session.get_one(Subscriber, number), source=Origin.CLI, now=NOW)
    _empty_the_log(database)
    database.close()
    assert path.read_bytes().count(WORD.encode()) == 0


def _empty_the_log(database: Database) -> None:
    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
