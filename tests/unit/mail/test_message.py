from __future__ import annotations

import itertools
from email.parser import BytesParser
from email.policy import compat32, default

import pytest

from digest.errors import InputError
from digest.mail.message import build_digest, build_notice
from digest.mail.placeholders import PreparedMail, fill
from tests.unit.mail.samples import VALUES
from tests.unit.mail.test_headers import PAYLOADS

ORDER = [
    "From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Id", "List-Unsubscribe",
    "List-Unsubscribe-Post", "List-Help", "Feedback-ID", "Auto-Submitted", "Precedence", "MIME-Version",
    "Content-Type",
]  # fmt: skip


def digest(**changes: str | bool) -> PreparedMail:
    return build_digest(
        **{
            "from_name": "Արև",
            "from_address": "digest@news.example.org",
            "subject": "Այսօր՝ Today",
            "html": '<p>%%name%%</p><a href="%%unsubscribe_url%%">leave</a>',
            "text": "%%name%%\n%%unsubscribe_url%%\n",
            "reply_to": "editor@example.org",
            "list_help": "https://example.org/newsletters/",
            "feedback_id": "2026w47:daily:bulk:exnews",
        }
        | changes
    )


def test_a_digest_has_its_headers_once_and_in_order() -> None:
    """One field of each kind, in the order that is fixed, with the person's values in theirs."""
    raw = fill(
        digest(), VALUES | {"name": "Ani", "unsubscribe_mailto": "mailto:u@example.org", "list_name": "Daily"}
    )
    message = BytesParser(policy=default).parsebytes(raw)
    assert message.keys() == ORDER
    assert message["To"] == "anahit@example.org"
    assert str(message["From"]) == "Արև <digest@news.example.org>"
    assert message["Subject"] == "Այսօր՝ Today"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"List-Unsubscribe: <{VALUES['unsubscribe_url']}>,\r\n <mailto:u@example.org>\r\n".encode() in raw
    assert b'List-Id: "Daily" <daily.example.org>\r\n' in raw
    assert b"Auto-Submitted: auto-generated\r\nPrecedence: bulk\r\n" in raw


def test_optional_headers_may_be_left_out() -> None:
    """Reply-To, List-Help and Feedback-ID are there only if they say something."""
    raw = fill(digest(reply_to="", list_help="", feedback_id=""), VALUES | {"name": "Ani"})
    message = BytesParser(policy=default).parsebytes(raw)
    assert message.keys() == [name for name in ORDER if name not in ("Reply-To", "List-Help", "Feedback-ID")]


def test_a_mail_that_follows_on_another_names_it() -> None:
    """In-Reply-To the last, References all (RFC 5322 3.6.4); a copy that follows on nothing has neither."""
    mail = digest(follows_on=True)
    assert PreparedMail.from_bytes(mail.to_bytes()) == mail
    ids = [f"<e{number}.{'a' * 20}@news.example.org>" for number in (1, 2)]
    named = VALUES | {"name": "Ani", "follows_on": " ".join(ids)}
    message = BytesParser(policy=default).parsebytes(fill(mail, named))
    assert message["In-Reply-To"] == ids[1]
    assert message["References"].split() == ids
    assert len(message.keys()) == len(set(message.keys())) == len(ORDER) + 2
    assert BytesParser().parsebytes(fill(mail, named | {"follows_on": ""})).keys() == ORDER
    with pytest.raises(InputError, match="no value for follows_on"):
        fill(mail, VALUES | {"name": "Ani"})
    for wrong in ("x", "<a@b> <c", "<a@b>\r\nBcc: x", " <a@b>", "<a@b>,<c@d>", " ".join(ids * 6)):
        with pytest.raises(InputError):
            fill(mail, named | {"follows_on": wrong})


def test_two_people_get_the_same_bytes_but_for_their_values() -> None:
    """What differs between two copies is the persons' values and nothing else."""
    prepared = digest()
    first = {**VALUES, "to": "first@example.org", "name": "First-canary"}
    second = {**VALUES, "to": "other@example.org", "name": "Other-canary"}
    one, two = fill(prepared, first), fill(prepared, second)
    assert b"First" not in two
    assert b"first@" not in two
    assert one.replace(b"first@", b"other@").replace(b"First-canary", b"Other-canary") == two


@pytest.mark.parametrize("field", ["subject", "from_name"])
def test_no_payload_makes_a_header(field: str) -> None:
    """The corpus of injections changes the value of its own header only."""
    for payload in itertools.islice(PAYLOADS, 0, None, 9):
        raw = fill(digest(**{field: payload}), VALUES | {"name": "Ani"})
        for policy in (compat32, default):
            assert BytesParser(policy=policy).parsebytes(raw, headersonly=True).keys() == ORDER, payload


def test_no_list_name_makes_a_header() -> None:
    """The same for the one text that comes in at the filling."""
    prepared = digest()
    for payload in PAYLOADS:
        raw = fill(prepared, VALUES | {"name": payload, "list_name": payload, "to_name": payload})
        assert BytesParser(policy=default).parsebytes(raw, headersonly=True).keys() == ORDER, payload


def test_a_subject_holds_no_placeholder() -> None:
    """A subject is not filled, so a gap in it would reach the readers."""
    with pytest.raises(InputError, match="subject"):
        digest(subject="Good morning, %%name%%")


def test_a_notice_is_a_whole_mail_and_not_bulk() -> None:
    """A notice names its one reader, is marked as automatic, and carries no list headers."""
    raw = build_notice(
        from_name="The Paper",
        from_address="digest@news.example.org",
        to="ani@example.org",
        to_name="Ani",
        subject="Please confirm",
        html="<p>Confirm</p>",
        text="Confirm",
        date=VALUES["date"],
        message_id="<n1.abc@example.org>",
        reply_to="editor@example.org",
    )
    message = BytesParser(policy=default).parsebytes(raw)
    assert message.keys() == [
        "From", "To", "Subject", "Date", "Message-ID", "Reply-To", "Auto-Submitted", "MIME-Version",
        "Content-Type",
    ]  # fmt: skip
    assert str(message["To"]) == "Ani <ani@example.org>"
    assert message.get_body(("plain",)).get_content() == "Confirm"


def test_a_notice_with_a_placeholder_is_refused() -> None:
    """A notice is about one person from the start: a gap in it is a mistake of its template."""
    with pytest.raises(InputError, match="name"):
        build_notice(
            from_name="",
            from_address="a@example.org",
            to="b@example.org",
            subject="x",
            html="%%name%%",
            text="x",
            date=VALUES["date"],
            message_id="<n1.abc@example.org>",
        )
