"""Signatures as other people's verifiers judge them: dkimpy here, OpenDKIM in the integration tier."""

from __future__ import annotations

import base64
import datetime as dt
import re
import subprocess
import sys
from functools import cache

import dkim as dkimpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import ConfigError, InputError
from digest.mail.dkim import Signer, relaxed_body, relaxed_field
from digest.mail.message import build_digest, build_notice
from digest.mail.prepared import Filled, filled
from digest.mail.signing_key import Algorithm, SigningKey, load_key, make_private
from tests.servers.waiting import HANG
from tests.unit.mail.samples import ANY_TEXT, LINES, VALUES

NOW = dt.datetime(2026, 11, 23, 18, 56, 42, tzinfo=dt.UTC)
DOMAIN = "courier.example"
PLAIN = (
    b"From: The Courier <news@courier.example>\r\nTo: anahit@example.org\r\nSubject: Morning news\r\n"
    b"Date: Mon, 23 Nov 2026 18:56:42 +0000\r\nMessage-ID: <e1.a@courier.example>\r\n"
    b"List-Unsubscribe: <https://news.example.org/u/a>,\r\n <mailto:u@courier.example>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nX-Other: not signed\r\n"
    b"\r\nThe bridge opened on Monday.\r\n"
)


@cache
def key(algorithm: Algorithm) -> SigningKey:
    """One key of each kind for the whole module: making an RSA key takes a while."""
    return load_key(DOMAIN, f"d2026-{algorithm.value}", algorithm, make_private(algorithm))


def signed(message: bytes, *algorithms: Algorithm) -> bytes:
    signer = Signer([key(algorithm) for algorithm in algorithms or tuple(Algorithm)])
    return signer.sign(message, now=NOW) + message


def records() -> dict[str, str]:
    return {key(algorithm).record_name: key(algorithm).record for algorithm in Algorithm}


def is_valid(message: bytes, signature: int = 0) -> bool:
    """Whether dkimpy accepts a signature, counted from the top."""

    def text(name: bytes | str, timeout: int = 5) -> bytes:
        plain = name.decode() if isinstance(name, bytes) else name
        return records()[plain.rstrip(".")].encode()

    try:
        return bool(dkimpy.DKIM(message).verify(idx=signature, dnsfunc=text))
    except dkimpy.DKIMException:
        return False


def tags(field: bytes) -> dict[str, str]:
    """The tags of a DKIM-Signature field."""
    value = re.sub(rb"\s+", b"", field.partition(b":")[2]).decode()
    return dict(part.split("=", 1) for part in value.split(";") if part)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_signature_is_valid(algorithm: Algorithm) -> None:
    """What each kind of key signs, another implementation accepts."""
    assert is_valid(signed(PLAIN, algorithm))


def test_both_keys_sign_side_by_side() -> None:
    """Two keys make two fields, each valid by itself, so that a receiver may know only one of the kinds."""
    message = signed(PLAIN)
    assert message.count(b"DKIM-Signature:") == 2
    assert is_valid(message, 0)
    assert is_valid(message, 1)


def test_the_field_says_what_it_should() -> None:
    """Relaxed, a moment, no end and no length; all listed fields, and the four guarded ones once more."""
    field = Signer([key(Algorithm.RSA)]).sign(PLAIN, now=NOW)
    found = tags(field)
    assert set(found) == {"v", "a", "c", "d", "s", "t", "h", "bh", "b"}
    assert (found["v"], found["a"], found["c"]) == ("1", "rsa-sha256", "relaxed/relaxed")
    assert (found["d"], found["s"], found["t"]) == (DOMAIN, "d2026-rsa", str(int(NOW.timestamp())))
    assert found["h"].split(":") == [
        *("From", "From", "To", "To", "Subject", "Subject", "Date", "Date"),
        *("Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"),
    ]
    assert len(base64.b64decode(found["b"])) == 256


