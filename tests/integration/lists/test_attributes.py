"""Typed attributes: checked by their kind, and shown in mails with what stands there for nobody's value."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.deliveries.people import people_of, with_attributes
from digest.deliveries.write import Writer
from digest.editions.encode import encode_mail
from digest.errors import InputError, NotFoundError, StateError
from digest.lists.attributes import (
    add_attribute,
    attribute_named,
    remove_attribute,
    set_attribute,
    set_values,
)
from digest.lists.in_mails import personal_of, shown_value
from digest.lists.segments import add_segment
from digest.mail.placeholders import Fallback
from digest.mail.prepared import PreparedMail
from digest.models import AttributeKind, Delivery, Digest, Subscriber
from tests.factories import make_digest, make_subscriber
from tests.factories.moments import NOW
from tests.integration.planned import PUBLIC_URL, make_desk

ACTOR = "cli:test"
KINDS = {kind.value: kind for kind in AttributeKind}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "  Ereván  5 ", "Ereván 5"),
        ("number", "12", 12.0),
        ("number", "1,5", 1.5),
        ("date", "2027-01-15", "2027-01-15"),
        ("yes_no", "Yes", True),
        ("yes_no", "0", False),
    ],
)
def test_a_value_is_kept_by_its_kind(database: Database, kind: str, text: str, value: object) -> None:
    """What comes as text is kept as what it is; an empty text takes it away."""
    with database.write() as session:
        add_attribute(session, "thing", kind=KINDS[kind], actor=ACTOR, now=NOW)
        person = make_subscriber(session)
        assert set_values(session, person, {"thing": text}) == ["thing"]
        assert set_values(session, person, {"thing": text}) == []
        person_id = person.id
    with database.write() as session:
        found = session.get_one(Subscriber, person_id)
        assert found.attributes == {"thing": value}
        assert type(found.attributes["thing"]) in (type(value), int)
        set_values(session, found, {"thing": " "})
        assert found.attributes == {}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("number", "nan"),
        ("number", "inf"),
        ("number", "1e300"),
        ("number", "twelve"),
        ("date", "15.1.2027"),
        ("date", "2027-02-30"),
        ("yes_no", "perhaps"),
        ("text", "x" * 501),
    ],
)
def test_a_value_of_another_kind_is_refused(database: Database, kind: str, text: str) -> None:
    """With the attribute's name and its kind, not with what was said."""
    with database.write() as session:
        add_attribute(session, "thing", kind=KINDS[kind], actor=ACTOR, now=NOW)
        person = make_subscriber(session)
        with pytest.raises(InputError, match="thing"):
            set_values(session, person, {"thing": text})
        with pytest.raises(NotFoundError):
            set_values(session, person, {"other": "x"})
        assert person.attributes == {}


def test_an_attribute_that_is_named_somewhere_stays(database: Database) -> None:
    """In a rule, or in a digest's words; else it goes with everybody's value."""
    with database.write() as session:
        digest = make_digest(session, intro="Good morning, %%attribute_city%%!")
        city = add_attribute(session, "city", kind=AttributeKind.TEXT, actor=ACTOR, now=NOW)
        add_attribute(session, "cit", kind=AttributeKind.TEXT, actor=ACTOR, now=NOW)
        person, other = make_subscriber(session), make_subscriber(session)
        set_values(session, person, {"city": "Yerevan", "cit": "x"})
        with pytest.raises(StateError, match="words"):
            remove_attribute(session, city, actor=ACTOR, now=NOW)
        digest.intro = ""
        rule = '{"not": {"attribute": {"name": "city", "set": true}}}'
        made = add_segment(session, digest, name="some", title="", rule=rule, actor=ACTOR, now=NOW)
        with pytest.raises(StateError, match="segment some"):
            remove_attribute(session, city, actor=ACTOR, now=NOW)
        session.delete(made)
        session.flush()
        assert remove_attribute(session, city, actor=ACTOR, now=NOW) == 1
        session.expire_all()
        assert person.attributes == {"cit": "x"}
        assert other.attributes == {}
        with pytest.raises(NotFoundError, match="there are: cit"):
            attribute_named(session, "city")


def test_names_and_fallbacks_are_checked(database: Database) -> None:
    """A name is a placeholder's part; a second one of the same name is refused."""
    with database.write() as session:
        for name in ("", "City", "1st", "a-b", "x" * 30, "a%%b"):
            with pytest.raises(InputError):
                add_attribute(session, name, kind=AttributeKind.TEXT, actor=ACTOR, now=NOW)
        made = add_attribute(session, "city", kind=AttributeKind.TEXT, actor=ACTOR, now=NOW)
        set_attribute(session, made, fallback="your\ncity", title="", actor=ACTOR, now=NOW)
        assert (made.fallback, made.title) == ("your city", "city")
        with pytest.raises(InputError, match="already"):
            add_attribute(session, "city", kind=AttributeKind.DATE, actor=ACTOR, now=NOW)


