"""A newsroom that grows: a few of everything that a page could show, then many, around the same things."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit, clock
from digest.accounts.rights import Of
from digest.accounts.sessions import open_session
from digest.editions.stories import stored_story
from digest.lists.status import Origin
from digest.lists.suppress import suppress_domain
from digest.models import (
    Account,
    AccountDigest,
    AccountSession,
    Amendment,
    AmendmentKind,
    Approval,
    ApprovalWay,
    Attribute,
    AttributeKind,
    Batch,
    Cadence,
    CadenceDate,
    ChangeKind,
    DateKind,
    Delivery,
    DeliveryStatus,
    Digest,
    DigestSource,
    Edition,
    EditionChange,
    EditionState,
    Fetch,
    Import,
    Item,
    MailingList,
    Notice,
    NoticeState,
    OwnItem,
    OwnItemKind,
    Post,
    PostSource,
    Reason,
    Reply,
    Role,
    Segment,
    Source,
    Subscriber,
    Transport,
    UncertainCase,
    UncertainCause,
    VoidCause,
)
from tests.factories import (
    make_account,
    make_cadence,
    make_digest,
    make_list,
    make_subscriber,
    make_subscription,
)
from tests.integration.web.rows import make_edition
from tests.unit.rendering.samples import story

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
_STATES = (
    EditionState.UPCOMING,
    EditionState.FROZEN,
    EditionState.HELD,
    EditionState.SENDING,
    EditionState.SENT,
)


@dataclass(slots=True)
class Grown:
    """The things that pages are of, and how many of everything there are around them."""

    me: int
    digest: int
    cadence: int
    source: int
    mailing_list: int
    person: int
    address: str
    batch: int
    editions: dict[EditionState, int]
    others: dict[Of, int]
    now: dt.datetime
    count: int = 0
    sources: list[int] = field(default_factory=list)

    def things(self) -> dict[Of, list[int]]:
        """The ids of each kind that a page may be of."""
        return {
            Of.DIGEST: [self.digest],
            Of.CADENCE: [self.cadence],
            Of.EDITION: list(self.editions.values()),
            Of.SOURCE: [self.source],
            Of.LIST: [self.mailing_list],
            Of.SUBSCRIBER: [self.person],
            Of.ACCOUNT: [self.me],
            **{kind: [number] for kind, number in self.others.items()},
        }

    def grow(self, session: Session, until: int) -> None:
        """So many of everything, all in all."""
        for number in range(self.count, until):
            self._house(session, number)
            self._of_digest(session, number)
            for state, edition_id in self.editions.items():
                self._of_edition(session, number, session.get_one(Edition, edition_id), state)
            self._of_person(session, number)
        self.count = until
        session.flush()

    def _house(self, session: Session, number: int) -> None:
        """What belongs to no one digest, and one more digest with all that hangs on it."""
        actor, now = f"account:{self.me}", self.now
        digest = make_digest(session)
        cadence = make_cadence(session, digest, slots_after=now)
        _source(session, digest, f"other-{number}", now)
        readers = make_list(session, digest)
        make_subscription(session, readers)
        for place, state in enumerate(_STATES, 1):
            _edition(session, cadence, state, now, place)
        colleague = make_account(session)
        session.add(AccountDigest(account_id=colleague.id, digest_id=digest.id))
        suppress_domain(session, f"d{number}.test", reason="asked to", source=Origin.DESK, now=now)
        session.add_all(
            [
                Transport(name=f"relay-{number}", host="mail.example", port=25, created_at=now),
                Attribute(name=f"a{number}", title="City", kind=AttributeKind.TEXT, created_at=now),
                _import(self.mailing_list, number, now),
            ]
        )
        audit.record(session, "digest.set", digest, actor=f"account:{colleague.id}", now=now)
        audit.record(session, "account.set", session.get_one(Account, self.me), actor=actor, now=now)
        me = session.get_one(Account, self.me)
        open_session(session, me, is_whole=True, network="", agent="", now=now)

    def _of_digest(self, session: Session, number: int) -> None:
        """One more of all that a digest has several of; its first rhythm has as many dates and editions."""
        now, digest = self.now, session.get_one(Digest, self.digest)
        day = (now + (number + 2) * DAY).date().isoformat()
        cadence = make_cadence(session, digest, f"rhythm-{number}", slots_after=now)
        source = _source(session, digest, f"own-{number}", now)
        session.add_all(
            [
                _date(self.cadence, day, now),
                _date(cadence.id, day, now),
                Fetch(source_id=self.source, at=now, status=200),
                Segment(
                    digest_id=digest.id,
                    name=f"s{number}",
                    title="Near",
                    rule={"language": "hy"},
                    created_at=now,
                    changed_at=now,
                ),
                _own_item(digest, now),
            ]
        )
        _edition(session, cadence, EditionState.UPCOMING, now, number + 1)
        past = session.get_one(Cadence, self.cadence)
        for place, state in enumerate((EditionState.SENT, EditionState.SKIPPED, EditionState.CANCELLED)):
            went = _edition(session, past, state, now, -3 * number - place - 1)
            session.add(_delivery(went.id, self.person, now, None))
        self.sources.append(source.id)

    def _of_edition(self, session: Session, number: int, edition: Edition, state: EditionState) -> None:
        """A candidate, a story, a change, an approval that is void, somebody who is served, a doubt."""
        now = self.now
        post = _post(session, self.source, f"{state.value}-{number}", now)
        change = {"edition_id": edition.id, "made_by": f"account:{self.me}", "made_at": now}
        session.add(EditionChange(kind=ChangeKind.REWRITE, post_id=post.id, details={"title": "A"}, **change))
        session.add(EditionChange(kind=ChangeKind.PIN, post_id=post.id, details={"place": 1}, **change))
        if edition.revision_id is None:
            return
        session.add(
            Item(
                revision_id=edition.revision_id,
                position=number,
                role=Role.RECENT if number else Role.FEATURED,
                post_id=post.id,
                story=stored_story(story(number)),
            )
        )
        session.add(
            Approval(
                edition_id=edition.id,
                revision_id=edition.revision_id,
                fingerprint="0" * 64,
                account_id=self.me,
                made_by=f"account:{self.me}",
                way=ApprovalWay.DESK,
                made_at=now,
                voided_at=now,
                voided_by=f"account:{self.me}",
                void_cause=VoidCause.EDITED,
            )
        )
        reader = make_subscriber(session, f"{state.value}{number}@d{number}.test")
        reply = Reply(fingerprint=f"{state.value}-{number}", code=250, text=f"queued as {number}")
        session.add(reply)
        session.flush()
        session.add(_delivery(edition.id, reader.id, now, reply.id))
        session.add(
            Amendment(
                edition_id=edition.id,
                position=number,
                kind=AmendmentKind.NOTE,
                text="A word was wrong.",
                made_by=f"account:{self.me}",
                made_at=now,
            )
        )
        session.add(
            UncertainCase(
                edition_id=edition.id,
                subscriber_id=reader.id,
                attempt=0,
                since=now,
                cause=UncertainCause.NO_ANSWER,
            )
        )

    def _of_person(self, session: Session, number: int) -> None:
        """One more list that somebody is on, a mail, and what the desk has done."""
        person, now = session.get_one(Subscriber, self.person), self.now
        digest = make_digest(session)
        readers: MailingList = make_list(session, digest)
        make_cadence(session, digest)
        kept = make_subscription(session, readers, person)
        audit.record(session, "subscription.end", kept, actor=f"account:{self.me}", now=now)
        session.add(
            Notice(
                key=f"welcome:{number}",
                kind="welcome",
                address=self.address,
                sender_address="news@courier.example",
                message=b"",
                state=NoticeState.SENT,
                not_before=now,
                created_at=now,
            )
        )


def begin(session: Session, me: Account) -> Grown:
    """A digest with an edition of each state, a source, a list with a person on it."""
    now = clock.utc_now()
    digest = make_digest(session)
    cadence = make_cadence(session, digest, slots_after=now)
    session.add(AccountDigest(account_id=me.id, digest_id=digest.id))
    source = _source(session, digest, "first", now)
    readers = make_list(session, digest)
    person = make_subscriber(session, "lus@mail.test")
    make_subscription(session, readers, person)
    editions = {
        state: _edition(session, cadence, state, now, place).id for place, state in enumerate(_STATES, 1)
    }
    batch = Batch(edition_id=editions[EditionState.SENDING], not_before=now)
    session.add(batch)
    session.flush()
    return Grown(
        me=me.id,
        digest=digest.id,
        cadence=cadence.id,
        source=source.id,
        mailing_list=readers.id,
        person=person.id,
        address="lus@mail.test",
        batch=batch.id,
        editions=editions,
        others=_others(session, digest, readers, me, now),
        now=now,
    )


def _source(session: Session, digest: Digest, name: str, now: dt.datetime) -> Source:
    """One that a digest draws from, and that cannot be read since yesterday."""
    made = Source(
        url=f"https://{name}.example/feed",
        title=name,
        news_since=now - 9 * DAY,
        next_fetch_at=now,
        last_good_at=now - DAY,
        fault_code="timeout",
        created_at=now - 9 * DAY,
    )
    session.add(made)
    session.flush()
    session.add(DigestSource(digest_id=digest.id, source_id=made.id))
    return made


def _post(session: Session, source_id: int, name: str, now: dt.datetime) -> Post:
    made = Post(
        url=f"https://courier.example/{name}",
        title=f"A bench {name}",
        published_at=now - HOUR,
        content_fingerprint=name,
        first_seen_at=now - HOUR,
        changed_at=now,
    )
    session.add(made)
    session.flush()
    session.add(PostSource(source_id=source_id, post_id=made.id, seen_at=now - HOUR))
    return made


def _edition(session: Session, cadence: Cadence, state: EditionState, now: dt.datetime, days: int) -> Edition:
    made = make_edition(session, cadence, state)
    made.due_at = made.send_at = now + days * DAY
    if state is EditionState.HELD:
        made.reason, made.deadline_at = Reason.THIN_NEWS, now + HOUR
    elif state is EditionState.UPCOMING:
        made.revision_id = None
    elif state is not EditionState.SKIPPED:
        made.planned_at = now
    session.flush()
    return made


def _delivery(edition_id: int, person: int, now: dt.datetime, reply: int | None) -> Delivery:
    return Delivery(
        edition_id=edition_id,
        subscriber_id=person,
        variant_id=1,
        subscription_id=1,
        status=DeliveryStatus.SENT if reply is None else DeliveryStatus.UNCERTAIN,
        reply_id=reply,
        sent_at=now,
    )


def _date(cadence_id: int, day: str, now: dt.datetime) -> CadenceDate:
    return CadenceDate(cadence_id=cadence_id, kind=DateKind.SKIP, local=day, made_by="cli:nare", made_at=now)


def _own_item(digest: Digest, now: dt.datetime) -> OwnItem:
    return OwnItem(
        digest_id=digest.id,
        kind=OwnItemKind.OBITUARY,
        title="A bench",
        from_on=now.date() - DAY,
        until_on=now.date() + DAY,
        made_by="cli:nare",
        made_at=now,
    )


def _import(list_id: int, number: int, now: dt.datetime) -> Import:
    return Import(
        list_id=list_id,
        file_name=f"people-{number}.csv",
        file_fingerprint=f"{number:064x}",
        mapping={},
        consent="on paper",
        actor="cli:nare",
        created_at=now,
        changed_at=now,
    )


def _others(
    session: Session, digest: Digest, readers: MailingList, me: Account, now: dt.datetime
) -> dict[Of, int]:
    """One of each kind that nothing hangs on."""
    item = _own_item(digest, now)
    near = {"name": "near", "title": "Near", "rule": {"language": "hy"}}
    segment = Segment(digest_id=digest.id, created_at=now, changed_at=now, **near)
    transport = Transport(name="relay", host="mail.example", port=25, created_at=now)
    run = _import(readers.id, 1000, now)
    session.add_all([item, segment, transport, run])
    open_session(session, me, is_whole=True, network="", agent="", now=now)
    newest = sa.select(AccountSession.id).order_by(AccountSession.id.desc()).limit(1)
    return {
        Of.OWN_ITEM: item.id,
        Of.SEGMENT: segment.id,
        Of.TRANSPORT: transport.id,
        Of.IMPORT: run.id,
        Of.OWN_SESSION: session.scalars(newest).one(),
    }
