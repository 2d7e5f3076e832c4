"""Every outcome of a delivery can be told, in both languages."""

from __future__ import annotations

import pytest

from digest.deliveries.reasons import CAUSES, REASONS, STATUSES, cause_sentence, sentence
from digest.i18n import LANGUAGES, translator
from digest.models import DeliveryReason, DeliveryStatus, UncertainCause


def test_each_has_its_sentence() -> None:
    """None is left out and no two are told alike."""
    assert set(REASONS) == set(DeliveryReason)
    assert set(STATUSES) == set(DeliveryStatus)
    assert set(CAUSES) == set(UncertainCause)
    everything = [*REASONS.values(), *STATUSES.values(), *CAUSES.values()]
    assert len(set(everything)) == len(everything)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_is_told_in_each_language(language: str) -> None:
    """A sentence that ends like one; Armenian is not English."""
    words = translator(language)
    told = [
        *(sentence(DeliveryStatus.SKIPPED, reason, words) for reason in DeliveryReason),
        *(sentence(status, None, words) for status in DeliveryStatus),
        *(cause_sentence(cause, words) for cause in UncertainCause),
    ]
    assert all(one.endswith("." if language == "en" else "։") for one in told)
    assert all(one.isascii() is (language == "en") for one in told)
