"""Every page that a signed link opens, with the purpose that it takes, and a house where each would act."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session

from digest import clock, keys
from digest.config import Settings
from digest.db import Database
from digest.lists.fresh_links import FreshKind, make_fresh_link
from digest.lists.permission import start_run
from digest.lists.permission_mail import ask_some
from digest.lists.status import Origin
from digest.lists.subscribe import end
from digest.models import MailingList, Subscriber, Subscription, SubscriptionStatus
from digest.tokens import Claim, Purpose, Signer
from tests.factories import make_digest, make_list, make_subscriber, make_subscription
from tests.integration.planned import PUBLIC_URL
from tests.integration.web.rows import make_copy

YEAR = dt.timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Door:
    """A page's address with `{token}` in it, and what its link must be made for."""

    path: str
    purpose: Purpose

    def url(self, token: str) -> str:
        """The page with a token, whatever that is, spelt for an address."""
        return PUBLIC_URL + self.path.replace("{token}", token)


DOORS: Final = (
    Door("/u/{token}", Purpose.UNSUBSCRIBE),
    Door("/u/{token}/page", Purpose.UNSUBSCRIBE),
    Door("/c/{token}", Purpose.CONFIRM),
    Door("/undo/{token}", Purpose.UNDO),
    Door("/k/{token}", Purpose.KEEP),
    Door("/stop/{token}", Purpose.STOP_EDITION),
    *(Door(f"/f/{kind.value}/{{token}}", kind.purpose) for kind in FreshKind),
    Door("/proof/{token}", Purpose.PROOF),
)
# Posted to any door with its own link, this does what cannot be overlooked.
FORM: Final = {"do": "stop_all", "act": "hold", "word": "erase", "address": "other@mail.test"}


def routes_of(app: FastAPI) -> list[tuple[str, frozenset[str]]]:
    """The path and the methods of each public route; the desk has a table of its own, and tests over it."""
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    public = [route for route in routes if not route.path.startswith("/desk")]
    return [(route.path, frozenset(route.methods)) for route in public]


@dataclass(frozen=True, slots=True)
class House:
    """What each door's own link says, and words that no stranger may read."""

    signer: Signer
    claims: Mapping[Door, Claim]
    secrets: tuple[str, ...]

    def token(self, door: Door, purpose: Purpose | None = None) -> str:
        """The door's own link, or the same for another purpose."""
        claim = self.claims[door]
        return self.signer.sign(claim._replace(purpose=claim.purpose if purpose is None else purpose))


def make_house(database: Database, settings: Settings) -> House:
    """Behind each door another person to whom it would do something, and a first copy."""
    made = keys.load(settings.secrets_folder)
    copy = make_copy(database, settings)
    claims = {}
    with database.write() as session:
        digest = make_digest(session, title="The Evening Post-Bag")
        readers = make_list(session, digest, title="The Evening Post-Bag by mail")
        for number, door in enumerate(DOORS):
            name, address = f"Ani Reader{number}", f"ani.reader{number}@mail.test"
            person = make_subscriber(session, address, address_key=made.address_key, name=name)
            claims[door] = Claim(door.purpose, readers.id, _behind(session, door, readers, person))
    claims[DOORS[5]] = Claim(Purpose.STOP_EDITION, copy.account_id, copy.edition_id)
    proof = make_copy(database, settings)
    proof.let_go_out_at(clock.utc_now())
    claims[DOORS[-1]] = Claim(Purpose.PROOF, proof.account_id, proof.revision_id())
    with database.write() as session:
        assert ask_some(session, made.signer, PUBLIC_URL, templates=None, now=clock.utc_now()) == 1
    return House(made.signer, claims, ("Ani", "Reader", "mail.test", "Post-Bag", "Courier", "Patience"))


def _behind(session: Session, door: Door, readers: MailingList, person: Subscriber) -> int:
    """Have something for this door to do; the number that its link carries."""
    now = clock.utc_now()
    is_new = door.purpose is Purpose.CONFIRM
    status = SubscriptionStatus.PENDING if is_new else SubscriptionStatus.ACTIVE
    subscription = make_subscription(session, readers, person, status=status)
    kinds = {kind.purpose: kind for kind in FreshKind}
    if door.purpose is Purpose.UNDO:
        assert end(session, subscription, source=Origin.PREFERENCES, now=now, reason="left by the page")
    if door.purpose is Purpose.KEEP:
        long_silent = sa.update(Subscription).where(Subscription.id == subscription.id)
        session.execute(long_silent.values(created_at=now - 2 * YEAR))
        start_run(session, readers, silent_for=YEAR, answer_within=YEAR, actor="test", now=now)
    if door.purpose in kinds:
        details = {"address": f"new{person.id}@mail.test"}
        return make_fresh_link(session, person.id, kinds[door.purpose], now=now, details=details).id
    return person.id
