from __future__ import annotations

import base64
import html
import re
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import InputError, StateError
from digest.mail import encodings
from digest.mail.placeholders import BODY_PLACEHOLDERS, HeaderSlot, PreparedMail, check, fill, prepare
from digest.mail.prepared import _quoted, assembled, body_value
from tests.unit.mail.samples import ANY_TEXT, LINES, VALUES

PLACES = st.lists(
    st.one_of(LINES, st.sampled_from([f"%%{name}%%" for name in sorted(BODY_PLACEHOLDERS)])), max_size=8
)
SOURCES = PLACES.map("".join).map(lambda text: text if text.strip() else f"x{text}")
EDGES = ["", ".", ".a", "a.", "From x", "Fromage", "a b", " a", "a ", "a  b", "a=b", "x" * 75, "x" * 76, "é"]
ARMENIAN = "Հայերեն լուրեր և մեկնաբանություն։ " * 40


def body_line(text: str) -> str:
    return body_value(text, in_html=False)


def parsed(raw: bytes) -> EmailMessage:
    message = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    return message


def bodies(raw: bytes) -> tuple[str, str]:
    """Text and HTML as a reader of another's making finds them."""
    text, page = parsed(raw).iter_parts()
    assert (text.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    return tuple(part.get_payload(decode=True).decode().replace("\r\n", "\n") for part in (text, page))


def substituted(source: str, values: dict[str, str], *, in_html: bool) -> str:
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub("%%([a-z_]+)%%", lambda found: body_value(values[found[1]], in_html=in_html), source)


@settings(max_examples=150, deadline=None)
@given(SOURCES, SOURCES, ANY_TEXT)
def test_a_filled_mail_reads_back_exactly(text: str, page: str, name: str) -> None:
    """Any text with any values comes back letter for letter, in lines the wire leaves alone."""
    values = {"name": name, **VALUES}
    prepared = prepare([HeaderSlot.TO, HeaderSlot.LIST_UNSUBSCRIBE], html=f"h{page}", text=f"t{text}")
    raw = fill(prepared, values)
    expected = substituted(f"t{text}", values, in_html=False), substituted(f"h{page}", values, in_html=True)
    assert bodies(raw) == expected
    lines = raw.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line or line.startswith((b".", b"From ")) for line in lines)
    assert max(map(len, raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76
    assert fill(PreparedMail.from_bytes(prepared.to_bytes()), values) == raw


@given(st.text(st.characters(codec="ascii"), max_size=90).map(body_line) | st.sampled_from(EDGES))
def test_a_plain_value_is_written_as_the_long_way_would(value: str) -> None:
    """What is let through unchanged is what escaping and encoding would have left unchanged."""
    assert _quoted(value) == (encodings.qp_value(value), encodings.qp_value(html.escape(value)))


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=6), st.data())
def test_base64_is_exact_for_values_of_any_length(literals: list[bytes], data: st.DataObject) -> None:
    """Literals and values of every alignment decode to what was put in, without padding in the middle."""
    values = [data.draw(st.binary(max_size=90)) for _ in literals[1:]]
    encoded = b"".join(encodings.b64_fill([encodings.b64_literal(literal) for literal in literals], values))
    expected = literals[0] + b"".join(a + b for a, b in zip(values, literals[1:], strict=True))
    assert base64.b64decode(encoded.replace(b"\r\n", b""), validate=True) == expected
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))


@pytest.mark.parametrize("length", range(14))
@pytest.mark.parametrize("gap", range(5))
def test_base64_seams_hold_at_every_alignment(length: int, gap: int) -> None:
    """Each remainder of a literal, a value and the literal between two values is met once."""
    text = f"{'ա' * 60}{'b' * length}%%name%%{'c' * gap}%%name%%{'դ' * 60}"
    for size in range(8):
        raw = fill(prepare([], html=text, text=text), {"name": "v" * size})
        assert b"base64" in raw
        assert bodies(raw) == (text.replace("%%name%%", "v" * size),) * 2


def test_each_part_takes_the_smaller_coding() -> None:
    """English stays readable in quoted-printable, Armenian takes base64."""
    raw = fill(prepare([], html=ARMENIAN, text="Plain English text.\n" * 20), {})
    text, page = parsed(raw).iter_parts()
    assert text["Content-Transfer-Encoding"] == "quoted-printable"
    assert page["Content-Transfer-Encoding"] == "base64"
    assert b"Plain English text.\r\n" in raw


def test_values_are_escaped_in_html_only() -> None:
    """Markup in a person's name is text in both parts."""
    raw = fill(prepare([], html="<p>%%name%%</p>", text="%%name%%"), {"name": "<b>\"A\" & 'B'</b>"})
    text, page = bodies(raw)
    assert text == "<b>\"A\" & 'B'</b>"
    assert page == f"<p>{html.escape(text)}</p>"


