"""Golden mails: a change of what readers get is seen in the files, and meant."""

from __future__ import annotations

import pytest

from tests.golden import FOLDER, message, path_of, readable
from tests.mail_cases import CASES, LANGUAGES, LAYOUTS, Case, pairwise


@pytest.mark.parametrize("case", pairwise(), ids=str)
def test_a_mail_is_as_it_was(case: Case) -> None:
    """To the last character; if the change is meant, `make golden` writes it down."""
    assert readable(message(case)) == path_of(case).read_text(encoding="utf-8")


def test_the_sample_has_every_pair() -> None:
    """Each case in each layout, each language in each layout; and no file is left over."""
    found = pairwise()
    assert {(case.kind, case.layout) for case in found} == {(kind, at) for kind in CASES for at in LAYOUTS}
    assert {(case.language, case.layout) for case in found} == {
        (language, at) for language in LANGUAGES for at in LAYOUTS
    }
    assert {path_of(case) for case in found} == set(FOLDER.iterdir())