def test_every_header_of_a_digest_is_signed() -> None:
    """The one-click fields, the sender's and the list's, and the MIME ones: RFC 8058 and bulk rules."""
    mail = digest_mail("<p>Hello</p>", "Hello")
    names = (
        tags(Signer([key(Algorithm.RSA)]).sign_filled([mail], now=NOW)[0] + mail.head)["h"].lower().split(":")
    )
    assert set(names) == {
        *("from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type"),
        *("list-id", "list-unsubscribe", "list-unsubscribe-post", "list-help", "feedback-id"),
    }


def test_what_a_mail_follows_upon_is_signed_where_it_is_there() -> None:
    """A correction's thread cannot be changed on the way; any other mail pays nothing for it."""
    signer = Signer([key(Algorithm.ED25519)])
    ids = " ".join(f"<e{number}.{'a' * 20}@{DOMAIN}>" for number in range(1, 5))
    mails = [digest_mail("<p>Hello</p>", "Hello", follows_on=follows) for follows in (ids, "")]
    threaded, plain = (
        field + mail.head + b"".join(mail.body)
        for field, mail in zip(signer.sign_filled(mails, now=NOW), mails, strict=True)
    )
    names = tags(threaded[: threaded.index(b"\r\nFrom: ")])["h"].split(":")
    assert (names.count("In-Reply-To"), names.count("References")) == (1, 1)
    assert b"References" not in plain
    assert is_valid(threaded)
    assert is_valid(plain)
    for name in (b"In-Reply-To: ", b"References: "):
        assert threaded.count(b"\r\n" + name) == 1
        assert not is_valid(threaded.replace(b"\r\n" + name, b"\r\n" + name + b"<e9.other@x.example> "))
        assert not is_valid(threaded.replace(b"\r\n" + name, b"\r\nX-" + name))


def test_a_field_that_is_not_there_cannot_be_added() -> None:
    """The guarded fields are named even if they are missing."""
    message = signed(b"From: a@courier.example\r\n\r\nHello\r\n", Algorithm.ED25519)
    assert is_valid(message)
    assert not is_valid(message.replace(b"\r\n\r\nHello", b"\r\nSubject: added\r\n\r\nHello"))


@pytest.mark.parametrize("name", [b"From", b"To", b"Subject", b"Date", b"List-Unsubscribe-Post"])
@pytest.mark.parametrize("algorithm", Algorithm)
def test_another_header_is_noticed(algorithm: Algorithm, name: bytes) -> None:
    """A second From, To, Subject or Date in front, or any change of a signed field, breaks the signature."""
    message = signed(PLAIN, algorithm)
    if name != b"List-Unsubscribe-Post":
        assert not is_valid(message.replace(b"X-Other", name + b": other@example.org\r\nX-Other"))
    changed = re.sub(rb"\r\n(" + name + rb"): (.)", rb"\r\n\1: -\2", message, count=1)
    assert changed != message
    assert not is_valid(changed)


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    """Wherever a letter or digit of the body or of a signed header becomes another one."""
    message = signed(PLAIN, Algorithm.ED25519)
    start = message.index(b"From: The")
    ignored = range(message.index(b"X-Other"), message.index(b"\r\n\r\nThe"))
    places = [at for at in range(start, len(message)) if at not in ignored and message[at : at + 1].isalnum()]
    place = data.draw(st.sampled_from(places))
    assert is_valid(message)
    name = re.compile(rb"^[A-Za-z-]+:", re.MULTILINE)
    in_name = any(found.start() <= place < found.end() for found in name.finditer(message))
    changed = message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :]
    if not in_name:  # another name is another field, which the next test covers
        assert not is_valid(changed)


def test_a_renamed_header_is_noticed() -> None:
    """A signed field cannot be hidden under another name."""
    assert not is_valid(signed(PLAIN, Algorithm.ED25519).replace(b"List-Unsubscribe:", b"X-Unsubscribe:", 1))


