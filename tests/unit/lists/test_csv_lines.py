"""Bytes of a CSV file to rows or reasons."""

from __future__ import annotations

import codecs
import datetime as dt
import io
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.addresses import parse_address
from digest.errors import InputError
from digest.lists.csv_lines import BadLine, Line, looks_like, read_lines
from digest.lists.import_cells import read_address
from digest.lists.import_files import open_parts
from digest.lists.import_read import People
from digest.lists.import_rows import Row
from digest.lists.mappings import ColumnMap, Heading, read_heading
from digest.models import TextSize


def parsed(content: bytes) -> list[Row | BadLine]:
    """The rows of a file that is read by the usual names of columns."""
    people = People(
        open_parts(io.BytesIO(content), "people.csv"), ColumnMap(), None, {}, {}, dt.datetime.now(dt.UTC)
    )
    return list(people)


def heading_of(content: bytes) -> Heading:
    line = next(read_lines(io.BytesIO(content)))
    assert isinstance(line, Line)
    return read_heading(line.cells, ColumnMap())


def reason(content: bytes) -> str:
    (line,) = parsed(content)
    assert isinstance(line, BadLine)
    return line.reason


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_common_spellings_of_csv_are_read(delimiter: str, mark: bytes, end: str) -> None:
    """Commas, semicolons, tabs and bars; with a byte order mark or none; both line ends."""
    lines = [
        ["Email", "Name", "Zone", "Language", "text_size"],
        ["ani@example.org", f'"Sarkisian{delimiter} Ani"', "Asia/Yerevan", "hy", "large"],
    ]
    content = mark + end.join(delimiter.join(cells) for cells in lines).encode()
    (row,) = parsed(content)
    assert isinstance(row, Row)
    assert (row.number, row.address.text) == (2, "ani@example.org")
    assert row.name == " ".join(f"Sarkisian{delimiter} Ani".split())
    assert (row.zone, row.language, row.text_size) == ("Asia/Yerevan", "hy", TextSize.LARGE)


def test_names_keep_their_letters() -> None:
    """Armenian, accents and emoji come through as they were written."""
    (row,) = parsed("address,name\nani@example.org,Անի Élise 🌸\n".encode())
    assert isinstance(row, Row)
    assert row.name == "Անի Élise 🌸"


def test_missing_columns_mean_nothing_is_known() -> None:
    """A single column of addresses is enough; blank lines are passed over but counted."""
    rows = parsed(b"email\nani@example.org\n\n  \nara@example.org")
    assert [(row.number, row.name if isinstance(row, Row) else None) for row in rows] == [(2, ""), (5, "")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"not an address,Ani", "not a mail address"),
        (b",Ani", "no address"),
        (b'"ani@example.org,Ani', "quote"),
        (b'"ani@example.org"x,Ani', "quote"),
        (b"ani@example.org,Ani,more", "3 cells"),
        (b"ani@example.org," + b"x" * 300, "200"),
        (b"a@b@c.org,Ani", "not a mail address"),
        (b"ani@localhost,Ani", "not a mail address"),
    ],
)
def test_a_bad_line_says_why(line: bytes, words: str) -> None:
    """Each bad line is reported with its reason, which repeats no address."""
    found = reason(b"address,name\n" + line + b"\n")
    assert words in found
    assert "ani@" not in found


def test_an_open_quote_costs_one_line() -> None:
    """A quote that is never closed does not swallow the rest of the file."""
    rows = parsed(b'address,name\n"ani@example.org,Ani\nara@example.org,Ara\n')
    assert [type(row) for row in rows] == [BadLine, Row]


