from __future__ import annotations

import base64
import datetime as dt
import email.header
import itertools
import re
import unicodedata
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import compat32, default
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import InputError
from digest.mail import headers
from digest.mail.words import clusters, encode_words
from tests.unit.mail.samples import ANY_TEXT


def unfolded(field: bytes) -> str:
    return field.decode().replace("\r\n ", " ").removesuffix("\r\n").partition(": ")[2]


def decoded(value: str) -> str:
    return str(email.header.make_header(email.header.decode_header(value)))


@given(ANY_TEXT)
def test_clean_header_gives_one_plain_line(text: str) -> None:
    """Whatever comes in, one line without controls comes out, and cleaning it again changes nothing."""
    cleaned = headers.clean_header(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in cleaned)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]", cleaned)
    assert "  " not in cleaned
    assert cleaned == cleaned.strip()
    assert len(cleaned) <= 900
    assert headers.clean_header(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A\r\nBcc: x@example.org", "A Bcc: x@example.org"),
        ("=?utf-8?q?A=0D=0ABcc:_x?=", "A Bcc: x"),
        ("=?utf-8?b?QQ0KQmNjOiB4?=", "A Bcc: x"),
        ("=?us-ascii*en?Q?A=0ABcc:_x?=", "A Bcc: x"),
        ("=?utf-8?q?one?= =?utf-8?q?_two?=", "one two"),
        ("A\u2028B\u2029C\x00D\x85E", "A B CD E"),
        ("ab\u202etxt.exe", "abtxt.exe"),
        ("2 + 2 =? 5 ?=", "2 + 2 =? 5 ?="),
        ("\ud800half", "half"),
        ("  wide   gaps\t", "wide gaps"),
        ("Որպե՞ս 👩\u200d🔬", "Որպե՞ս 👩\u200d🔬"),
        ("=?no-such-charset?q?abc?=", "= ?no-such-charset?q?abc?="),
        ("=?utf-8?b?====?=", ""),
    ],
)
def test_clean_header_reads_encoded_words_and_drops_controls(text: str, expected: str) -> None:
    """A newline hidden in an encoded word is found; joiners that emoji need stay."""
    assert headers.clean_header(text) == expected


def test_clean_header_disarms_words_nested_deeper_than_three() -> None:
    """However deep a newline is wrapped, no reader finds an encoded word in the result."""
    text = "A\r\nBcc: x"
    for _ in range(6):
        text = f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="
    cleaned = headers.clean_header(text)
    assert cleaned.startswith("= ?utf-8?b?")
    assert decoded(cleaned) == cleaned


def test_clean_header_cuts_between_whole_characters() -> None:
    """A text that is too long ends before a joined emoji, not in it."""
    family = "👩\u200d👧\u200d👦"
    cleaned = headers.clean_header("x" * 898 + family)
    assert cleaned == "x" * 898


@given(ANY_TEXT)
def test_text_field_reads_back(text: str) -> None:
    """Two independent readers find the cleaned text; no line is over 76 characters, all is ASCII."""
    field = headers.text_field("Subject", text)
    cleaned = headers.clean_header(text)
    lines = field.decode("ascii").split("\r\n")
    assert lines.pop() == ""
    assert all(len(line) <= 76 for line in lines)
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])
    assert decoded(unfolded(field)) == cleaned
    parsed = BytesParser(policy=default).parsebytes(field + b"\r\n")["Subject"]
    assert " ".join(str(parsed).split()) == " ".join(cleaned.split())


def test_text_field_keeps_each_emoji_in_one_word() -> None:
    """Each encoded word decodes by itself to whole user-perceived characters."""
    text = "👩\u200d🔬🇦🇲" * 20
    for word in encode_words(text, used=9):
        assert set(clusters(decoded(word))) <= {"👩\u200d🔬", "🇦🇲"}


def test_text_field_writes_plain_ascii_as_it_is() -> None:
    """An English subject is not encoded."""
    assert headers.text_field("Subject", "News of the day") == b"Subject: News of the day\r\n"


@given(st.lists(st.text("abcDEF019.,!?'()", min_size=1, max_size=90), min_size=1, max_size=40).map(" ".join))
def test_text_field_folds_long_ascii_between_words(text: str) -> None:
    """English of any length comes back exactly; it is folded at spaces, or encoded if a word has no room."""
    field = headers.text_field("Subject", text)
    assert all(len(line) <= 76 for line in field.decode("ascii").split("\r\n"))
    assert decoded(unfolded(field)) == headers.clean_header(text)
    if max(map(len, text.split(" "))) <= 66 and len(text) <= 900 and "=?" not in text:
        assert unfolded(field) == text