def test_what_is_not_signed_may_be_added() -> None:
    """The way writes its own fields: those do no harm."""
    assert is_valid(b"Received: from a by b\r\n" + signed(PLAIN, Algorithm.ED25519))


ODD_LINES = st.lists(
    st.one_of(
        st.sampled_from((b"", b" ", b"\t", b" \t ", b"a  b", b"a\t b ", b".", b"..", b"--x", b"x" * 900)),
        st.binary(max_size=40).map(lambda raw: re.sub(rb"[\r\n]", b"", raw)),
    ),
    max_size=12,
)
# On the wire the last line has its end; where it has none, dkimpy leaves white space there.
BODIES = st.one_of(
    ODD_LINES.map(lambda lines: b"".join(line + b"\r\n" for line in lines)),
    ODD_LINES.map(lambda lines: b"\r\n".join(lines).rstrip(b" \t")),
)
# dkimpy takes \v and \f for white space, which RFC 6376 does not; neither belongs in a header.
VALUES_OF_FIELDS = st.lists(
    st.one_of(
        st.sampled_from((" ", "  ", "\t", " \t", "\r\n ", "\r\n\t", "\r\n  ", ":", ";", "=")),
        st.text(
            st.characters(min_codepoint=33, max_codepoint=1500, exclude_characters="\x85\xa0"), min_size=1
        ),
    ),
    max_size=8,
).map(lambda parts: "".join(parts).encode())
NAMES = st.sampled_from(
    (
        "From",
        "TO",
        "subject",
        "Date",
        "Message-ID",
        "Reply-To",
        "X-Other",
        "List-Id",
        "Content-Type",
        "In-Reply-To",
        "References",
        "Sender",
    )
)


@given(st.lists(st.tuples(NAMES, VALUES_OF_FIELDS), max_size=8), BODIES, st.sampled_from(list(Algorithm)))
def test_any_message_is_signed_right(
    fields: list[tuple[str, bytes]], body: bytes, algorithm: Algorithm
) -> None:
    """Odd white space, folds, repeated fields, empty lines at the end, a body without a line end."""
    head = b"From: a@courier.example\r\n" + b"".join(b"%b:%b\r\n" % (n.encode(), v) for n, v in fields)
    assert is_valid(signed(head + b"\r\n" + body, algorithm))


@given(st.lists(st.tuples(NAMES, VALUES_OF_FIELDS), max_size=8), st.data())
def test_a_head_in_pieces_is_signed_as_in_one(fields: list[tuple[str, bytes]], data: st.DataObject) -> None:
    """However it is cut between fields, whatever others have in common with it, and also the second time."""
    lines = [b"From: a@courier.example\r\n", *(b"%b:%b\r\n" % (n.encode(), v) for n, v in fields)]
    pieces = [b""]
    for line in lines:
        if data.draw(st.booleans()):
            pieces.append(b"")
        pieces[-1] += line
    pieces[-1] += b"\r\n"
    shared = tuple(at for at in range(len(pieces)) if data.draw(st.booleans()))
    name, value = data.draw(st.tuples(NAMES, VALUES_OF_FIELDS))
    other = [*pieces]
    for at in {*range(len(pieces) - 1)}.difference(shared):
        other[at] = b"%b:%b\r\n" % (name.encode(), value)
    heads = [pieces, other, pieces]
    signer = Signer([key(Algorithm.ED25519)])
    whole = [signer.sign(b"".join(head) + b"Text.\r\n", now=NOW) for head in heads]
    mails = [Filled(b"".join(head), [b"Text.\r\n"], head, shared) for head in heads]
    assert signer.sign_filled(mails, now=NOW) == whole


