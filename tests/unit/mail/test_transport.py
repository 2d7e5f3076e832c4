from __future__ import annotations

import smtplib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import ConfigError, InputError, UnreachableError
from digest.mail.replies import ProtocolError, ReplyReader, Stage, outcome_of, parse_reply
from digest.mail.transport import Endpoint, Envelope, Outcome, Reply, Security, wire_form

WIRE_LINES = st.lists(st.sampled_from([b"", b".", b"..", b".a", b"a.", b"x" * 998]), max_size=8)


@given(WIRE_LINES)
def test_wire_form_doubles_leading_dots(lines: list[bytes]) -> None:
    """The standard library's own doubling gives the same bytes, and undoing it gives the message."""
    message = b"".join(line + b"\r\n" for line in [b"A: b", *lines])
    wire = wire_form(message)
    assert wire == smtplib._quote_periods(message)
    assert (b"\r\n" + wire).replace(b"\r\n..", b"\r\n.")[2:] == message


def test_wire_form_doubles_a_dot_at_the_very_start() -> None:
    """The first line is a line like any other."""
    assert wire_form(b".a\r\n.\r\n") == b"..a\r\n..\r\n"


@pytest.mark.parametrize(
    "message",
    [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n\n", b"a", b"", b"a\r\n.\n", b"a\r\n.\r", b"x" * 999 + b"\r\n"],
)
def test_wire_form_refuses_what_servers_would_repair(message: bytes) -> None:
    """Bare line ends (smuggling), an open end and overlong lines do not leave the house."""
    with pytest.raises(InputError):
        wire_form(message)


@given(st.lists(st.sampled_from([0, 1, 500, 996, 997, 998, 999, 1000, 3000]), min_size=1, max_size=6))
def test_wire_form_measures_every_line(lengths: list[int]) -> None:
    """A line of 998 bytes passes and one of 999 does not, wherever it stands."""
    message = b"".join(b"x" * length + b"\r\n" for length in lengths)
    if max(lengths) <= 998:
        assert wire_form(message) == message
    else:
        with pytest.raises(InputError, match="998"):
            wire_form(message)


def test_endpoint_shows_no_secrets() -> None:
    """Neither user nor password is in its text form."""
    endpoint = Endpoint(host="mail.example.org", port=587, username="digest", password="hunter22")
    assert "hunter22" not in repr(endpoint)
    assert "digest" not in repr(endpoint)


def test_a_password_needs_tls() -> None:
    """A password is not sent in the open, except within the machine."""
    with pytest.raises(ConfigError, match="TLS"):
        Endpoint(host="mail.example.org", port=25, security=Security.NONE, username="u", password="p")
    for host in ("127.0.0.1", "::1", "localhost"):
        Endpoint(host=host, port=25, security=Security.NONE, username="u", password="p")
    with pytest.raises(ConfigError, match="host name"):
        Endpoint(host="mail.example.org", port=25, helo="a\r\nb")


@pytest.mark.parametrize(
    "address", ["a@b.org> X", "a\r\nRCPT TO:<b@c.org>", "", "no-domain", "a@b.org\n", "a b@c.org"]
)
def test_envelope_refuses_addresses_that_are_commands(address: str) -> None:
    """No address can end its command and begin another (smtplib's own hole, cpython 87290)."""
    with pytest.raises(InputError):
        Envelope(sender="a@example.org", recipient=address, message=b"")
    if address:
        with pytest.raises(InputError):
            Envelope(sender=address, recipient="a@example.org", message=b"")


def test_envelope_wants_smtputf8_marked() -> None:
    """An address that is not ASCII is not sent to a server by mistake; nothing of it is in the text form."""
    with pytest.raises(InputError, match="SMTPUTF8"):
        Envelope(sender="", recipient="josé@example.org", message=b"")
    envelope = Envelope(sender="", recipient="josé@example.org", message=b"", needs_smtputf8=True)
    assert "example" not in repr(envelope)


def replies_of(data: bytes, *, step: int) -> list[tuple[int, tuple[str, ...]]]:
    reader, found = ReplyReader(), []
    for at in range(0, len(data), step):
        reader.feed(data[at : at + step])
        while (reply := reader.next_lines()) is not None:
            found.append(reply)
    assert reader.is_empty
    return found


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_replies_are_cut_from_the_stream_however_it_arrives(step: int) -> None:
    """Pieces of any size give the same replies, and several may come at once."""
    data = b"250-first\r\n250-\r\n250 last\r\n354\r\n550 5.1.1 no \xff\r\n"
    assert replies_of(data, step=step) == [
        (250, ("first", "", "last")),
        (354, ("",)),
        (550, ("5.1.1 no \ufffd",)),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"250-a\r\n550 b\r\n",
        b"99 x\r\n",
        b"150 x\r\n",
        b"250" + b" " + b"x" * 5000,
        b"250-x\r\n" * 300,
        b"250_x\r\n",
        b"\r\n",
    ],
)
def test_what_is_no_smtp_is_an_error(data: bytes) -> None:
    """Another protocol, mixed codes, endless lines and endless replies end the connection."""
    reader = ReplyReader()
    reader.feed(data)
    with pytest.raises(ProtocolError) as caught:
        reader.next_lines()
    assert isinstance(caught.value, UnreachableError)


