"""Whether a group is made while one is sent: by how much of a core the signing gets."""

from __future__ import annotations

from digest.deliveries.overlap import Overlap


def test_two_groups_at_a_time_where_the_signing_has_a_core() -> None:
    """Also if it has to wait for a moment once."""
    overlap = Overlap()
    for cpu in (0.04, 0.039, 0.02, 0.04, 0.02, 0.038):
        overlap.signed(wall=0.04, cpu=cpu, is_beside=True)
        overlap.sent(wall=0.3)
        assert overlap.groups == 2


def test_one_after_another_where_others_want_the_core() -> None:
    """As on one core that the mail server runs on: seen twice in a row, for the rest of the turn."""
    overlap = Overlap()
    overlap.signed(wall=0.04, cpu=0.039, is_beside=False)
    overlap.signed(wall=0.07, cpu=0.036, is_beside=True)
    assert overlap.groups == 2
    overlap.signed(wall=0.07, cpu=0.036, is_beside=True)
    assert overlap.groups == 1
    for _ in range(5):
        overlap.signed(wall=0.037, cpu=0.036, is_beside=False)
        overlap.sent(wall=0.035)
        assert overlap.groups == 1


def test_a_server_that_is_far_away_is_not_waited_for() -> None:
    """However crowded the core is: while its answers travel, the next group can be made."""
    overlap = Overlap()
    for _ in range(2):
        overlap.signed(wall=0.07, cpu=0.036, is_beside=True)
    overlap.signed(wall=0.037, cpu=0.036, is_beside=False)
    overlap.sent(wall=0.25)
    assert overlap.groups == 2
    for _ in range(5):
        overlap.signed(wall=0.07, cpu=0.036, is_beside=True)
        assert overlap.groups == 2


def test_with_a_pace_there_is_one() -> None:
    """Whatever is measured."""
    overlap = Overlap(is_paced=True)
    for _ in range(3):
        overlap.signed(wall=0.04, cpu=0.04, is_beside=False)
        overlap.sent(wall=9.0)
        assert overlap.groups == 1