def test_values_are_written_as_readers_write_them() -> None:
    """A date in words, yes or no in the digest's language, a whole number without a point."""
    assert shown_value("2027-01-15", "date", "en") == "January 15, 2027"
    assert "2027" in shown_value("2027-01-15", "date", "hy")
    assert shown_value(True, "yes_no", "hy") == "այո"
    assert shown_value(False, "yes_no", "en") == "no"
    assert (shown_value(5.0, "number", "en"), shown_value(1990.5, "number", "en")) == ("5", "1990.5")
    for kind in KINDS:
        assert not shown_value(None, kind, "en")
    assert shown_value("Yerevan", "number", "en") == shown_value("soon", "date", "en") == ""


def test_the_words_of_a_digest_find_their_fallbacks(database: Database) -> None:
    """Only those that it holds; one that names no attribute is not among them."""
    with database.write() as session:
        add_attribute(session, "city", kind=AttributeKind.TEXT, fallback="your city", actor=ACTOR, now=NOW)
        add_attribute(session, "age", kind=AttributeKind.NUMBER, actor=ACTOR, now=NOW)
        digest = make_digest(session, language="hy", intro="%%name%%!", sign_off="To %%attribute_city%%")
        assert personal_of(session, digest) == (
            ("name", "text", "Սիրելի ընթերցող"),
            ("attribute_city", "text", "your city"),
        )
        plain = make_digest(session, intro="Good morning")
        assert personal_of(session, plain) == ()
        wrong = make_digest(session, intro="%%attribute_shoe%%")
        assert personal_of(session, wrong) == ()


def test_each_mail_has_its_persons_values_or_the_fallback(database: Database, tmp_path: Path) -> None:
    """Escaped in the HTML; attributes are read only if a mail names one."""
    desk = make_desk(database, tmp_path)
    known, unknown = desk.add_people(2)
    with database.write() as session:
        add_attribute(session, "city", kind=AttributeKind.TEXT, actor=ACTOR, now=NOW)
        person = session.get_one(Subscriber, known)
        person.name = "Ani"
        set_values(session, person, {"city": "Rock & <Roll>"})
        digest = session.get_one(Digest, desk.cadence.digest_id)
        fallbacks = [
            Fallback("name", "text", "Dear reader"),
            Fallback("attribute_city", "text", "your city"),
            Fallback("attribute_age", "number", "nobody asks"),
        ]
        words = "%%name%%, what is new in %%attribute_city%%?"
        mail = encode_mail(
            digest,
            subject="A bridge is mended",
            html=f"<p>{words}</p><a href='%%unsubscribe_url%%'>Sign off</a>",
            text=f"{words}\n%%unsubscribe_url%%\n",
            fallbacks=fallbacks,
        )
    assert mail.fallbacks == tuple(fallbacks[:2])
    assert PreparedMail.from_bytes(mail.to_bytes()) == mail
    assert _wanted(database, desk.made, desk.sending(NOW)) is False
    desk = dataclasses.replace(desk, mail=mail)
    edition_id = desk.sending(NOW + dt.timedelta(minutes=1))
    assert _wanted(database, desk.made, edition_id) is True
    writer = Writer(database, desk.made, PUBLIC_URL)
    with database.read() as session:
        batch_id = desk.batches(edition_id)[0].id
        people = with_attributes(session, people_of(session, edition_id, batch_id, [known, unknown]))
    texts = [_read(b"".join(one.pieces)) for one in writer.envelopes(people, now=NOW)]  # type: ignore[union-attr]
    assert "Ani, what is new in Rock & <Roll>?" in texts[0]
    assert "<p>Ani, what is new in Rock &amp; &lt;Roll&gt;?</p>" in texts[0]
    assert "<p>Dear reader, what is new in your city?</p>" in texts[1]


def _read(raw: bytes) -> str:
    """Both parts of a mail, decoded."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return "".join(part.get_content() for part in message.walk() if part.get_content_maintype() == "text")


def _wanted(database: Database, made: object, edition_id: int) -> bool:
    """Whether a worker would read attributes for an edition's people."""
    writer = Writer(database, made, PUBLIC_URL)  # type: ignore[arg-type]
    with database.read() as session:
        rows = session.execute(
            sa.select(Delivery.batch_id, Delivery.subscriber_id).where(Delivery.edition_id == edition_id)
        ).all()
        people = people_of(session, edition_id, rows[0].batch_id, [row.subscriber_id for row in rows])
    return writer.wants_attributes(people)
