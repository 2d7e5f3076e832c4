"""Settings: each matter with how it stands now, and the way there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.rights import May
from digest.i18n import N_, Translator
from digest.lists.retention import last_run
from digest.models import Account, AlertReceiver, Digest, DkimKey, LinkForm, Signer, Transport
from digest.pacing.transports import transports
from digest.web.desk.pages.digest_settings import LANGUAGE_NAMES
from digest.web.desk.pages.settings_senders import sender_domain
from digest.web.desk.table import desk
from digest.web.desk.told_services import told_pace
from digest.web.desk.visit import Here, Visit


@dataclass(frozen=True, slots=True)
class Matter:
    """A page of the settings; `now` is how it stands, `tone` whether something is missing."""

    path: str
    icon: str
    title: str
    what: str
    now: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class _Facts:
    services: Sequence[Transport]
    digests: Sequence[Any]
    signing: int
    told: frozenset[int]
    cleaned_at: dt.datetime | None


@desk.get("/settings", may=May.RUN_SETTINGS)
def show_settings_home(visit: Here) -> Response:
    """All matters at a glance."""
    with visit.database.read() as session:
        facts = _facts(session)
    return visit.page("settings.html", matters=_matters(visit, facts))


def _facts(session: Session) -> _Facts:
    run = last_run(session)
    told = (
        sa.select(AlertReceiver.digest_id)
        .join(Account, Account.id == AlertReceiver.account_id)
        .where(Account.disabled_at.is_(None))
    )
    columns = (Digest.id, Digest.sender_address, Digest.language, Digest.links)
    return _Facts(
        services=[row for row in transports(session) if row.is_enabled],
        digests=session.execute(sa.select(*columns).order_by(Digest.id)).all(),
        signing=session.scalar(sa.select(sa.func.count()).where(DkimKey.is_enabled)) or 0,
        told=frozenset(session.scalars(told)),
        cleaned_at=run.at if run else None,
    )


def _matters(visit: Visit, facts: _Facts) -> list[Matter]:
    words = visit.words
    _ = words.gettext
    return [
        _services(words, facts, visit.now),
        Matter(
            "/settings/senders",
            "mail",
            _(N_("Senders")),
            _(N_("The addresses that mails come from, and what their domains must say in the DNS.")),
            ", ".join(dict.fromkeys(sender_domain(each.sender_address) for each in facts.digests))
            or _(N_("There is none yet.")),
        ),
        _keys(words, facts),
        _paces(words, facts),
        Matter(
            "/settings/languages",
            "language",
            _(N_("Languages and words")),
            _(N_("What readers are spoken to in, and words of your own.")),
            ", ".join(
                dict.fromkeys(LANGUAGE_NAMES.get(each.language, each.language) for each in facts.digests)
            )
            or _(N_("No digest speaks yet.")),
        ),
        _alerts(words, facts),
        Matter(
            "/settings/links",
            "link",
            _(N_("Links in mails")),
            _(N_("Straight to the story, or through our own address.")),
            _links(words, facts),
        ),
        Matter(
            "/settings/retention",
            "trash",
            _(N_("What is kept")),
            _(N_("For how long, and what goes next.")),
            _(N_("Last cleaned up: %(when)s."), when=words.day(visit.day_of(facts.cleaned_at)))
            if facts.cleaned_at
            else _(N_("It has not run yet.")),
        ),
    ]


def _services(words: Translator, facts: _Facts, now: dt.datetime) -> Matter:
    rows = facts.services
    ready = [row for row in rows if row.accepted_at is not None]
    failing = [row for row in ready if row.rests_until is not None and row.rests_until > now]
    if not rows:
        told, tone = words.gettext(N_("There is none: nobody is mailed.")), "bad"
    elif not ready:
        told, tone = words.gettext(N_("None has taken a test mail yet.")), "bad"
    elif failing:
        said = N_("%(names)s fails.")
        told, tone = words.gettext(said, names=", ".join(row.name for row in failing)), "warn"
    else:
        told = words.ngettext("%(count)s works.", "%(count)s work.", len(ready))
        tone = "good"
    what = words.gettext(N_("What hands the mails over, and in which order they are tried."))
    return Matter("/mail-services", "send", words.gettext(N_("Mail services")), what, told, tone)


def _keys(words: Translator, facts: _Facts) -> Matter:
    is_wanted = any(row.signer is Signer.US for row in facts.services)
    if facts.signing:
        now = words.ngettext("%(count)s key signs.", "%(count)s keys sign.", facts.signing)
    elif is_wanted:
        now = words.gettext(N_("A mail service leaves signing to us, and no key signs."))
    else:
        now = words.gettext(N_("None is needed."))
    what = words.gettext(N_("For mail services that leave signing to us."))
    tone = "bad" if is_wanted and not facts.signing else ""
    return Matter("/settings/keys", "key", words.gettext(N_("Keys to sign with")), what, now, tone)


def _paces(words: Translator, facts: _Facts) -> Matter:
    first = next((row for row in facts.services if row.accepted_at is not None), None)
    if first is None or not (first.per_second or first.per_hour):
        now = words.gettext(N_("As fast as the mail service takes them."))
    else:
        now = words.gettext(N_("At most %(pace)s."), pace=told_pace(first, words))
    what = words.gettext(N_("How many mails a mail service is handed, and how long the largest list takes."))
    return Matter("/settings/paces", "clock", words.gettext(N_("Paces")), what, now)


def _alerts(words: Translator, facts: _Facts) -> Matter:
    without = sum(each.id not in facts.told for each in facts.digests)
    if without:
        now = words.ngettext(
            "Of %(count)s digest nobody is told.", "Of %(count)s digests nobody is told.", without
        )
    else:
        now = words.gettext(N_("Somebody is told of each digest.") if facts.digests else N_("No digest yet."))
    what = words.gettext(N_("Who gets a mail when something wants a person."))
    title = words.gettext(N_("Alerts"))
    return Matter("/settings/alerts", "bell", title, what, now, "warn" if without else "")


def _links(words: Translator, facts: _Facts) -> str:
    counted = sum(each.links is LinkForm.COUNTED for each in facts.digests)
    if not counted:
        return words.gettext(N_("All lead straight to the story."))
    return words.ngettext("%(count)s digest counts.", "%(count)s digests count.", counted)
