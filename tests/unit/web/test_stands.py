"""Why an edition stands as it does, beside the badge of its state; and what the trail notes besides."""

from __future__ import annotations

import pytest

from digest.editions.reasons import SENTENCES
from digest.i18n import translator
from digest.models import EditionState, Reason
from digest.web.desk.detail_words import details_in_words
from digest.web.desk.stands import told_reason

S = EditionState
STOPPED = {S.HELD: "Held", S.PAUSED: "Paused", S.SKIPPED: "Skipped"}


@pytest.mark.parametrize("state", [S.HELD, S.PAUSED, S.SKIPPED, S.CANCELLED])
def test_what_a_person_did_is_told_with_their_name(state: EditionState) -> None:
    """In each language, another sentence for each state; or that it was somebody, if nobody noted who."""
    for language in ("en", "hy"):
        words = translator(language)
        told = {
            each: told_reason(each, Reason.BY_PERSON, words, who="Nare") for each in (*STOPPED, S.CANCELLED)
        }
        assert "Nare" in told[state]
        assert len(set(told.values())) == len(told)
        nobody = told_reason(state, Reason.BY_PERSON, words)
        assert nobody == told[state].replace("Nare", words.gettext("Somebody"))


@pytest.mark.parametrize("language", ["en", "hy", "fr"])
def test_no_reason_says_again_what_the_badge_beside_it_says(language: str) -> None:
    """Its first word goes, whichever colon its language has, and the rest begins as a sentence does."""
    words = translator(language)
    for reason, text in SENTENCES.items():
        for state, lead in STOPPED.items():
            told = told_reason(state, reason, words, who="Nare")
            whole = words.gettext(text)
            if text.startswith(f"{lead}: "):
                assert told != whole
                assert whole.endswith(told[1:])
                assert told[0] == told[0].upper()
            elif reason is not Reason.BY_PERSON:
                assert told == whole


def test_the_trail_says_in_words_what_it_notes_besides() -> None:
    """No name or value of the code that has words, and nothing that only the machine can read."""
    noted = {"was": "paused", "revision": 2, "fingerprint": "0" * 64, "is_enabled": False, "people": 12_000}
    assert (
        details_in_words(noted, translator("en"))
        == "before: paused, version: 2, switched on: no, people: 12,000"
    )
    assert "before" not in details_in_words(noted, translator("hy"))


def test_what_has_no_words_yet_is_said_as_it_is() -> None:
    """A note of a later version is not lost, nor one within another."""
    noted = {"moon_phase": "full", "changed": {"port": [25, 587]}, "segment": ""}
    assert details_in_words(noted, translator("en")) == "moon phase: full, what: port: 25, 587"