@pytest.mark.parametrize(
    "field",
    [
        b"To: Anahit  Sarian <a@mail1.test>",
        b"To:  a@mail1.test",
        b"To:\ta@mail1.test",
        b"To: a@mail1.test ",
        b"To: Anahit\r\n <a@mail1.test>",
        b"To: Anahit\r\n\t<a@mail1.test>",
        b"To : a@mail1.test",
        b"TO:a@mail1.test",
        b"Message-ID: <e1.abc@courier.example>",
        b"To: a@mail1.test\r\nTo: b@mail1.test",
    ],
)
def test_a_personal_field_of_its_own_is_signed_as_among_others(field: bytes) -> None:
    """The quick way is taken only for those that are in relaxed form already but for their name."""
    usual, odd = (
        [b"From: news@courier.example\r\n", each + b"\r\n", b"Subject: News\r\n\r\n"]
        for each in (b"To: Anahit <a@mail1.test>", field)
    )
    signer = Signer([key(Algorithm.ED25519)])
    mails = [Filled(b"".join(head), [b"Text.\r\n"], head, (0, 2)) for head in (usual, odd, usual)]
    assert signer.sign_filled(mails, now=NOW) == [
        signer.sign(mail.head + b"Text.\r\n", now=NOW) for mail in mails
    ]


def test_heads_of_other_shapes_are_not_taken_for_alike() -> None:
    """Also where all that they share with others is the same."""
    start, to, own_id = b"From: a@x.example\r\n", b"To: b@y.example\r\n", b"Message-ID: <a@x.example>\r\n"
    end = b"Subject: News\r\n\r\n"
    shapes = (
        ((start, to, end), (0, 2)),
        ((start, to, own_id, end), (0, 3)),
        ((start, end, to), (0, 1)),
        ((own_id, to + start, end), (0, 2)),
        ((own_id, to, end), (0, 2)),
    )
    signer = Signer([key(Algorithm.ED25519)])
    for head, shared in shapes:
        mail = Filled(b"".join(head), [b"Hello\r\n"], list(head), shared)
        assert signer.sign_filled([mail], now=NOW) == [
            Signer([key(Algorithm.ED25519)]).sign_filled([mail], now=NOW)[0]
        ]


def digest_mail(html: str, text: str, *, follows_on: str | None = None) -> Filled:
    prepared = build_digest(
        from_name="The Courier",
        from_address="news@courier.example",
        subject="Առավոտ, morning news",
        html=html,
        text=text,
        reply_to="editor@courier.example",
        list_help="https://courier.example/help",
        feedback_id="1:daily:bulk:courier",
        follows_on=follows_on is not None,
    )
    more = {} if follows_on is None else {"follows_on": follows_on}
    return filled(prepared, {**VALUES, **more, "name": "Anahit  P. ", "to_name": "Անահիտ"})


@given(LINES, ANY_TEXT)
def test_our_mails_are_in_relaxed_form_already(text: str, html: str) -> None:
    """So that the quick way may be taken: it gives the very same signature."""
    mail = digest_mail(f"<p>{html}</p>%%name%% %%unsubscribe_url%%", f"{text}.\n%%name%%\n")
    body = b"".join(mail.body)
    assert relaxed_body(body) is body
    message = mail.head + body
    quick = Signer([key(Algorithm.ED25519)]).sign_filled([mail], now=NOW)[0] + message
    assert quick == signed(message, Algorithm.ED25519)
    assert is_valid(quick)


def test_a_notice_is_signed_right() -> None:
    """Single mails come from the same encoder."""
    notice = build_notice(
        from_name="The Courier",
        from_address="news@courier.example",
        to="anahit@example.org",
        subject="Welcome",
        html="<p>Welcome  \t there</p>",
        text="Welcome  \t there \n",
        date=VALUES["date"],
        message_id="<n1.abc@courier.example>",
    )
    assert is_valid(signed(notice, Algorithm.RSA))


