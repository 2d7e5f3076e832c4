"""Bytes of a CSV file to rows or reasons."""

from __future__ import annotations

import codecs
import io
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.addresses import parse_address
from digest.errors import InputError

X
from digest.models import TextSize


def parsed(content: bytes) -> list[Row | BadLine]:
    stream = io.BytesIO(content)
    check_encoding(stream)
    return list(read_rows(stream, read_heading(stream)))


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
    stream = io.BytesIO(content)
    heading = read_heading(stream)
    tracemalloc.start()
    rows = list(read_rows(stream, heading))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows[0] == BadLine(2, "The line is longer than 10 kB.")
    assert isinstance(rows[1], Row)
    assert rows[1].number == 3
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("address,name\nani@example.org,Élise\n".encode("latin-1"), 2),
        (b"address\n" + b"ani@example.org\n" * 100_000 + b"\xff\n", 100_002),
        (b"address\nani@example.org\n\xc3", 3),
    ],
)
def test_another_encoding_is_refused_with_its_line(content: bytes, line: int) -> None:
    """What is not UTF-8 is refused as a whole, before anything is read, and the sentence names the line."""
    with pytest.raises(InputError, match=f"^Line {line} is not UTF-8"):
        check_encoding(io.BytesIO(content))


def test_a_character_across_two_reads_is_whole() -> None:
    """A character cut by the reading of parts is no wrong encoding."""
    content = b"a" * ((1 << 20) - 1) + "ա".encode()
    stream = io.BytesIO(content)
    check_encoding(stream)
    assert stream.tell() == 0


def test_utf_16_is_named() -> None:
    """The other encoding that spreadsheets write is called by its name."""
    with pytest.raises(InputError, match="UTF-16"):
        check_encoding(io.BytesIO("address\n".encode("utf-16")))


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        (b"", "name the columns"),
        (b"ani@example.org\n", "name the columns"),
        (b"name,zone\n", "name the columns"),
        (b"email,address\n", "two columns"),
        (b"address\rani@example.org\r", "line feed"),
        (b"address," + b"x" * 20_000, "10 kB"),
        (b'"address\n', "quote"),
    ],
)
def test_a_heading_without_addresses_is_refused(heading: bytes, words: str) -> None:
    """The first line must say which column holds the address."""
    with pytest.raises(InputError, match=words):
        read_heading(io.BytesIO(heading))


def test_columns_nobody_reads_are_named() -> None:
    """Unknown columns are left alone and reported."""
    assert read_heading(io.BytesIO(b"email,phone,,name\n")).ignored == ("phone",)


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