@given(st.binary(max_size=300))
def test_any_bytes_give_replies_or_our_error(data: bytes) -> None:
    """A server's bytes never raise anything else."""
    reader = ReplyReader()
    reader.feed(data)
    try:
        while (found := reader.next_lines()) is not None:
            assert 200 <= found[0] <= 599
            parse_reply(*found)
    except ProtocolError:
        pass


@pytest.mark.parametrize(
    ("code", "lines", "expected"),
    [
        (550, ("5.1.1 no such user",), Reply(550, "5.1.1", "no such user")),
        (550, ("5.7.1 first", "5.7.1 second"), Reply(550, "5.7.1", "first second")),
        (250, ("ok",), Reply(250, "", "ok")),
        (550, ("4.1.1 odd",), Reply(550, "", "4.1.1 odd")),
        (450, ("4.2.1",), Reply(450, "4.2.1", "")),
        (
            550,
            ("<bob@example.org>: user bob@mail.example.org unknown",),
            Reply(550, "", "<***@***>: user ***@*** unknown"),
        ),
        (250, ("a\x00\u202eb\x1b[31m",), Reply(250, "", "ab[31m")),
        (554, ("x" * 2000,), Reply(554, "", "x" * 300)),
    ],
)
def test_parse_reply(code: int, lines: tuple[str, ...], expected: Reply) -> None:
    """Enhanced codes of the reply's class are taken out; texts are cleaned, cut and without addresses."""
    assert parse_reply(code, lines) == expected


@pytest.mark.parametrize(
    ("stage", "code", "outcome"),
    [
        (Stage.CONNECT, 554, Outcome.UNSENT),
        (Stage.CONNECT, 421, Outcome.UNSENT),
        (Stage.MAIL, 550, Outcome.UNSENT),
        (Stage.MAIL, 451, Outcome.UNSENT),
        (Stage.RCPT, 550, Outcome.REFUSED),
        (Stage.RCPT, 450, Outcome.DEFERRED),
        (Stage.RCPT, 452, Outcome.DEFERRED),
        (Stage.RCPT, 421, Outcome.UNSENT),
        (Stage.RCPT, 354, Outcome.UNSENT),
        (Stage.DATA, 554, Outcome.REFUSED),
        (Stage.DATA, 451, Outcome.DEFERRED),
        (Stage.DATA, 250, Outcome.UNSENT),
        (Stage.DATA, 421, Outcome.UNSENT),
        (Stage.DOT, 250, Outcome.ACCEPTED),
        (Stage.DOT, 252, Outcome.ACCEPTED),
        (Stage.DOT, 550, Outcome.REFUSED),
        (Stage.DOT, 452, Outcome.DEFERRED),
        (Stage.DOT, 421, Outcome.UNSENT),
        (Stage.DOT, 354, Outcome.UNKNOWN),
    ],
)
def test_outcome_of(stage: Stage, code: int, outcome: Outcome) -> None:
    """Only RCPT, DATA and the dot speak of a person; 421 and the rest count against the host."""
    assert outcome_of(stage, Reply(code, "", "")) is outcome
