"""What a receiver's own rules say of our mails, beyond reputation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import message
from tests.mail_cases import Case, everything
from tests.servers import spamassassin

# What a normal mail meets: a list's mail counts for it; that nothing was received here counts for nothing.
_NORMAL = frozenset({"HTML_MESSAGE", "MAILING_LIST_MULTI", "NO_RECEIVED", "NO_RELAYS"})
# What the hard cases may meet besides; all of these count nothing or next to it. The ratios are those of few
# words beside a picture: by which of them depends on how long one language's words are.
_HARD = frozenset({"UPPERCASE_50_75", "WEIRD_PORT", "HTML_FONT_LOW_CONTRAST"}) | {
    f"HTML_IMAGE_RATIO_0{tenths}" for tenths in (2, 4, 6, 8)
}
_ENOUGH = -0.9


def _named(cases: list[Case]) -> dict[str, bytes]:
    return {str(case): message(case) for case in cases}


def test_normal_editions_are_taken_for_a_lists_mail(spamassassin_path: Path, tmp_path: Path) -> None:
    """English and Armenian, in both layouts: -0.9 points or less, no rule but a list's. A fault is found."""
    cases = [case for case in everything() if case.kind == "normal" and case.language in ("en", "hy")]
    mails = _named(cases)
    mails["undated"] = mails[str(cases[0])].replace(b"\r\nDate: ", b"\r\nX-Date: ", 1)
    found = spamassassin.judge(spamassassin_path, mails, tmp_path)
    assert found.keys() == mails.keys()
    assert found.pop("undated").score > _ENOUGH
    assert {name: verdict.rules for name, verdict in found.items()} == dict.fromkeys(found, _NORMAL)
    assert max(verdict.score for verdict in found.values()) <= _ENOUGH


@pytest.mark.slow
def test_no_case_meets_a_rule_that_was_not_expected(spamassassin_path: Path, tmp_path: Path) -> None:
    """Every layout, language and hard case."""
    found = spamassassin.judge(spamassassin_path, _named(list(everything())), tmp_path)
    strange = {name: verdict.rules - _NORMAL - _HARD for name, verdict in found.items()}
    assert {name: rules for name, rules in strange.items() if rules} == {}
    assert {name: verdict.score for name, verdict in found.items() if verdict.score > 0} == {}
