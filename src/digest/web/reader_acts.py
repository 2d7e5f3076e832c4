"""What each button of the reader's page does. Every act answers with a code for the page and what it was.

Acts raise DigestError where they cannot be done; then nothing is changed. The person is held while they act,
before any of their subscriptions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from digest.errors import InputError, NotFoundError
from digest.i18n import N_, translator
from digest.lists import languages, preferences
from digest.lists.fresh_links import Asked, FreshKind, ask_fresh_link
from digest.lists.goodbye import ask_goodbye
from digest.lists.leaving import Reason, give_reason, stop_all
from digest.lists.queries import subscription_of
from digest.lists.status import Action, Origin, next_status
from digest.lists.subscribe import end, pause, resume
from digest.models import MailingList, Subscription, TextSize
from digest.web.deps import Services
from digest.web.reader_answers import stationery_of
from digest.web.reader_view import PAUSE_DAYS_MOST, Reader, is_shown, zone_of

_OWN: Final = Origin.PREFERENCES


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed, with all that its act needs."""

    session: Session
    services: Services
    reader: Reader
    form: Mapping[str, str]
    now: dt.datetime
    network: str = ""  # the IP address it came from; of it is kept what each list says

    @property
    def value(self) -> str:
        return self.form.get("value", "")[:40]

    @property
    def number(self) -> int:
        """The value as an id; raises NotFoundError."""
        text = self.value
        if not (text.isascii() and text.isdecimal() and len(text) < 18):
            raise NotFoundError("That is no choice of this page.")
        return int(text)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to say on the page, what an undo needs, and whose page it is."""

    code: str = ""
    was: str = ""
    subscription: Subscription | None = None


NOTHING: Final = Outcome("nothing")


class BadDateError(InputError):
    """A day that a pause cannot last until."""

    def __init__(self) -> None:
        super().__init__("A pause lasts until a day from tomorrow on, within two years.")


def act(press: Press) -> Outcome:
    """Do what the form's field `do` names; raises DigestError where it cannot be done."""
    found = _ACTS.get(press.form.get("do", ""))
    if found is None:
        raise InputError("That is no button of this page.")
    return found(press)


def _cadence(press: Press) -> Outcome:
    subscription = press.reader.subscription
    was = preferences.cadence_of(press.session, subscription)
    if not preferences.choose_cadence(press.session, subscription, press.number, now=press.now):
        return NOTHING
    if was is not None and was.id == press.number:
        return Outcome("resumed")
    return Outcome("cadence", str(was.id) if was else "")


def _pause(press: Press) -> Outcome:
    return _paused(press, None)


def _pause_until(press: Press) -> Outcome:
    try:
        day = dt.date.fromisoformat(press.value)
    except ValueError:
        raise BadDateError from None
    zone = ZoneInfo(zone_of(press.session, press.reader))
    ahead = (day - press.now.astimezone(zone).date()).days
    if not 1 <= ahead <= PAUSE_DAYS_MOST:
        raise BadDateError
    return _paused(press, dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC))


def _paused(press: Press, until: dt.datetime | None) -> Outcome:
    subscription = press.reader.subscription
    is_new = pause(
        press.session,
        subscription,
        source=_OWN,
        actor="",
        now=press.now,
        until=until,
        network=press.network,
    )
    return Outcome("paused_until" if until else "paused") if is_new else NOTHING


def _resume(press: Press) -> Outcome:
    subscription = press.reader.subscription
    until = subscription.paused_until
    if not resume(press.session, subscription, source=_OWN, actor="", now=press.now, network=press.network):
        return NOTHING
    zone = ZoneInfo(zone_of(press.session, press.reader))
    return Outcome("resumed", until.astimezone(zone).date().isoformat() if until else "")


def _text(press: Press) -> Outcome:
    size = TextSize.LARGE if press.value == "large" else TextSize.NORMAL
    _require_running(press)
    if not preferences.choose_text_size(
        press.session, press.reader.subscription.subscriber_id, size, now=press.now
    ):
        return NOTHING
    return Outcome(size.value)


def _topics(press: Press) -> Outcome:
    subscription = press.reader.subscription
    known = preferences.topics_of(press.session, subscription.list_id)
    chosen = [each.name for each in known if f"topic-{each.id}" in press.form]
    was = "-".join(str(each.id) for each in known if each.name in subscription.topics)
    if not preferences.choose_topics(press.session, subscription, chosen, now=press.now):
        return NOTHING
    return Outcome("topics", was)


