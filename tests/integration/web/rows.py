"""Rows that the public pages show, and the links that lead to them."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import config, keys
from digest.config import Settings
from digest.db import Database
from digest.editions.schedule import local_text
from digest.editions.stop_links import stop_url
from digest.models import Cadence, Edition, EditionKind, EditionState, Revision
from digest.rendering.digest_email import render_web
from digest.rendering.theme import Look, TimeForm
from digest.tokens import Claim, Purpose
from tests.factories import make_account, make_cadence, make_digest, make_list, make_subscription
from tests.factories.moments import NOW
from tests.unit.rendering import samples

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Scene:
    """A digest with one sent edition and one subscription."""

    list_id: int
    subscriber_id: int
    subscription_id: int
    public_id: str
    token: str


def make_settings(folder: Path, database_url: str, **values: object) -> Settings:
    """Settings of an installation of its own, with its keys."""
    made = config.load(data_dir=folder, database_url=database_url, web_port=0, **values)
    keys.make_missing(made.secrets_folder)
    return made


def make_edition(
    session: Session,
    cadence: Cadence,
    state: EditionState = EditionState.SENT,
    *,
    subject: str = "A bench in front of the library",
    web_html: str = "<p>An edition.</p>",
    age: dt.timedelta = dt.timedelta(0),
) -> Edition:
    """An edition with one revision."""
    number = next(_numbers)
    edition = Edition(
        public_id=f"edition-{number}",
        cadence_id=cadence.id,
        kind=EditionKind.SCHEDULED,
        due_at=NOW - age,
        due_local=local_text(NOW - age, cadence.zone),
        send_at=NOW - age,
        state=state,
        state_since=NOW,
        created_at=NOW,
    )
    session.add(edition)
    session.flush()
    revision = Revision(
        edition_id=edition.id,
        number=1,
        subject=subject,
        preheader="",
        web_html=web_html,
        fingerprint=f"{number:064x}"[::-1],
        created_at=NOW,
    )
    session.add(revision)
    session.flush()
    edition.revision_id = revision.id
    return edition


def make_scene(database: Database, settings: Settings, *, language: str = "en") -> Scene:
    """A digest in a language, its list, a reader and an edition that was sent."""
    titles = {"en": "The Morning Post-Bag", "hy": "Առավոտյան պարկ"}
    context = (
        samples.armenian() if language == "hy" else samples.edition(look=Look(time_form=TimeForm.RELATIVE))
    )
    signer = keys.load(settings.secrets_folder).signer
    with database.write() as session:
        digest = make_digest(session, title=titles[language], language=language)
        edition = make_edition(session, make_cadence(session, digest), web_html=render_web(context))
        mailing_list = make_list(session, digest, title=titles[language])
        subscription = make_subscription(session, mailing_list)
        claim = Claim(Purpose.UNSUBSCRIBE, mailing_list.id, subscription.subscriber_id)
        return Scene(
            list_id=mailing_list.id,
            subscriber_id=subscription.subscriber_id,
            subscription_id=subscription.id,
            public_id=edition.public_id,
            token=signer.sign(claim),
        )


@dataclass(frozen=True, slots=True)
class Copy:
    """A first copy that one of the staff has."""

    database: Database
    edition_id: int
    account_id: int
    path: str

    def edition(self) -> Edition:
        with self.database.read() as session:
            return session.get_one(Edition, self.edition_id)

    def revision_id(self) -> int:
        found = self.edition().revision_id
        assert found is not None
        return found

    def let_go_out_at(self, moment: dt.datetime) -> None:
        with self.database.write() as session:
            session.execute(sa.update(Edition).where(Edition.id == self.edition_id).values(send_at=moment))

    def set_state(self, state: EditionState) -> None:
        with self.database.write() as session:
            session.execute(sa.update(Edition).values(state=state))


def make_copy(database: Database, settings: Settings, *, language: str = "en") -> Copy:
    signer = keys.load(settings.secrets_folder).signer
    with database.write() as session:
        digest = make_digest(session, language=language, title="The Courier")
        edition = make_edition(
            session, make_cadence(session, digest), EditionState.FROZEN, subject="On <Patience>"
        )
        account = make_account(session)
        url = stop_url("", signer, edition_id=edition.id, account_id=account.id)
        return Copy(database, edition.id, account.id, url)