@given(ANY_TEXT)
def test_address_field_reads_back(name: str) -> None:
    """Any display name comes back as it was cleaned, and the address is untouched by it."""
    field = headers.address_field("From", name, "editor@xn--tda.example.org")
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))
    parsed = BytesParser(policy=compat32).parsebytes(field + b"\r\n")
    found_name, found = email.utils.parseaddr(str(parsed["From"]).replace("\r\n ", " ").replace("\n ", " "))
    assert found == "editor@xn--tda.example.org"
    assert decoded(found_name).split() == headers.clean_header(name).split()


@pytest.mark.parametrize(
    "address",
    [
        "a@b>, <c@example.org",
        "a b@example.org",
        "a@exa\r\nBcc: x@example.org",
        "a@բանկ.example",
        "@example.org",
        "a,b@c.org",
    ],
)
def test_address_field_refuses_what_could_break_out(address: str) -> None:
    """An address that is more than an address is an error that does not repeat it."""
    with pytest.raises(InputError) as caught:
        headers.address_field("To", "", address)
    assert address not in str(caught.value)


def test_address_field_writes_a_foreign_local_part_as_utf8() -> None:
    """A local part that is not ASCII is never an encoded word (RFC 2047 5 (3))."""
    assert headers.address_field("To", "", "josé@example.org") == "To: josé@example.org\r\n".encode()


@given(
    st.integers(10, 900),
    st.sampled_from(["", "mailto:unsub@example.org?subject=unsubscribe"]),
    st.text("abcXYZ09-_~./?=&%+:@!$'()*;#", min_size=900, max_size=900),
)
def test_list_unsubscribe_is_whole_at_any_length(length: int, mailto: str, filler: str) -> None:
    """The exact URL stands on the wire: one line, no encoding, folded after the comma only."""
    url = ("https://e.org/" + filler)[:length]
    field = headers.list_unsubscribe_field(url, mailto)
    lines = field.split(b"\r\n")
    assert lines[0] == b"List-Unsubscribe: <" + url.encode() + (b">," if mailto else b">")
    assert lines[1:] == ([f" <{mailto}>".encode(), b""] if mailto else [b""])
    assert b"=?" not in field.replace(url.encode(), b"")
    assert all(len(line) <= 998 for line in lines)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "https://e.org/a b",
        "https://e.org/>,<x",
        "https://e.org/\r\nX: y",
        "https://e.org/ա",
        "https://e.org/" + "x" * 900,
        "javascript:1",
        "https://e.org/a,b",
    ],
)
def test_list_unsubscribe_refuses_other_urls(url: str) -> None:
    """Nothing that could end the brackets early, or is no web address, gets in."""
    with pytest.raises(InputError):
        headers.list_unsubscribe_field(url)


@pytest.mark.parametrize("mailto", ["https://e.org/", "mailto:a@b.org>,<x", "mailto:" + "a" * 900])
def test_list_unsubscribe_refuses_other_mail_addresses(mailto: str) -> None:
    """The second place takes a mailto URL and nothing else."""
    with pytest.raises(InputError, match="mailto"):
        headers.list_unsubscribe_field("https://example.org/u/x", mailto)


def test_list_id_has_a_phrase_and_an_id() -> None:
    """The list's name may be in any script, its id is plain."""
    field = headers.list_id_field("Լուրեր", "daily.example.org")
    assert field.endswith(b" <daily.example.org>\r\n")
    assert decoded(unfolded(field)) == "Լուրեր <daily.example.org>"
    assert headers.list_id_field("", "daily.example.org") == b"List-Id: <daily.example.org>\r\n"
    with pytest.raises(InputError):
        headers.list_id_field("", "no dots")


@pytest.mark.parametrize(
    ("make", "bad"),
    [
        (headers.feedback_id_field, "a:b:abc"),
        (headers.feedback_id_field, "a:b:c:d\r\nX: y"),
        (headers.message_id_field, "<a@b>\r\nX: y"),
        (headers.message_id_field, "a@b"),
        (lambda value: headers.plain_field("Date", value), "Mon\r\nX: y"),
        (lambda value: headers.plain_field("Date", value), ""),
        (lambda value: headers.plain_field("Bad Name", value), "x"),
        (lambda value: headers.url_field("List-Help", value), "https://e.org/\nX: y"),
    ],
)
def test_structured_fields_refuse_malformed_values(make: Callable[[str], bytes], bad: str) -> None:
    """A field with a fixed form takes nothing else."""
    with pytest.raises(InputError):
        make(bad)


