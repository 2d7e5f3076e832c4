"""Mail services in words: each state and answer has a sentence, in every language of the desk."""

from __future__ import annotations

import datetime as dt

import pytest

from digest.errors import DigestError, UnreachableError
from digest.i18n import LANGUAGES, translator
from digest.mail.smtp_errors import ConnectionEndedError, SignInError
from digest.models import Transport
from digest.pacing.presets import PRESETS
from digest.web.desk.preset_words import PRESET_WORDS, TITLES
from digest.web.desk.told_services import advice, told_duration, told_service
from tests.factories.moments import NOW

HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (
            SignInError("The mail service does not take the login and password (535)."),
            "Type the password",
        ),
        (SignInError("The mail service's certificate is not valid: Hostname mismatch."), "certificate"),
        (SignInError("The mail service does not offer STARTTLS; ..."), "kind of encryption"),
        (ConnectionEndedError("The mail service gave no answer in time."), "may not belong together"),
        (UnreachableError("The mail service at m.test:25 cannot be reached: refused."), "Nobody answers"),
        (UnreachableError("It did not take the test mail: 550 5.7.1 not verified"), "send as this sender"),
        (UnreachableError("It did not take the test mail: 554 rejected"), "refuses for good"),
        (UnreachableError("It did not take the test mail: 451 4.7.1 greylisted"), "not now"),
        (UnreachableError("The mail service did not say whether it took the test mail; try again."), ""),
    ],
)
def test_each_answer_says_what_to_look_at(error: DigestError, part: str) -> None:
    """What a person can do about it, or nothing where the sentence says it already."""
    found = advice(error, translator("en"))
    assert part in found
    assert bool(found) == bool(part)
    assert bool(advice(error, translator("hy"))) == bool(part)


@pytest.mark.parametrize(
    ("values", "badge"),
    [
        ({"is_enabled": False, "accepted_at": NOW}, "off"),
        ({"accepted_at": None}, "to be tested"),
        ({"accepted_at": NOW, "rests_until": NOW + HOUR, "fault": "no answer"}, "fails"),
        ({"accepted_at": NOW, "rests_until": NOW - HOUR, "fault": "no answer"}, "failed"),
        ({"accepted_at": NOW, "fault": ""}, "works"),
    ],
)
def test_each_state_of_a_service_is_told(values: dict[str, object], badge: str) -> None:
    """One word and one sentence; what it said stands in the sentence."""
    row = Transport(**{"is_enabled": True, "fault": "", **values})
    told = told_service(row, translator("en"), now=NOW, at=str)
    assert told.badge == badge
    assert str(values.get("fault", "")) in told.sentence


@pytest.mark.parametrize("takes", [None, dt.timedelta(seconds=5), 2 * HOUR])
def test_one_mail_is_told_as_one(takes: dt.timedelta | None) -> None:
    """A list of one reader is no "1 mails"."""
    words = translator("en")
    assert told_duration(1, takes, words).startswith(("1 mail goes", "1 mail takes"))
    assert told_duration(1200, takes, words).startswith(("1,200 mails go ", "1,200 mails take "))


def test_each_common_service_has_its_words() -> None:
    """A preset that is added without words would be a page without them."""
    assert set(PRESET_WORDS) == set(PRESETS)
    assert set(TITLES) <= set(PRESETS)
    for name, known in PRESETS.items():
        assert bool(PRESET_WORDS[name].user_name) == bool(known.username_hint), name
    assert len(LANGUAGES) > 1
