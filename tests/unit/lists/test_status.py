"""The table of what may become of a subscription."""

from __future__ import annotations

import itertools

import pytest

from digest.errors import StateError
from digest.lists.status import RUNNING, TRANSITIONS, Action, Origin, next_status
from digest.models import SubscriptionStatus


def test_nothing_but_a_sign_up_leads_out_of_ended() -> None:
    """What has ended stays ended whatever is done to it, and a repeated end is allowed."""
    for action in Action:
        if action is Action.END:
            assert next_status(SubscriptionStatus.ENDED, action) is SubscriptionStatus.ENDED
        else:
            with pytest.raises(StateError, match="ended"):
                next_status(SubscriptionStatus.ENDED, action)


def test_every_status_can_be_ended() -> None:
    """Whoever wants to leave can, from any status."""
    for status in SubscriptionStatus:
        assert next_status(status, Action.END) is SubscriptionStatus.ENDED


def test_only_a_confirmation_makes_a_pending_one_active() -> None:
    """No resume, import or other action mails somebody who has not confirmed."""
    ways = [action for action in Action if TRANSITIONS.get((SubscriptionStatus.PENDING, action))]
    assert ways == [Action.CONFIRM, Action.END]


def test_only_what_runs_is_changed_and_stays_what_it_is() -> None:
    """Another rhythm or other topics are for who has confirmed and has not left."""
    changed = {status for status in SubscriptionStatus if (status, Action.CHANGE) in TRANSITIONS}
    assert changed == RUNNING
    assert all(next_status(status, Action.CHANGE) is status for status in RUNNING)


def test_doing_it_again_stays_where_it_led() -> None:
    """Every action that is possible is possible again right after, and changes nothing then."""
    for status, action in itertools.product(SubscriptionStatus, Action):
        if (status, action) in TRANSITIONS:
            reached = next_status(status, action)
            assert next_status(reached, action) is reached


def test_only_what_people_do_themselves_is_a_sign_of_life() -> None:
    """Clerks, imports and clocks are nobody's sign of life."""
    others = {Origin.CLI, Origin.DESK, Origin.IMPORT, Origin.SWEEP, Origin.FEEDBACK}
    assert {origin for origin in Origin if not origin.is_own} == others