def test_a_line_without_end_costs_no_memory() -> None:
    """A line of 10 MB is one bad line, and is never held whole."""
    content = b"address\n" + b"x" * 10_000_000 + b"\nara@example.org\n"
    tracemalloc.start()
    rows = parsed(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows[0] == BadLine(2, "The line is longer than 10 kB.")
    assert isinstance(rows[1], Row)
    assert rows[1].number == 3
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ani@example.org,Élise".encode("latin-1"), "Latin-1"),
        ("ani@example.org,Ani’s".encode("cp1252"), "Windows-1252"),
        ("ani@example.org,Ani".encode("utf-16-le") + b"\xff", "UTF-16"),
        (b"ani@example.org,\x81", "another encoding"),
        (b"ani@example.org,\xc3", "Latin-1"),
    ],
)
def test_another_encoding_is_named_with_its_line(line: bytes, words: str) -> None:
    """A line that is not UTF-8 says what it looks like; the lines around it are kept."""
    rows = parsed(b"address,name\nara@example.org,Ara\n" + line + b"\nlia@example.org,Lia\n")
    assert [type(row) for row in rows] == [Row, BadLine, Row]
    assert rows[1].number == 3
    assert words in rows[1].reason  # type: ignore[union-attr]
    assert words == looks_like(line)[: len(words)]


def test_a_heading_in_another_encoding_is_refused() -> None:
    """Nobody can say what the columns are."""
    with pytest.raises(InputError, match="Line 1 is not UTF-8 but looks like Latin-1"):
        parsed("address,prénom\n".encode("latin-1"))


def test_mixed_separators_are_named() -> None:
    """A line with another separator than the heading's says so."""
    rows = parsed(b"address,name\nani@example.org;Ani\nara@example.org,Ara\n")
    assert rows[0] == BadLine(2, "The line is separated by semicolons, the heading by commas.")
    assert isinstance(rows[1], Row)


def test_a_quoted_cell_may_run_over_lines() -> None:
    """Notes with line ends, as other products export them, stay in one row; numbers go on as in the file."""
    rows = parsed(b'email,notes\nani@example.org,"one\ntwo ""2""\nthree"\nara@example.org,x\nbad,y\n')
    assert [(row.number, type(row)) for row in rows] == [(2, Row), (5, Row), (6, BadLine)]


def test_two_hundred_columns_are_read() -> None:
    """Wide files are read; what nobody reads is passed over."""
    names = b",".join(b"c%d" % number for number in range(199))
    (row,) = parsed(b"email," + names + b"\nani@example.org" + b",x" * 199 + b"\n")
    assert isinstance(row, Row)
    with pytest.raises(InputError, match="at most 256"):
        parsed(b"email" + b",c" * 300 + b"\n")


def test_utf_16_is_named() -> None:
    """The other encoding that spreadsheets write is called by its name."""
    with pytest.raises(InputError, match="UTF-16"):
        parsed("address\n".encode("utf-16"))


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        (b"", "name the columns"),
        (b"ani@example.org\n", "name the columns"),
        (b"name,zone\n", "name the columns"),
        (b"email,address\n", "Two columns"),
        (b"address\rani@example.org\r", "line feed"),
        (b"address," + b"x" * 20_000, "10 kB"),
        (b'"address\n', "quote"),
    ],
)
def test_a_heading_without_addresses_is_refused(heading: bytes, words: str) -> None:
    """The first line must say which column holds the address."""
    with pytest.raises(InputError, match=words):
        heading_of(heading)


def test_columns_nobody_reads_are_named() -> None:
    """Unknown columns are left alone and reported."""
    assert heading_of(b"email,phone,,name\n").ignored == ("phone",)


@given(st.binary(max_size=300))
@example(b"\x00@\x00.org,\x00")
def test_any_bytes_give_rows_or_our_error(content: bytes) -> None:
    """Whatever the file holds: rows, bad lines or an InputError, and nothing else."""
    try:
        rows = parsed(b"address,name,zone\n" + content)
    except InputError:
        return
    assert all(isinstance(row, Row | BadLine) for row in rows)


local_part = st.text(st.sampled_from('aZ9._+-!#ա "@'), min_size=0, max_size=70)
domain = st.text(st.sampled_from("aZ9.-ա"), max_size=30) | st.sampled_from(["Example.org", "mail.test"])


@given(local_part, domain)
@example("a" * 64, "example.org")
@example("a" * 65, "example.org")
@example("a.b+c", "EXAMPLE.ORG")
def test_the_quick_way_reads_addresses_as_the_long_way(local: str, domain: str) -> None:
    """The quick reading of plain addresses gives exactly what the full check gives."""
    text = f"{local}@{domain}"
    try:
        wanted = parse_address(text)
    except InputError:
        with pytest.raises(InputError):
            read_address(text)
        return
    assert read_address(text) == wanted
