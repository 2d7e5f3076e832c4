"""A house in which every stored text is hostile: whatever column of text there is, of whatever table.

The columns are read from the models. A new one is filled by itself; if a page cannot bear that, because what
is in it was checked when it was written, it is named in `CHECKED`, with why.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.accounts.rights import Of
from digest.accounts.sessions import open_session
from digest.config import Settings
from digest.db import Base, Database
from digest.db.types import UtcDateTime
from digest.feeds.sanitise import sanitise
from digest.models import (
    AccountRole,
    Delivery,
    Digest,
    Edition,
    EditionState,
    MailingList,
    Reason,
    Transport,
)
from tests.factories import make_account, make_cadence
from tests.factories.moments import NOW
from tests.integration.newsroom import Newsroom, make_newsroom
from tests.integration.web.desk.things import make_things
from tests.integration.web.doors import DOORS, make_house
from tests.integration.web.rows import make_edition

MARK: Final = "xq7"
CORPUS: Final[dict[str, list[str]]] = json.loads(
    Path(__file__).with_name("xss_corpus.json").read_text(encoding="utf-8")
)
PAYLOADS: Final = [payload for payloads in CORPUS.values() for payload in payloads]

# Whole columns that nobody types, by how their names end.
_OURS: Final = ("_hash", "_key", "fingerprint", "public_id", "salt", "commitment", "secret_name", "boot_id")
_NAME, _LANGUAGE, _ZONE = "a name for commands and addresses", "a language tag", "a time zone"
_ADDRESS = "an address that was parsed"
_CODE, _PARSED = "a word of ours", "parsed when it was written, and again when it is read"
_MADE = "made by the rendering, of hostile words"
# Columns that hostile words cannot be in, with what they hold.
CHECKED: Final[dict[str, str]] = {
    "accounts.address": _ADDRESS,
    "accounts.language": _LANGUAGE,
    "accounts.totp_offered": "a secret of ours",
    "accounts.totp_secret": "a secret of ours",
    "accounts.zone": _ZONE,
    "attributes.name": _NAME,
    "cadence_dates.local": _PARSED,
    "cadences.cron": _PARSED,
    "cadences.preset": _PARSED,
    "cadences.rules": _PARSED,
    "cadences.zone": _ZONE,
    "consent_texts.language": _LANGUAGE,
    "digests.home_url": _PARSED,
    "digests.language": _LANGUAGE,
    "digests.look": _PARSED,
    "digests.name": _NAME,
    "digests.bounce_address": _ADDRESS,
    "digests.reply_to": _ADDRESS,
    "digests.rules": _PARSED,
    "digests.sender_address": _ADDRESS,
    "dkim_keys.algorithm": _CODE,
    "editions.due_local": _PARSED,
    "editions.explanation": _PARSED,
    "editions.web_html": _MADE,
    "fresh_links.details": _ADDRESS,
    "fresh_links.purpose": _CODE,
    "links.code": _CODE,
    "mailing_lists.name": _NAME,
    "revisions.findings": _PARSED,
    "revisions.web_html": _MADE,
    "segments.name": _NAME,
    "segments.rule": _PARSED,
    "sources.query": _PARSED,
    "subscribers.address": _ADDRESS,
    "subscribers.domain": _ADDRESS,
    "subscribers.language": _LANGUAGE,
    "subscribers.zone": _ZONE,
    "topics.name": _NAME,
    "variants.html": _MADE,
    "variants.positions": _PARSED,
    "variants.text": _MADE,
    "variants.text_size": _CODE,
    "variants.topics": _NAME,
}
# What a row that is made up has in them.
_PLAIN: Final = {"cadence_dates.local": "2026-12-01", "dkim_keys.algorithm": "rsa"}
# Cleaned when it comes in; so it is here.
_CLEANED: Final = {"posts.body_html"}


def text_columns() -> Iterator[tuple[sa.Table, sa.Column[Any]]]:
    """Every column that holds somebody's words."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            is_ours = bool(column.foreign_keys) or column.name.endswith(_OURS)
            is_words = isinstance(column.type, sa.String | sa.JSON) and not isinstance(column.type, sa.Enum)
            if is_words and not is_ours and _named(table, column) not in CHECKED:
                yield table, column


def _named(table: sa.Table, column: sa.Column[Any]) -> str:
    return f"{table.name}.{column.name}"


@dataclass(slots=True)
class Spread:
    """Deals out the payloads, one after another, from some place on; `used` are those that were taken."""

    place: int = 0
    used: set[str] = field(default_factory=set)
    _waiting: list[str] = field(default_factory=list)

    def next(self, most: int | None) -> str:
        """The next payload that fits; what is too long for here waits for where it fits."""
        if not any(most is None or len(payload) <= most for payload in self._waiting):
            begin = self.place % len(PAYLOADS)
            self._waiting += PAYLOADS[begin:] + PAYLOADS[:begin]
        payload = next(each for each in self._waiting if most is None or len(each) <= most)
        self._waiting.remove(payload)
        self.used.add(payload)
        return payload

    def into(self, value: Any) -> Any:
        """A document with its words exchanged; an empty one gets some."""
        if isinstance(value, dict):
            return {key: self.into(each) for key, each in value.items()} or {self.next(60): self.next(None)}
        if isinstance(value, list):
            return [self.into(each) for each in value]
        if not isinstance(value, str) or re.match(r"\d{4}-\d\d-\d\dT", value):  # a moment stays one
            return value
        return self.next(None)