def test_message_id_is_a_function_of_edition_and_subscriber() -> None:
    """The same at each attempt, different for each pair, and the subscriber's id does not show."""
    key = b"k" * 32
    first = headers.message_id(42, 1234567, "news.example.org", key)
    assert first == headers.message_id(42, 1234567, "news.example.org", key)
    assert re.fullmatch(r"<e42\.[0-9a-f]{20}@news\.example\.org>", first)
    assert "1234567" not in first
    others = {
        headers.message_id(e, s, "news.example.org", key) for e, s in itertools.product(range(50), repeat=2)
    }
    assert len(others) == 2500
    assert headers.message_id(42, 1234567, "news.example.org", b"other" * 8) != first
    assert headers.message_id_field(first) == f"Message-ID: {first}\r\n".encode()
    assert headers.message_id_field(headers.notice_message_id(7, "example.org", None)).startswith(
        b"Message-ID: <n7."
    )


def test_date_text_is_in_utc() -> None:
    """A moment in any zone is written in UTC, in English, whatever the locale."""
    yerevan = dt.timezone(dt.timedelta(hours=4))
    assert (
        headers.date_text(dt.datetime(2026, 11, 23, 22, 56, 42, tzinfo=yerevan))
        == "Mon, 23 Nov 2026 18:56:42 +0000"
    )
    with pytest.raises(ValueError, match="zone"):
        headers.date_text(dt.datetime(2026, 11, 23))  # noqa: DTZ001


def injections() -> list[str]:
    """Five hundred ways to ask for a header of one's own."""
    breaks = ["\r\n", "\n", "\r", "\u2028", "\x85", "\v", "\f", "\x00\r\n", "\r\n\r\n", "\n ", "\u560a\u560d"]
    wanted = [
        "Bcc: x@example.org",
        "X-Evil: 1",
        "Content-Type: text/html",
        "<b>body</b>",
        ".\r\nMAIL FROM:<x@example.org>",
    ]
    plain = ["".join(parts) for parts in itertools.product(["", "News"], breaks, wanted, ["", "\r\n"])]
    words = []
    for text in plain:
        words.append(f"=?utf-8?q?{quote(text, safe='').replace('%', '=')}?=")
        words.append(encode_words(text.replace(" ", "\u00a0"), used=0)[0])
    nested = [f"=?iso-8859-1?q?{quote(word, safe='').replace('%', '=')}?=" for word in words]
    return (plain + words + nested)[:1000]


PAYLOADS = injections()


def test_there_are_at_least_500_payloads() -> None:
    """The corpus is as large as the promise."""
    assert len(set(PAYLOADS)) >= 500


@pytest.mark.parametrize(
    "make",
    [
        lambda text: headers.text_field("Subject", text),
        lambda text: headers.address_field("From", text, "a@example.org"),
        lambda text: headers.list_id_field(text, "daily.example.org"),
    ],
    ids=["subject", "from", "list"],
)
def test_no_text_gets_a_header_of_its_own(make: Callable[[str], bytes]) -> None:
    """No payload in a title, sender's or list's name makes a second field, however it is read."""
    for payload in PAYLOADS:
        field = make(payload)
        for policy in (compat32, default):
            message = BytesParser(policy=policy).parsebytes(field + b"X-End: 1\r\n\r\nbody\r\n")
            assert len(message.keys()) == 2, payload
            assert message["X-End"] == "1"
            assert message.get_payload() == "body\r\n"
        value = decoded(unfolded(field))
        assert "\n" not in value
        assert "\r" not in value


@pytest.mark.parametrize(
    ("sender", "short"),
    [
        ("news@courier.example", "courierexample"),
        ("news@the-courier.example", "thecouri-"),
        ("news@paper.example", "paperexample"),
        ("news@PAPER.example", "paperexample"),
        ("news@a.io", "aio-"),
        ("news@xn--gira-0ra.example", "xngira0r-"),
    ],
)
def test_a_feedback_id_says_whose_edition_it_is_and_not_whose_mail(sender: str, short: str) -> None:
    """Edition, cadence, digest, sender: four different values, whatever the names, none of them too long."""
    value = headers.feedback_id(42, "daily", "daily", sender)
    edition, cadence, digest, last = value.split(":")
    assert (edition, cadence, digest) == ("e42", "c-daily", "d-daily")
    assert last.startswith(short)
    assert "news" not in last
    headers.feedback_id_field(value)
    headers.feedback_id_field(headers.feedback_id(10**9, "c" * 60, "d" * 60, sender))


@given(st.text(), st.text())
def test_any_name_stands_in_a_feedback_id(cadence: str, digest: str) -> None:
    """Names that the header cannot hold are written plainly, and two that differ are not one."""
    value = headers.feedback_id(7, cadence, digest, "news@courier.example")
    headers.feedback_id_field(value)
    other = headers.feedback_id(7, f"{cadence}!", digest, "news@courier.example")
    assert value.split(":")[1] != other.split(":")[1]
