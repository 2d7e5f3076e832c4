"""The do-not-mail list from a file and into one."""

from __future__ import annotations

import io
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from digest.addresses import keyed_hash, parse_address
from digest.db import Database
from digest.errors import InputError
from digest.lists.erase import erase_subscriber
from digest.lists.status import Origin
from digest.lists.suppress import is_suppressed, suppress_address, suppress_domain, suppress_subscriber
from digest.lists.suppression_export import _quoted, export_suppressions
from digest.lists.suppression_files import (
    SuppressionOrder,
    SuppressionReport,
    _plain,
    import_suppressions,
)
from digest.models import Suppression, SuppressionCause
from tests.factories import make_subscriber
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW


def bring(database: Database, text: str | bytes, **values: Any) -> SuppressionReport:
    raw = text.encode() if isinstance(text, str) else text
    progress = values.pop("progress", None)
    order = SuppressionOrder(**{"address_key": ADDRESS_KEY, "reason": "old tool", **values})
    return import_suppressions(database, io.BytesIO(raw), order, now=NOW, progress=progress)


def causes(database: Database) -> dict[str, str]:
    with database.read() as session:
        return {
            row.value: f"{row.cause.value}, {row.reason}" for row in session.scalars(sa.select(Suppression))
        }


def hash_of(address: str) -> str:
    return keyed_hash(ADDRESS_KEY, parse_address(address).key)


def test_lines_of_every_kind_are_taken_or_told(database: Database) -> None:
    """Addresses, domains and hashes go on; what is bad is told with its number, without the address."""
    lines = [
        b"Email;Cause;Reason",
        b"ani@mail.test;bounce;550 no such user",
        b"ANI@mail.test;never;asked",
        b"Closed.test;;",
        f"{'ab' * 32};legal;court".encode(),
        b"",
        b"ara@mail.test;sometimes;",
        b"not an address@;;",
        b"\xff\xfe@mail.test;;",
        b'"open@mail.test;;',
        b"x" * 20_000,
        b";bounce;",
        ("eva@mail.test;;" + "long" * 20).encode(),
        b"last@mail.test",
    ]
    report = bring(database, b"\xef\xbb\xbf" + b"\r\n".join(lines))
    assert (report.added, report.repeated, report.bad) == (4, 1, 7)
    assert [line.number for line in report.bad_lines] == [7, 8, 9, 10, 11, 12, 13]
    assert not any("@mail.test" in line.reason for line in report.bad_lines)
    assert causes(database) == {
        hash_of("ani@mail.test"): "never, asked",
        "closed.test": "never, old tool",
        "ab" * 32: "legal, court",
        hash_of("last@mail.test"): "never, old tool",
    }
    again = bring(database, b"\r\n".join(lines))
    assert (again.added, again.known, again.stronger) == (0, 4, 0)


def test_a_file_without_a_heading_is_addresses_alone(database: Database) -> None:
    """One a line, as most tools give out who must not be mailed; a dry run writes nothing."""
    text = "ani@mail.test\nara@mail.test\nclosed.test\n"
    assert bring(database, text, is_dry_run=True).added == 3
    assert causes(database) == {}
    assert bring(database, text).added == 3
    assert bring(database, text, is_dry_run=True).known == 3
    assert bring(database, "").lines == 0


def test_a_stronger_cause_replaces_a_weaker_one_and_never_the_other_way(database: Database) -> None:
    """What the law says is not lifted like a bounce; neither by a file nor by a step."""
    bounce, legal = SuppressionCause.BOUNCE, SuppressionCause.LEGAL
    assert bring(database, "ani@mail.test", cause=bounce).added == 1
    report = bring(database, "ani@mail.test", cause=legal, reason="court")
    assert (report.added, report.stronger, report.known) == (0, 1, 0)
    assert bring(database, "ani@mail.test", cause=bounce).known == 1
    assert causes(database) == {hash_of("ani@mail.test"): "legal, court"}
    with database.write() as session:
        words: dict[str, Any] = {"source": Origin.CLI, "now": NOW}
        assert suppress_domain(session, "x.test", reason="a", cause=bounce, **words) is not None
        assert suppress_domain(session, "x.test", reason="b", cause=bounce, **words) is None
        assert suppress_domain(session, "x.test", reason="c", cause=legal, **words) is not None
        assert suppress_domain(session, "x.test", reason="d", **words) is None
    assert causes(database)["x.test"] == "legal, c"


def test_the_whole_list_comes_back_as_it_went_out(database: Database) -> None:
    """Addresses on record in clear, the erased by their hash, which still bars them; also odd ones."""
    odd = "=ani@mail.test"
    with database.write() as session:
        for address in (odd, "gone@mail.test", "kept@mail.test"):
            person = make_subscriber(session, address)
            suppress_subscriber(session, person, reason="+asked, twice", source=Origin.CLI, now=NOW)
            if address == "gone@mail.test":
                erase_subscriber(session, person, source=Origin.CLI, now=NOW)
        suppress_address(session, ADDRESS_KEY, "nobody@mail.test", reason="x", source=Origin.CLI, now=NOW)
        suppress_domain(session, "closed.test", reason="x", source=Origin.CLI, now=NOW)
        text = b"".join(export_suppressions(session)).decode()
        before = {row.value: row.reason for row in session.scalars(sa.select(Suppression))}
        session.execute(sa.delete(Suppression))
    assert "kept@mail.test" in text
    assert "'=ani@mail.test" in text
    assert "gone@" not in text
    assert "nobody@" not in text
    assert bring(database, text).added == 5
    with database.read() as session:
        assert {row.value: row.reason for row in session.scalars(sa.select(Suppression))} == before
        assert is_suppressed(session, ADDRESS_KEY, parse_address("gone@mail.test"))


def test_a_long_file_is_taken_part_by_part(database: Database) -> None:
    """More lines than one transaction takes, each counted once; after each part it is told how far it is."""
    told: list[int] = []
    text = "".join(f"reader{number}@mail.test\n" for number in range(1_200))
    assert bring(database, text + text, progress=told.append).added == 1_200
    assert told == [500, 1_000, 1_500, 2_000]  # lines
    assert len(causes(database)) == 1_200


def test_what_is_wrong_as_a_whole_is_refused(database: Database) -> None:
    """UTF-16, and a reason that fits into no row."""
    with pytest.raises(InputError, match="UTF-16"):
        bring(database, "ani@mail.test\n".encode("utf-16"))
    with pytest.raises(InputError, match="reason"):
        bring(database, "ani@mail.test\n", reason="x" * 41)
    assert causes(database) == {}


@given(st.text(max_size=20))
def test_a_quoted_cell_is_read_as_it_was(cell: str) -> None:
    """Nothing that goes out begins like a formula, and all but what began with our own mark comes back."""
    quoted = _quoted(cell)
    assert not quoted.startswith(("=", "+", "-", "@", "\t", "\r"))
    if not cell.startswith("'"):
        assert _plain(quoted) == cell