@given(BODIES)
def test_the_relaxed_body_is_found_once(body: bytes) -> None:
    """What is relaxed already comes back as the same object; relaxing twice changes nothing."""
    once = relaxed_body(body)
    assert relaxed_body(once) == once
    assert b"  " not in once
    assert b"\t" not in once
    assert not re.search(rb" \r\n", once)
    assert once == b"" or (once.endswith(b"\r\n") and not once.endswith(b"\r\n\r\n"))


def test_the_examples_of_the_standard() -> None:
    """RFC 6376 section 3.4.5: the relaxed forms of its example."""
    assert relaxed_field(b"A: X") == b"a:X"
    assert relaxed_field(b"B : Y\t\r\n\tZ  ") == b"b:Y Z"
    assert relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"


@given(st.from_regex(r"[a-z]{1,60}\.[a-z]{2,60}\.example", fullmatch=True), st.integers(0, 4))
def test_lines_are_short(domain: str, froms: int) -> None:
    """No line of the field is longer than 76 characters, and a line that goes on begins with a space."""
    one = SigningKey(domain, "d" * 20, Algorithm.RSA, key(Algorithm.RSA).private)
    field = Signer([one]).sign(b"From: a@x.example\r\n" * froms + PLAIN, now=NOW)
    assert field.endswith(b"\r\n")
    lines = field.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 76 or len(domain) > 70
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert field.count(b"\n") == field.count(b"\r") == field.count(b"\r\n")


def test_many_layouts_are_not_kept_for_ever() -> None:
    """A signer stays small, whatever mails it meets."""
    signer = Signer([key(Algorithm.ED25519)])
    for froms in range(90):
        for other in (b"", b"List-Id: <a.b>\r\n"):
            signer.sign(b"From: a\r\n" * froms + other + b"X-%d: a\r\n\r\nHello\r\n" % froms, now=NOW)
    assert sys.getsizeof(signer._stamps[0]._layouts) < 10_000


def test_many_heads_are_not_kept_for_ever() -> None:
    """What heads have in common is forgotten in time."""
    signer = Signer([key(Algorithm.ED25519)])
    for number in range(200):
        head = [b"From: a@x.example\r\n", b"To: b@y.example\r\n", b"Subject: %d\r\n\r\n" % number]
        signer.sign_filled([Filled(b"".join(head), [b"Hello\r\n"], head, (0, 2))], now=NOW)
    assert len(signer._heads._plans) <= 64


@pytest.mark.parametrize(
    "message",
    [
        b"no field\r\n\r\nHello\r\n",
        b" From: a\r\n\r\nHello\r\n",
        b"From: a\r\nno field\r\n",
        b"X: " + b"From: a\r\nFrom: a\r\n" * 60 + b"\r\nHello\r\n",
    ],
)
def test_what_is_no_mail_is_refused(message: bytes) -> None:
    """One sentence, and no signature over something else than what a receiver will see."""
    with pytest.raises(InputError, match=r"sign"):
        Signer([key(Algorithm.ED25519)]).sign(message, now=NOW)


@pytest.mark.parametrize("message", [b"From: a@courier.example\r\n", b"From: a@courier.example\r\n\r\n"])
def test_a_mail_may_have_no_body(message: bytes) -> None:
    """The hash of nothing is signed."""
    assert is_valid(signed(message, Algorithm.ED25519))


def test_a_signer_needs_keys_of_one_domain() -> None:
    """Each domain has its own."""
    with pytest.raises(ConfigError, match="no key"):
        Signer([])
    other = SigningKey("other.example", "x", Algorithm.RSA, key(Algorithm.RSA).private)
    with pytest.raises(ConfigError, match="one domain"):
        Signer([key(Algorithm.RSA), other])


def test_a_worker_that_does_not_sign_loads_no_cryptography() -> None:
    """The library costs memory in each worker child: it is loaded with the first key."""
    code = (
        "import sys, digest.mail.dkim\n"
        "print([name for name in sys.modules if name.startswith('cryptography')])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=HANG
    )
    assert said.stdout.strip() == "[]"
