"""What is kept for how long, in words for the desk. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final, NamedTuple

from digest.i18n import N_, Translator
from digest.lists.confirmations import PERIOD
from digest.lists.retention import Kind, RetentionTimes

_DAY: Final = dt.timedelta(days=1)


class KeptWords(NamedTuple):
    """What it is, how long it is kept, and by which setting that is changed; "" where it is fixed."""

    what: str
    how_long: str
    setting: str = ""


_KINDS: Final[Mapping[Kind, KeptWords]] = {
    Kind.NETWORKS: KeptWords(
        N_("Where on the network a sign-up came from"), N_("as many days as its list says")
    ),
    Kind.LINKS: KeptWords(
        N_("Links that a reader asked for"),
        N_("%(time)s after they were used or have ended"),
        "DIGEST_KEEP_LINKS_DAYS",
    ),
    Kind.SIGN_UPS: KeptWords(
        N_("Sign-ups that nobody confirmed"), N_("%(time)s after the last mail that asked for it")
    ),
    Kind.CONFIRMATIONS: KeptWords(
        N_("That somebody was asked to confirm"), N_("%(time)s: so long it counts against a limit")
    ),
    Kind.BUCKETS: KeptWords(N_("Limits of the public pages"), N_("%(time)s without use")),
    Kind.NOTICES: KeptWords(
        N_("Single mails: welcome, confirm, goodbye, tests"),
        N_("%(time)s after they were handed over or failed"),
        "DIGEST_KEEP_NOTICES_DAYS",
    ),
    Kind.FILES: KeptWords(
        N_("Files of imports and exports, and pictures"), N_("until their own end, 30 days at most for files")
    ),
}


def told_kind(kind: Kind, times: RetentionTimes, words: Translator) -> KeptWords:
    """One kind in words, with its time."""
    found = _KINDS[kind]
    time = {
        Kind.LINKS: times.links,
        Kind.SIGN_UPS: PERIOD,
        Kind.CONFIRMATIONS: PERIOD,
        Kind.BUCKETS: _DAY,
        Kind.NOTICES: times.notices,
    }.get(kind)
    values = {} if time is None else {"time": days(time, words)}
    return KeptWords(words.gettext(found.what), words.gettext(found.how_long, **values), found.setting)


def days(time: dt.timedelta, words: Translator) -> str:
    """A time as a number of days."""
    return words.ngettext("%(count)s day", "%(count)s days", time.days)
