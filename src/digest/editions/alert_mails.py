"""Tell those whom a digest names: once while something lasts, and once when it is over."""

from __future__ import annotations

import datetime as dt
import hashlib

import jinja2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import notices
from digest.db.dialect import skip_locked
from digest.editions.alert_words import Subject, headline, sentences
from digest.editions.copies import Imprint
from digest.errors import DigestError
from digest.i18n import Translator, for_editors
from digest.logs import get_logger
from digest.mail.headers import date_text, notice_message_id
from digest.mail.prepared import PreparedMail, fill
from digest.models import Account, Alert, AlertKind, Cadence, Digest, Edition, Source
from digest.notices.alerts import receivers_of, untold
from digest.notices.staff import ALERT
from digest.preflight.single_mail import Sender, Single, single_mail
from digest.rendering.notices import AlertNotice, NoticeKind

log = get_logger(__name__)

# What was over before anybody could be told is news for so long.
_STILL_NEWS = dt.timedelta(days=1)


def subject_of(session: Session, alert: Alert) -> Subject:
    """An alert with what it is about."""
    edition = session.get(Edition, alert.edition_id) if alert.edition_id is not None else None
    return Subject(
        alert=alert,
        digest=session.get_one(Digest, alert.digest_id),
        edition=edition,
        cadence=session.get_one(Cadence, edition.cadence_id) if edition is not None else None,
        source=session.get(Source, alert.source_id) if alert.source_id is not None else None,
    )


def tell_alerts(session: Session, imprint: Imprint, *, now: dt.datetime) -> int:
    """Ask for the mails about what nobody was told of yet; returns how many.

    The alert's row says that it was told, and the notices' keys hold it. One that cannot be made is logged,
    and keeps no other from being told.
    """
    asked = 0
    for alert_id in untold(session):
        alert = session.scalars(
            skip_locked(sa.select(Alert).where(Alert.id == alert_id)), {"populate_existing": True}
        ).one_or_none()
        if alert is None:
            continue
        is_news = _is_news(alert, now=now)
        alert.told_at = max(now, alert.ended_at or now)
        if not is_news:
            continue
        try:
            asked += _ask(session, subject_of(session, alert), imprint, now=now)
        except (DigestError, jinja2.TemplateError, ValueError):
            log.exception("an alert cannot be told", alert=alert.id)
    return asked


def _is_news(alert: Alert, *, now: dt.datetime) -> bool:
    """Whether it is worth telling: not what began and ended unseen, nor what was long ago."""
    if alert.told_at is not None or alert.ended_at is None:
        return True
    return alert.kind is AlertKind.EDITION_SKIPPED and alert.raised_at > now - _STILL_NEWS


def ask_receivers(
    session: Session,
    digest: Digest,
    prepared: PreparedMail,
    imprint: Imprint,
    *,
    which: str,
    now: dt.datetime,
) -> int:
    """Ask for a mail to each whom the digest names for alerts; of the same `which` nobody gets two."""
    asked = 0
    for account in receivers_of(session, digest.id):
        key = f"{which}:{account.id}"
        asked += notices.ask(
            session,
            key=key,
            kind=ALERT,
            address=account.address,
            sender_address=digest.sender_address,
            message=alert_message(digest, account, prepared, imprint, key=key, now=now),
            now=now,
        )
    return asked


def _ask(session: Session, subject: Subject, imprint: Imprint, *, now: dt.datetime) -> int:
    digest, alert = subject.digest, subject.alert
    words = Translator(for_editors(digest.language))
    single = alert_single(digest, words, headline(subject, words), sentences(subject, words), imprint)
    # Of one that is raised again there is another mail.
    which = f"alert:{alert.id}:{alert.raised_at:%Y%m%dT%H%M%S}:{'over' if subject.is_over else 'raised'}"
    asked = ask_receivers(session, digest, single.prepared, imprint, which=which, now=now)
    log.info("an alert is told", alert=alert.id, kind=alert.kind.value, people=asked)
    return asked


def alert_single(
    digest: Digest, words: Translator, line: str, told: tuple[str, ...], imprint: Imprint
) -> Single:
    """The mail about something that a digest tells of, not yet to anybody."""
    return single_mail(
        NoticeKind.ALERT,
        words.language,
        AlertNotice(
            headline=line,
            sentences=told,
            digest_title=digest.title,
            sender_name=digest.sender_name,
            postal_address=digest.postal_address,
        ),
        sender=Sender(digest.sender_name, digest.sender_address, digest.reply_to or ""),
        templates=imprint.templates,
    )


def alert_message(
    digest: Digest, account: Account, prepared: PreparedMail, imprint: Imprint, *, key: str, now: dt.datetime
) -> bytes:
    """It, filled in for one of the staff."""
    domain = digest.sender_address.rpartition("@")[2]
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6])
    return fill(
        prepared,
        {
            "to": account.address,
            "to_name": account.name,
            "date": date_text(now),
            "message_id": notice_message_id(number, domain, imprint.keys.address_key),
        },
    )