def test_values_lose_controls_and_line_ends() -> None:
    """A name cannot start a line, turn the text round, or carry a control character."""
    raw = fill(
        prepare([], html="%%name%%!", text="%%name%%!"), {"name": "A\r\n.\r\nB\x00\u202e\u2028C\td\ud800"}
    )
    assert bodies(raw)[0] == "A . B C d!"


def test_a_value_may_look_like_a_placeholder() -> None:
    """Values are not filled a second time."""
    raw = fill(prepare([], html="%%name%%", text="%%name%%"), {"name": "%%unsubscribe_url%%"})
    assert bodies(raw)[0] == "%%unsubscribe_url%%"


def test_unknown_placeholders_stop_the_mail() -> None:
    """A placeholder that nobody fills is an error when the mail is prepared."""
    with pytest.raises(InputError, match="nickname"):
        prepare([], html="%%nickname%%", text="x")
    with pytest.raises(InputError, match="name"):
        prepare([], html="x", text="%%name%%", allowed=())
    assert fill(prepare([], html="x", text="%%nickname%%", allowed={"nickname"}), {"nickname": "Ani"})


def test_missing_and_unknown_values_stop_the_filling() -> None:
    """No mail leaves with a gap, and a misspelt value does not go unnoticed."""
    prepared = prepare([HeaderSlot.TO, HeaderSlot.DATE], html="%%name%%", text="x")
    assert prepared.needs == {"to", "date", "name"}
    with pytest.raises(InputError, match="no value for date, name"):
        fill(prepared, {"to": "a@example.org"})
    with pytest.raises(InputError, match="no place for nmae"):
        fill(prepared, {"to": "a@example.org", "date": "now", "name": "A", "nmae": "B"})


def test_header_values_cannot_break_out() -> None:
    """A malformed header value is an error that does not repeat it."""
    prepared = prepare(list(HeaderSlot), html="x", text="y")
    for name in ("to", "message_id", "date", "list_id", "unsubscribe_url"):
        bad = VALUES[name] + "\r\nBcc: secret@example.org"
        with pytest.raises(InputError) as caught:
            fill(prepared, {**VALUES, name: bad})
        assert "secret" not in str(caught.value)


def test_a_long_value_is_refused() -> None:
    """A person's value has a limit, and the error does not repeat it."""
    with pytest.raises(InputError, match="longer than 2000"):
        fill(prepare([], html="%%name%%", text="x"), {"name": "x" * 2001})


@pytest.mark.parametrize("bad", ["", " \r\n\t", "\ud800", "x" * 2_000_001])
def test_parts_that_are_no_mail_are_refused(bad: str) -> None:
    """Empty, broken and huge parts stop the mail when it is prepared."""
    with pytest.raises(InputError):
        prepare([], html=bad, text="x")
    with pytest.raises(InputError):
        prepare([], html="x", text=bad)


def test_the_same_content_gives_the_same_bytes() -> None:
    """Nothing random is in a prepared mail: its fingerprint can be approved."""
    first, second = (prepare([HeaderSlot.TO], html="%%name%%", text=ARMENIAN) for _ in range(2))
    assert first.to_bytes() == second.to_bytes()
    assert prepare([HeaderSlot.TO], html="%%name%%", text="x").to_bytes() != first.to_bytes()


def test_a_stored_mail_that_was_changed_is_refused() -> None:
    """Each flipped byte and each cut of the stored form is an error, never another mail."""
    stored = prepare([HeaderSlot.TO], html="%%name%%", text="Hello").to_bytes()
    for place in range(len(stored)):
        changed = bytearray(stored)
        changed[place] ^= 1
        with pytest.raises(StateError):
            PreparedMail.from_bytes(bytes(changed))
        with pytest.raises(StateError):
            PreparedMail.from_bytes(stored[:place])


def test_the_self_check_finds_a_wrong_encoding() -> None:
    """A mail that does not read back as its source is stopped before it is stored."""
    prepared = prepare([], html="Hello", text="There")
    check(prepared, html="Hello", text="There")
    with pytest.raises(StateError, match="HTML"):
        check(prepared, html="Other", text="There")
    for piece, sentence in (
        (b"X: " + b"y" * 999 + b"\r\n\r\n", "998"),
        (b"a\nb", "CRLF"),
        (b"\r\n\r\n.x\r\n", "wire"),
    ):
        broken = assembled([piece, *prepared.head, *prepared.body])
        with pytest.raises(StateError, match=sentence):
            check(broken, html="Hello", text="There")
    with pytest.raises(StateError, match="two parts"):
        check(assembled([b"A: b\r\n\r\nx\r\n"]), html="x", text="x")


@given(LINES)
def test_the_body_is_its_own_relaxed_form(text: str) -> None:
    """Quoted-printable has no trailing white space and no two spaces in a row (RFC 6376 3.4.4)."""
    encoded = encodings.qp_text(text)
    assert b"  " not in encoded
    assert b"\t" not in encoded
    assert not any(line.endswith(b" ") for line in encoded.split(b"\r\n"))
