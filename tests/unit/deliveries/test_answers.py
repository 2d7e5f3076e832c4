"""What the answers of mail servers mean, in groups."""

from __future__ import annotations

import pytest

from digest.deliveries.answers import WORDS, Answer, Given, answer_of, grouped


@pytest.mark.parametrize(
    ("code", "enhanced", "means"),
    [
        (250, "2.0.0", Answer.TAKEN),
        (550, "5.1.1", Answer.NOBODY),
        (550, "5.2.1", Answer.NOBODY),
        (552, "5.2.2", Answer.FULL),
        (452, "4.2.2", Answer.FULL),
        (552, "5.3.4", Answer.LARGE),
        (550, "5.7.1", Answer.DISTRUST),
        (421, "4.7.0", Answer.LATER),
        (451, "", Answer.LATER),
        (550, "", Answer.NOBODY),
        (552, "", Answer.FULL),
        (554, "", Answer.REFUSED),
        (554, "5.6.0", Answer.REFUSED),
        (None, "", Answer.NONE),
    ],
)
def test_an_answer_is_told_by_its_codes(code: int | None, enhanced: str, means: Answer) -> None:
    """The enhanced code counts before the plain one; a 4 is never a mailbox that does not exist."""
    assert answer_of(code, enhanced) is means
    assert WORDS[means]


def test_answers_are_grouped_by_what_they_mean() -> None:
    """The largest group first, in it the answer that was given most; no person is counted twice or lost."""
    given = [
        Given(1, 550, "5.1.1", "no such user", 2),
        Given(2, 552, "5.2.2", "over quota", 4),
        Given(3, 550, "5.1.10", "unknown", 3),
        Given(None, None, "", "", 1),
    ]
    found = grouped(given)
    assert [(one.answer, one.people) for one in found] == [
        (Answer.NOBODY, 5),
        (Answer.FULL, 4),
        (Answer.NONE, 1),
    ]
    assert [one.reply_id for one in found[0].given] == [3, 1]
