"""The hard cases before the checks: nothing stops them, and only what was planted in them is found.

Among the checks is that of what 23 mail programs support, by caniemail's data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import pytest

from digest.preflight.mail import judge_mail
from digest.preflight.mail_findings import Code, MailLevel
from digest.rendering.contexts import TextSize
from tests.mail_cases import LANGUAGES, LAYOUTS, Case, everything, pairwise
from tests.unit.preflight.mails import facts_of

# What the hard cases are made of; all others are clean.
PLANTED: Final[Mapping[str, frozenset[Code]]] = {
    "long-titles": frozenset({Code.SUBJECT_LONG, Code.SAME_STORY}),
    "hostile": frozenset({Code.SUBJECT_LONG, Code.SUBJECT_MARKUP}),
    "missing-picture": frozenset({Code.PICTURE_WITHOUT_WORDS}),
}
# Each kind once, the layouts by turns.
_SAMPLE = [case for place, case in enumerate(pairwise()) if place % 2 == place // 2 % 2]


def check(case: Case, size: TextSize = TextSize.NORMAL) -> None:
    found = judge_mail(facts_of(dataclasses.replace(case.context(), text_size=size)))
    assert {one.code for one in found} == PLANTED.get(case.kind, frozenset())
    assert MailLevel.BLOCK not in {one.level for one in found}


@pytest.mark.parametrize("case", _SAMPLE, ids=str)
def test_a_case_has_no_faults_but_its_own(case: Case) -> None:
    """Each kind once in a run."""
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in everything() if case not in _SAMPLE], ids=str)
def test_no_layout_or_language_brings_a_fault(case: Case) -> None:
    """All others."""
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_larger_text_brings_no_fault(layout: str, language: str) -> None:
    """The variant for whoever wants it."""
    check(Case(layout, language, "normal"), TextSize.LARGE)
