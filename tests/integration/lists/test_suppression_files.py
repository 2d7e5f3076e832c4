"""The do-not-mail list from a file and into one."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from digest.addresses import keyed_hash, parse_address
from digest.db import Database
from digest.errors import InputError
from digest.lists.erase import erase_subscriber
from digest.lists.status import Origin
from digest.lists.suppress import is_suppressed, suppress_address, suppress_domain, suppress_subscriber
from digest.lists.suppression_export import export_suppressions
from digest.lists.suppression_files import SuppressionReport, import_suppressions
from digest.lists.suppression_lines import SuppressionOrder
from digest.models import Suppression, SuppressionCause
from tests.factories import make_subscriber
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW


def bring(database: Database, text: str | bytes, **values: Any) -> SuppressionReport:
    raw = text.encode() if isinstance(text, str) else text
    told = {name: values.pop(name, None) for name in ("progress", "sink")}
    order = SuppressionOrder(**{"address_key": ADDRESS_KEY, "reason": "old tool", **values})
    return import_suppressions(database, io.BytesIO(raw), order, now=NOW, **told)


def reported(
    database: Database, text: str | bytes, **values: Any
) -> tuple[SuppressionReport, list[dict[str, str]]]:
    """What is told and the table of the lines; all lines are in the figures, all but the new in the table."""
    pieces: list[bytes] = []
    report = bring(database, text, sink=pieces.append, **values)
    rows = list(csv.DictReader(io.StringIO(b"".join(pieces).decode(), newline="")))
    others = Counter(row["outcome"] for row in rows)
    figures = {name: getattr(report, name) for name in ("bad", "known", "repeated", "stronger")}
    assert {name: count for name, count in figures.items() if count} == others
    assert report.lines == report.added + len(rows)
    return report, rows


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
        b"Value;Cause;Reason",
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
    """UTF-16 or another encoding from the first line on, no line ends, a reason that fits into no row."""
    with pytest.raises(InputError, match="UTF-16"):
        bring(database, "ani@mail.test\n".encode("utf-16"))
    with pytest.raises(InputError, match="Line 1 is not UTF-8 but looks like Latin-1"):
        bring(database, "Grund;E-Mail\nJos\xe9;ani@mail.test\n".replace("G", "\xe9").encode("latin-1"))
    with pytest.raises(InputError, match="line feed"):
        bring(database, "ani@mail.test\rara@mail.test\r")
    with pytest.raises(InputError, match="old spreadsheet"):
        bring(database, b"\xd0\xcf\x11\xe0")
    with pytest.raises(InputError, match="reason"):
        bring(database, "ani@mail.test\n", reason="x" * 41)
    assert causes(database) == {}


def test_the_report_is_that_of_an_import_of_people(database: Database) -> None:
    """The same columns: each line that is not simply added with its number, what it is and why."""
    bring(database, "known@mail.test,\n=weak@mail.test,\n", cause=SuppressionCause.BOUNCE)
    text = (
        "Value,Cause\nnew@mail.test,\nKNOWN@Mail.test,bounce\n\n=weak@mail.test,legal\n"
        "NEW@mail.TEST,bounce\nani@,\nani@mail.test,sometimes\n"
    )
    for is_dry_run in (True, False):
        _, rows = reported(database, text, is_dry_run=is_dry_run)
        assert list(rows[0]) == ["file", "line", "outcome", "reason", "address"]
        assert [tuple(row.values()) for row in rows] == [
            ("", "7", "bad", "This is not a mail address.", ""),
            ("", "8", "bad", "The cause 'sometimes' is none of bounce, complaint, never, legal.", ""),
            ("", "6", "repeated", "stood in the file before", "NEW@mail.TEST"),
            ("", "5", "stronger", "was on the do-not-mail list for a weaker cause", "'=weak@mail.test"),
            ("", "3", "known", "was on the do-not-mail list already", "KNOWN@Mail.test"),
        ]
    assert causes(database)[hash_of("new@mail.test")] == "never, old tool"


@pytest.mark.parametrize(
    ("text", "number", "why"),
    [
        ("value\nani@mail.test\nJos\xe9@mail.test\n".encode("latin-1"), 3, "Latin-1"),
        (b"value;cause\nani@mail.test;never\neva@mail.test,never\n", 3, "separated by commas"),
        (b"value\tcause\neva@mail.test\tnever\tmore\n", 2, "3 cells, the heading 2"),
        (b"\xef\xbb\xbfvalue\nani@mail.test\n\xef\xbb\xbfeva@mail.test@x\n", 3, "not a mail address"),
        (b"value\n" + b"x" * 30_000 + b"\nani@mail.test\n", 2, "longer than 10 kB"),
        (b"x\n" * 3 + b"ani@mail.test\n", 1, "neither an address nor a domain"),
        (b"value\nani@mail..test\n", 2, "not a mail address"),
        (b"value,cause\nani@mail.test,because\n", 2, "The cause 'because' is none of"),
        (b"value,cause\nani@mail.test,eva@mail.test\n", 2, "are the columns shifted?"),
        (b"value,reason\nani@mail.test," + b"long " * 20 + b"\n", 2, "reason"),
        (b"E-Mail\nani@mail.test\nmail.test\n", 3, "a domain where an address is expected"),
        (b"value,kind\nmail.test,address\n", 2, "a domain where an address is expected"),
        (b"value,kind\nani@mail.test,domain\n", 2, "says that it is a domain"),
        (b"value,kind\nmail.test,host\n", 2, "The kind 'host'"),
        (b'value\n"ani@mail.test\neva@mail.test\n', 2, "quote is not closed"),
        (b'ani@mail.test\n"eva@mail.test\nara@mail.test\n', 2, "quote is not closed"),
    ],
)
def test_a_line_that_is_refused_costs_that_line_alone(
    database: Database, text: bytes, number: int, why: str
) -> None:
    """It is named by number with its reason, which repeats no address; the good lines are kept."""
    last = text + b"last@mail.test\n"
    report, rows = reported(database, last)
    first = rows[0]
    assert (first["line"], first["outcome"], first["address"]) == (str(number), "bad", "")
    assert why in first["reason"]
    assert "@mail" not in first["reason"]
    assert report.added + report.bad == report.lines
    assert hash_of("last@mail.test") in causes(database)
    assert "mail.test" not in causes(database)


def test_the_column_of_addresses_is_read_where_domains_stand_beside_it(database: Database) -> None:
    """Who left one paper does not bar everybody at their mail service, wherever the columns are."""
    assert bring(database, "Domain,Name,Email\nmail.test,Ani,ani@mail.test\n").added == 1
    assert list(causes(database)) == [hash_of("ani@mail.test")]


def test_what_comes_again_much_later_in_the_file_is_one_line_still(database: Database) -> None:
    """Also beyond a transaction, also in a dry run; a stronger cause counts wherever it stands."""
    many = [f"reader{number}@mail.test,bounce" for number in range(700)]
    again = [line.upper() for line in many[:600]]
    text = "\n".join(["value,cause", *many, *again, "reader5@mail.test,legal"])
    for is_dry_run in (True, False):
        report, rows = reported(database, text, is_dry_run=is_dry_run)
        assert (report.added, report.repeated) == (700, 601)
        assert [rows[0]["line"], rows[-1]["line"]] == ["702", "1302"]
    assert causes(database)[hash_of("reader5@mail.test")] == "legal, old tool"
    report, _ = reported(database, text)
    assert (report.added, report.stronger, report.known, report.repeated) == (0, 0, 700, 601)


def test_archives_and_spreadsheets_are_read_as_an_import_reads_them(database: Database) -> None:
    """A zip of tables, each by its own heading; the report names the table."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("bounced.csv", "Email,Cause\nani@mail.test,bounce\nwrong,\n")
        archive.writestr("gone.txt", "closed.test\nani@mail.test\n")
    report, rows = reported(database, held.getvalue())
    assert (report.added, report.repeated, report.bad) == (2, 1, 1)
    assert [(row["file"], row["line"], row["outcome"]) for row in rows] == [
        ("bounced.csv", "3", "bad"),
        ("gone.txt", "2", "repeated"),
    ]
    assert causes(database)[hash_of("ani@mail.test")] == "never, old tool"  # no word in the second table


def test_an_empty_file_has_a_report_without_lines(database: Database) -> None:
    """The heading alone, so that whoever looks sees that nothing was refused."""
    pieces: list[bytes] = []
    assert bring(database, b"\xef\xbb\xbf", sink=pieces.append).lines == 0
    assert b"".join(pieces) == b"file,line,outcome,reason,address\r\n"
