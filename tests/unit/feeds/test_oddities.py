"""What is odd about a feed: kept as a code, told in the words of whoever looks, whichever release kept it."""

from __future__ import annotations

import json

import pytest

from digest.feeds.oddities import (
    SENTENCES,
    Odd,
    OddCode,
    faults_of_feed,
    is_kept,
    kept_sentences,
    odd_sentence,
)
from digest.i18n import translator

FACTS: dict[OddCode, dict[str, int | str]] = {
    OddCode.OTHER_LETTERS: {"said": "koi8-r"},
    OddCode.TOO_MANY: {"taken": 500, "left_out": 9500},
    **{
        code: {"count": 1234}
        for code in (
            OddCode.NO_ADDRESS,
            OddCode.NO_TITLE,
            OddCode.BAD_DATE,
            OddCode.NO_DATE,
            OddCode.FUTURE,
            OddCode.TWICE,
        )
    },
}
DOORS = (OddCode.REST_SHUT, OddCode.REST_SILENT, OddCode.FEED_SHUT)
KEPT_BEFORE = SENTENCES[OddCode.REST_SHUT]


@pytest.mark.parametrize("code", OddCode)
def test_each_is_told_in_the_language_of_whoever_looks(code: OddCode) -> None:
    """With its figures, from what is kept in the database, in English and in Armenian."""
    odd = Odd(code, FACTS.get(code, {}))
    kept = json.loads(json.dumps([odd.as_kept()]))
    told = [kept_sentences(kept, translator(language))[0] for language in ("en", "hy")]
    assert told[0] == odd_sentence(odd, translator("en")) != told[1]
    assert not any("%(" in sentence for sentence in told)
    assert not any("count" in odd.facts and "1" not in sentence for sentence in told)


def test_what_an_earlier_release_kept_is_still_told() -> None:
    """It kept English sentences: with a translation where there is one, else as they are."""
    kept = [KEPT_BEFORE, "Posts without a date: 3."]
    assert kept_sentences(kept, translator("en")) == tuple(kept)
    in_armenian = kept_sentences(kept, translator("hy"))
    assert in_armenian == (translator("hy").gettext(KEPT_BEFORE), "Posts without a date: 3.")
    assert is_kept(OddCode.REST_SHUT, kept)
    assert not is_kept(OddCode.REST_SILENT, kept)
    assert kept_sentences([{"code": "of-tomorrow", "facts": {}}], translator("en")) == ("of-tomorrow",)


def test_only_the_feeds_own_faults_are_counted() -> None:
    """A door that is shut is none, in either form that is kept."""
    of_doors = [Odd(code).as_kept() for code in DOORS]
    assert faults_of_feed([*of_doors, KEPT_BEFORE]) == 0
    assert faults_of_feed([*of_doors, Odd(OddCode.MALFORMED).as_kept(), "Posts without a date: 3."]) == 2
