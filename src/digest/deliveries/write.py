"""The mail of one person: the variant's prepared message, its places filled."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from digest.db import Database
from digest.deliveries.people import Person
from digest.errors import DigestError, NotFoundError
from digest.keys import Keys
from digest.lists.had_story import corrected_before
from digest.lists.in_mails import PREFIX, shown_value
from digest.mail.dkim import Signer
from digest.mail.headers import date_text, message_id
from digest.mail.prepared import Filled, PreparedMail, filled
from digest.mail.transport import Envelope
from digest.mail.verp import verp_address
from digest.models import Cadence, Digest, Edition, MailingList, Variant
from digest.tokens import Claim, Purpose

# Prepared mails kept by a worker: 70 kB each, and few editions are sent at once.
_KEPT = 32


@dataclass(frozen=True, slots=True)
class _Imprint:
    """What the mails of an edition have in common beside their content."""

    sender: str
    domain: str
    bounce_address: str | None
    lists: dict[int, tuple[str, str]]  # List-Id and title
    language: str
    # The editions that a correction follows upon, the oldest first; of any other edition: none.
    follows_on: tuple[int, ...] = ()


class Writer:
    """Writes mails from what was frozen; reads no template, no feed and no setting but the public address.

    A worker child keeps one. What it holds of an edition never changes, except its lists' titles.
    """

    def __init__(self, database: Database, keys: Keys, public_url: str) -> None:
        self._database = database
        self._keys = keys
        self._public_url = public_url
        self._mails: OrderedDict[int, PreparedMail] = OrderedDict()
        self._imprints: OrderedDict[int, _Imprint] = OrderedDict()
        self._dated = (
            dt.datetime.min.replace(tzinfo=dt.UTC),
            "",
        )  # the last moment, and how the Date field writes it

    def sender_domain(self, edition_id: int) -> str:
        """The domain of an edition's sender, whose keys sign it."""
        return self._imprint(edition_id).domain

    def envelopes(
        self, people: Sequence[Person], *, now: dt.datetime, signer: Signer | None = None
    ) -> list[Envelope | DigestError]:
        """Each person's message, signed if we sign, and where it goes; or why they cannot be mailed.

        In passes over all of them: see `Signer.sign_filled`.
        """
        letters = [self._letter(person, now) for person in people]
        written = [letter for letter in letters if not isinstance(letter, DigestError)]
        signatures = iter(
            signer.sign_filled(written, now=now) if signer is not None else [b""] * len(written)
        )
        return [
            letter if isinstance(letter, DigestError) else self._envelope(person, letter, next(signatures))
            for person, letter in zip(people, letters, strict=True)
        ]

    def _letter(self, person: Person, now: dt.datetime) -> Filled | DigestError:
        """The message of one person; what is wrong with a value that no mail can carry."""
        imprint = self._imprint(person.edition_id)
        list_id, list_title = imprint.lists[person.list_id]
        values = {
            "to": person.address,
            "to_name": person.name,
            "name": person.name,
            "message_id": message_id(
                person.edition_id, person.subscriber_id, imprint.domain, self._keys.address_key
            ),
            "date": self._date(now),
            "list_id": list_id,
            "list_name": list_title,
            "unsubscribe_url": self.unsubscribe_url(person),
            "unsubscribe_mailto": "",
        }
        try:
            mail = self._mail(person.variant_id)
            if imprint.follows_on:
                values["follows_on"] = self._follows_on(person, imprint)
            for name, kind, fallback in mail.fallbacks:
                value: object = person.name
                if name.startswith(PREFIX):
                    value = person.attributes.get(name.removeprefix(PREFIX))
                values[name] = shown_value(value, kind, imprint.language) or fallback
            return filled(mail, values)
        except DigestError as error:
            return error

    def _follows_on(self, person: Person, imprint: _Imprint) -> str:
        """The Message-IDs of the mails that this person has had, and that this one puts right."""
        key, domain = self._keys.address_key, imprint.domain
        return " ".join(message_id(one, person.subscriber_id, domain, key) for one in imprint.follows_on)

    def _envelope(self, person: Person, letter: Filled, signature: bytes) -> Envelope | DigestError:
        imprint = self._imprint(person.edition_id)
        bounces = imprint.bounce_address
        try:
            return Envelope(
                sender=verp_address(bounces, person.edition_id, person.subscriber_id, self._keys.signer)
                if bounces
                else imprint.sender,
                recipient=person.address,
                pieces=[signature + letter.head, *letter.body],
                needs_smtputf8=not person.address.isascii(),
                ref=person,
            )
        except DigestError as error:
            return error

    def wants_attributes(self, people: Sequence[Person]) -> bool:
        """Whether the mail of any of these people names one of their attributes."""
        return any(
            fallback.name.startswith(PREFIX)
            for variant_id in {person.variant_id for person in people}
            for fallback in self._mail(variant_id).fallbacks
        )

    def _date(self, now: dt.datetime) -> str:
        if self._dated[0] is not now:  # once for a group
            self._dated = now, date_text(now)
        return self._dated[1]

    def unsubscribe_url(self, person: Person) -> str:
        """The sign-off link that a person's mail carries."""
        claim = Claim(Purpose.UNSUBSCRIBE, person.list_id, person.subscriber_id)
        return f"{self._public_url}/u/{self._keys.signer.sign(claim)}"

    def _mail(self, variant_id: int) -> PreparedMail:
        if variant_id not in self._mails:
            with self._database.read() as session:
                stored = session.scalar(sa.select(Variant.mail).where(Variant.id == variant_id))
            if stored is None:
                raise NotFoundError(f"Variant {variant_id} is gone, though people are still to get it.")
            self._mails[variant_id] = PreparedMail.from_bytes(stored)
            if len(self._mails) > _KEPT:
                self._mails.popitem(last=False)
        return self._mails[variant_id]

    def _imprint(self, edition_id: int) -> _Imprint:
        if edition_id not in self._imprints:
            with self._database.read() as session:
                digest_id, sender, bounces, language = session.execute(
                    sa.select(Digest.id, Digest.sender_address, Digest.bounce_address, Digest.language)
                    .join(Cadence, Cadence.digest_id == Digest.id)
                    .join(Edition, Edition.cadence_id == Cadence.id)
                    .where(Edition.id == edition_id)
                ).one()
                lists = session.execute(
                    sa.select(MailingList.id, MailingList.name, MailingList.title).where(
                        MailingList.digest_id == digest_id
                    )
                ).all()
                follows_on = corrected_before(session, edition_id)
            domain = sender.rpartition("@")[2]
            named = {row.id: (f"{row.name}.{domain}", row.title) for row in lists}
            self._imprints[edition_id] = _Imprint(sender, domain, bounces, named, language, follows_on)
            if len(self._imprints) > _KEPT:
                self._imprints.popitem(last=False)
        return self._imprints[edition_id]
