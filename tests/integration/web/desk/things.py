"""One thing of each kind that a guard may be of: the visitor's own, and somebody else's."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.accounts.rights import Of
from digest.accounts.sessions import open_session
from digest.models import (
    Account,
    AccountDigest,
    AccountSession,
    DigestSource,
    Import,
    OwnItem,
    OwnItemKind,
    Segment,
    Source,
    Transport,
)
from tests.factories import make_account, make_cadence, make_digest, make_list, make_subscriber
from tests.factories.moments import NOW
from tests.integration.web.rows import make_edition


def make_things(session: Session, owner: Account, *, is_chosen: bool) -> dict[Of, int]:
    """A digest with all that hangs on it, and what belongs to the house; ids by kind."""
    digest = make_digest(session)
    cadence = make_cadence(session, digest)
    source = Source(
        url=f"https://{digest.name}.example/feed", news_since=NOW, next_fetch_at=NOW, created_at=NOW
    )
    item = OwnItem(
        digest_id=digest.id,
        kind=OwnItemKind.OBITUARY,
        title="A bench",
        from_on=NOW.date(),
        until_on=NOW.date(),
        made_by="cli:nare",
        made_at=NOW,
    )
    segment = Segment(digest_id=digest.id, name="near", title="Near", rule={}, created_at=NOW, changed_at=NOW)
    transport = Transport(name=digest.name, host="mail.example", port=587, created_at=NOW)
    run = Import(
        list_id=make_list(session, digest).id,
        file_name="people.csv",
        file_fingerprint="0" * 64,
        mapping={},
        consent="on paper",
        actor="cli:nare",
        created_at=NOW,
        changed_at=NOW,
    )
    session.add_all([source, item, segment, transport, run])
    session.flush()
    session.add(DigestSource(digest_id=digest.id, source_id=source.id))
    if is_chosen:
        session.add(AccountDigest(account_id=owner.id, digest_id=digest.id))
    open_session(session, owner, is_whole=True, network="", agent="", now=NOW)
    newest = sa.select(AccountSession.id).order_by(AccountSession.id.desc()).limit(1)
    return {
        Of.DIGEST: digest.id,
        Of.CADENCE: cadence.id,
        Of.EDITION: make_edition(session, cadence).id,
        Of.OWN_ITEM: item.id,
        Of.SOURCE: source.id,
        Of.LIST: make_list(session, digest).id,
        Of.SEGMENT: segment.id,
        Of.SUBSCRIBER: make_subscriber(session).id,
        Of.IMPORT: run.id,
        Of.TRANSPORT: transport.id,
        Of.ACCOUNT: make_account(session).id,
        Of.OWN_SESSION: session.scalars(newest).one(),
    }
