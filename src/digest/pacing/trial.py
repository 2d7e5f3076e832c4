"""The test mail: a mail service that took one may mail readers. It goes to one of our own accounts only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock
from digest.addresses import parse_address
from digest.db import Database
from digest.errors import InputError, NotFoundError, StateError, UnreachableError
from digest.i18n import N_, for_editors
from digest.mail.headers import date_text, notice_message_id
from digest.mail.prepared import fill
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Envelope, Outcome, Reply
from digest.models import Account, Digest, Transport
from digest.pacing.change import PROVEN
from digest.pacing.transports import endpoint, transport_named
from digest.preflight.single_mail import Sender, single_mail
from digest.rendering.notices import NoticeKind, ServiceTestNotice
from digest.tokens import Signer

_PATIENCE_SECONDS = 60.0  # half of what a person waits for an answer at the most


def send_test_mail(
    database: Database,
    name: str,
    to: str,
    *,
    secrets_folder: Path,
    signer: Signer,
    digest: str | None = None,
    templates: Path | None = None,
    now: Callable[[], dt.datetime] | None = None,
) -> Reply:
    """Send a small mail by a mail service to the address of an account: a flow.

    It comes from the sender of `digest`, or of the oldest one, in its language. If the service takes it, that
    is noted, and `ways` offers the service from now on; its reply comes back. Raises InputError for an
    address that no account has, StateError if no digest gives a sender or the service was changed meanwhile,
    UnreachableError with what the service said, ConfigError if its password is missing.
    """
    now = now or clock.utc_now
    at = now()
    with database.read() as session:
        row = transport_named(session, name)
        account = _account(session, to)
        envelope = _envelope(
            row, account, _sender(session, digest), signer=signer, templates=templates, now=at
        )
    target = endpoint(row, secrets_folder)
    heard: list[tuple[Outcome, Reply | None]] = []
    # No transaction is open while the service is spoken to.
    with SmtpTransport(target) as out:
        out.send(
            [envelope],
            before_dot=lambda _: True,
            after_reply=lambda _, outcome, reply: heard.append((outcome, reply)),
            patience=_PATIENCE_SECONDS,
        )
    outcome, reply = heard[0] if heard else (Outcome.UNKNOWN, None)
    if outcome is not Outcome.ACCEPTED or reply is None:
        raise _refusal(name, reply)
    taken_at = now()
    # Of the server that took it, and of no other: somebody may have named another one meanwhile.
    proven = [getattr(Transport, column) == getattr(row, column) for column in PROVEN]
    with database.write() as session:
        noted = session.execute(
            sa.update(Transport)
            .where(Transport.id == row.id, *proven)
            .values(tested_at=taken_at, accepted_at=taken_at, fault="", faults_in_a_row=0, rests_until=None)
        )
        if getattr(noted, "rowcount", 0) != 1:
            raise StateError(
                N_("The mail service %(name)s was changed meanwhile; send another test mail."), name=name
            )
    return reply


def _account(session: Session, address: str) -> Account:
    key = parse_address(address).key
    found = session.scalars(
        sa.select(Account).where(Account.address_key == key, Account.disabled_at.is_(None))
    ).one_or_none()
    if found is None:
        raise InputError(
            N_("A test mail goes only to the people who work with Digest, and no account has this address."),
            hint="`digest account add` adds one.",
        )
    return found


def _sender(session: Session, name: str | None) -> Digest:
    query = sa.select(Digest).order_by(Digest.id).limit(1)
    found = session.scalars(query if name is None else query.where(Digest.name == name)).one_or_none()
    if found is not None:
        return found
    if name is not None:
        raise NotFoundError(
            N_("There is no digest %(name)r."), name=name[:60], hint="`digest digest list` shows them."
        )
    raise StateError(
        N_("There is no sender address yet: a digest has one. Make a digest first."),
        hint="`digest digest create` makes one.",
    )


def _envelope(
    row: Transport,
    account: Account,
    digest: Digest,
    *,
    signer: Signer,
    templates: Path | None,
    now: dt.datetime,
) -> Envelope:
    single = single_mail(
        NoticeKind.TEST,
        for_editors(digest.language),
        ServiceTestNotice(service_name=row.name, sender_name=digest.sender_name, sent_at=now, zone="UTC"),
        sender=Sender(digest.sender_name, digest.sender_address, digest.reply_to or ""),
        templates=templates,
    )
    domain = digest.sender_address.rpartition("@")[2]
    # The microsecond tells this mail from any other test mail.
    number = int(now.timestamp() * 1e6) % 2**48
    message = fill(
        single.prepared,
        {
            "to": account.address,
            "to_name": account.name,
            "date": date_text(now),
            "message_id": notice_message_id(number, domain, signer.keys[signer.current]),
        },
    )
    is_ascii = (digest.sender_address + account.address).isascii()
    return Envelope(
        sender=digest.sender_address,
        recipient=account.address,
        message=message,
        needs_smtputf8=not is_ascii,
    )


def _refusal(name: str, reply: Reply | None) -> UnreachableError:
    if reply is None:
        message = N_("The mail service %(name)s did not say whether it took the test mail; try again.")
        return UnreachableError(message, name=name)
    said = f"{reply.code} {reply.enhanced} {reply.text}".replace("  ", " ").strip()
    return UnreachableError(
        N_("The mail service %(name)s did not take the test mail: %(said)s"), name=name, said=said
    )
