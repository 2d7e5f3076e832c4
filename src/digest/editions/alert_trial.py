"""A test of the alerts: the mail that one would be, to those whom a digest names, saying that it is one."""

from __future__ import annotations

import datetime as dt
from typing import Final

from sqlalchemy.orm import Session

from digest import audit
from digest.editions.alert_mails import alert_single, ask_receivers
from digest.editions.copies import Imprint
from digest.i18n import N_, Translator, for_editors
from digest.models import Digest

_HEADLINE: Final = N_("A test of the alerts: nothing is wrong")
_SENTENCES: Final = (
    N_("Somebody at the desk wanted to see whether alerts reach you. They do."),
    N_("A real one says what is wrong, what becomes of it by itself, and by when."),
)


def ask_test_alert(
    session: Session, digest: Digest, imprint: Imprint, *, actor: str, now: dt.datetime
) -> int:
    """Ask for the mails of a test, in the digest's language; how many. Twice within a second is once."""
    words = Translator(for_editors(digest.language))
    single = alert_single(
        digest,
        words,
        words.gettext(_HEADLINE),
        tuple(words.gettext(each) for each in _SENTENCES),
        imprint,
    )
    which = f"alert-test:{digest.id}:{now:%Y%m%dT%H%M%S}"
    asked = ask_receivers(session, digest, single.prepared, imprint, which=which, now=now)
    if asked:
        audit.record(session, "digest.alerts_test", digest, actor=actor, now=now, details={"people": asked})
    return asked