def _join(press: Press) -> Outcome:
    _require_shown(press)
    is_new = preferences.join_list(
        press.session,
        press.reader.subscription,
        press.number,
        address_key=press.services.keys.address_key,
        words=_words(press, N_("Join: %(title)s")),
        now=press.now,
        network=press.network,
    )
    return Outcome("joined", str(press.number)) if is_new else NOTHING


def _leave(press: Press) -> Outcome:
    _require_shown(press)
    person = press.reader.person
    found = subscription_of(press.session, list_id=press.number, subscriber_id=person.id)
    if found is None or not end(
        press.session,
        found,
        source=_OWN,
        now=press.now,
        reason="left by the page",
        network=press.network,
    ):
        return NOTHING
    _goodbye(press, found)
    is_own = found.id == press.reader.subscription.id
    return Outcome() if is_own else Outcome("left", str(press.number))


def _language(press: Press) -> Outcome:
    was = press.reader.mailing_list.id
    moved = languages.switch_language(
        press.session,
        press.reader.subscription,
        press.number,
        address_key=press.services.keys.address_key,
        words=_words(press, N_("Language: %(title)s")),
        now=press.now,
        network=press.network,
    )
    return Outcome("language", str(was), moved)


def _stop_all(press: Press) -> Outcome:
    """One goodbye for all: its undo brings all back."""
    person_id = press.reader.person.id
    ended = stop_all(press.session, person_id, source=_OWN, now=press.now, network=press.network)
    if not ended:
        return NOTHING
    own = [each for each in ended if each.id == press.reader.subscription.id]
    _goodbye(press, (own or ended)[0])
    return Outcome()


def _reason(press: Press) -> Outcome:
    try:
        reason = Reason(press.value)
    except ValueError:
        raise InputError("That is no reason of this page.") from None
    said = give_reason(press.session, press.reader.subscription, reason, now=press.now)
    return Outcome("reason") if said else NOTHING


def _ask(press: Press) -> Outcome:
    """Have a fresh link mailed. The one to a new address is never asked for here."""
    kinds = {each.value: each for each in (FreshKind.DATA, FreshKind.ERASE, FreshKind.ADDRESS)}
    kind = kinds.get(press.value)
    if kind is None:
        raise InputError("That is no link that can be asked for.")
    if kind is FreshKind.ADDRESS:
        _require_running(press)
    asked = ask_fresh_link(
        press.session,
        press.reader.subscription,
        kind,
        stationery_of(press.services),
        now=press.now,
    )
    return Outcome({Asked.MAILED: "mailed", Asked.ENOUGH: "enough"}.get(asked, "not_allowed"))


def _goodbye(press: Press, subscription: Subscription) -> None:
    ask_goodbye(press.session, subscription, stationery_of(press.services), now=press.now)


def _words(press: Press, message: str) -> str:
    """What the button said, in the language of its page: that is what the person agreed to."""
    target = press.session.get(MailingList, press.number)
    words = translator(press.reader.language).gettext(message)
    return words % {"title": target.title if target else ""}


def _require_shown(press: Press) -> None:
    """A number that the page does not show is answered alike, whether the person is on that list or not."""
    target = press.session.get(MailingList, press.number)
    if target is None or not is_shown(target, press.reader):
        raise NotFoundError("That is no list of this page.")


def _require_running(press: Press) -> None:
    """Raises StateError for one that waits to be confirmed, or has ended."""
    next_status(press.reader.subscription.status, Action.CHANGE)


# Whoever wants less mail is never asked to wait. Done twice they do nothing, and mail nothing.
NEVER_LIMITED: Final = frozenset({"stop_all", "leave", "pause"})

_ACTS: Final[Mapping[str, Callable[[Press], Outcome]]] = {
    "cadence": _cadence,
    "pause": _pause,
    "pause_until": _pause_until,
    "resume": _resume,
    "text": _text,
    "topics": _topics,
    "join": _join,
    "leave": _leave,
    "language": _language,
    "stop_all": _stop_all,
    "reason": _reason,
    "ask": _ask,
}