def make_hostile(session: Session, spread: Spread) -> None:
    """Put a payload into each column of words of each row that is there."""
    for table, columns in itertools.groupby(text_columns(), key=lambda pair: pair[0]):
        wanted = [column for _, column in columns]
        keys = list(table.primary_key.columns)
        for row in session.execute(sa.select(table)).mappings().all():
            values = {column.name: _hostile(spread, table, column, row[column.name]) for column in wanted}
            same = [key == row[key.name] for key in keys]
            session.execute(sa.update(table).where(*same).values(values))


def _hostile(spread: Spread, table: sa.Table, column: sa.Column[Any], value: Any) -> Any:
    if isinstance(column.type, sa.JSON):
        return spread.into(value)
    payload = spread.next(column.type.length)
    if _named(table, column) in _CLEANED:
        return sanitise(payload, base_url="https://courier.example/")
    return payload


def fill_empty_tables(session: Session) -> None:
    """A row in each table that has none."""
    for table in Base.metadata.sorted_tables:
        if session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0:
            values = {column.name: _any(session, column) for column in table.columns if _is_wanted(column)}
            session.execute(sa.insert(table).values(values))


def _is_wanted(column: sa.Column[Any]) -> bool:
    counts_up = column.primary_key and column.autoincrement is not False and not column.foreign_keys
    is_number = isinstance(column.type, sa.Integer)
    return not (counts_up and is_number and len(column.table.primary_key.columns) == 1)


def _any(session: Session, column: sa.Column[Any]) -> Any:
    """Something that a column takes."""
    for key in column.foreign_keys:
        return session.execute(sa.select(sa.func.min(key.column))).scalar_one()
    if (known := _PLAIN.get(_named(column.table, column))) is not None:
        return known
    kind = column.type
    plain: dict[type, Any] = {bool: False, int: 1, float: 1.0, str: MARK, bytes: b"x", dt.date: NOW.date()}
    if isinstance(kind, sa.Enum):
        return kind.enums[0] if kind.enum_class is None else next(iter(kind.enum_class))
    if isinstance(kind, sa.JSON):
        return {}
    if isinstance(kind, UtcDateTime):
        return NOW
    return plain[kind.python_type]


@dataclass(frozen=True, slots=True)
class HostileHouse:
    """Ids of one thing of each kind, the paths of the public pages, and a cookie of an admin."""

    things: dict[Of, int]
    editions: tuple[int, ...]
    public: tuple[str, ...]
    token: str
    used: frozenset[str]
    leaver: int  # an admin who can leave: what they may know is named


def make_hostile_house(database: Database, settings: Settings, *, place: int = 0) -> HostileHouse:
    """A digest with editions in every state, its readers, its desk: nobody of whom means well."""
    house = make_house(database, settings)
    spread = Spread(place)
    room = make_newsroom(database, "courier")
    editions = [room.edition(hours=hours) for hours in (1, 2)]
    with database.write() as session:
        me = make_account(session, "nare@courier.example", role=AccountRole.ADMIN, password_hash="x")
        leaver = make_account(session, "tigran@courier.example", role=AccountRole.ADMIN, password_hash="x").id
        things = make_things(session, me, is_chosen=True)
        token = open_session(session, me, is_whole=True, network="", agent="", now=clock.utc_now())
    for number in range(12):
        featured = {"categories": ["Commentary"]} if number == 0 else {"tags": ["a"]}
        room.publish(f"Story {number}", hours=number + 1, **featured, body_html="<p>x</p>")
    with database.write() as session:
        fill_empty_tables(session)
        make_hostile(session, spread)
    assert room.freeze(editions[0]) is None
    room.send(editions[0])
    with database.write() as session:
        more = _more_editions(session, room)
        fill_empty_tables(session)
        make_hostile(session, spread)
        digest = session.get_one(Digest, room.digest_id)
        of_digest = sa.select(MailingList).where(MailingList.digest_id == digest.id).order_by(MailingList.id)
        readers = session.scalars(of_digest).first()
        assert readers is not None
        public_id = session.get_one(Edition, editions[0]).public_id
        # Where most is to be seen.
        things[Of.DIGEST], things[Of.CADENCE], things[Of.SOURCE] = digest.id, room.cadence_id, room.source_id
        things[Of.LIST], things[Of.EDITION], readers.is_open = readers.id, editions[1], True
        things[Of.SUBSCRIBER] = session.scalars(sa.select(sa.func.min(Delivery.subscriber_id))).one()
        session.execute(sa.update(Transport).values(secret_name="password-of-one"))
    public = [f"/e/{public_id}", f"/archive/{digest.name}", "/", f"/s/{readers.name}"]
    public += [door.path.replace("{token}", house.token(door)) for door in DOORS]
    return HostileHouse(things, (*editions, *more), tuple(public), token, frozenset(spread.used), leaver)


def _more_editions(session: Session, room: Newsroom) -> list[int]:
    """One in each state."""
    digest = session.get_one(Digest, room.digest_id)
    made = []
    for days, state in enumerate(EditionState, start=9):  # behind the one that has stories
        cadence = make_cadence(session, digest, state.value)
        edition = make_edition(session, cadence, state, age=-dt.timedelta(days=days))
        edition.reason = Reason.BY_PERSON
        made.append(edition.id)
    return made
