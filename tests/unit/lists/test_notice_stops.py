"""What stops a single mail: each kind has its rule, and each rule its reason."""

from __future__ import annotations

import itertools

import pytest

from digest.lists import notice_keys
from digest.lists.notice_keys import About, about
from digest.lists.notice_stops import RULES, rule_of, stop
from digest.models import SubscriptionStatus, SuppressionCause, SuppressionKind
from digest.notices.staff import STAFF_KINDS
from digest.rendering.notices import NoticeKind
from tests.factories.moments import NOW

ADDRESS, DOMAIN = SuppressionKind.ADDRESS, SuppressionKind.DOMAIN


def test_every_kind_for_readers_has_a_rule() -> None:
    """A new kind of mail cannot be sent without a decision on what stops it."""
    assert set(RULES) == (set(NoticeKind) - STAFF_KINDS) | {notice_keys.NEW_ADDRESS}


@pytest.mark.parametrize("kind", [*RULES, "of another version"])
def test_what_lasts_stops_every_mail_and_a_domain_too(kind: str) -> None:
    """`never` and `legal` have no exception, nor has a domain for any cause; the reason names the cause."""
    rule = rule_of(kind, "")
    statuses = [*SubscriptionStatus, None]
    for cause, status in itertools.product(SuppressionCause, statuses):
        assert f"domain is on the do-not-mail list ({cause.value})" in str(
            stop(rule, [(DOMAIN, cause)], status)
        )
    for cause, status in itertools.product((SuppressionCause.NEVER, SuppressionCause.LEGAL), statuses):
        assert f"address is on the do-not-mail list ({cause.value})" in str(
            stop(rule, [(ADDRESS, cause)], status)
        )


def test_only_what_the_person_asked_for_passes_a_bounce_or_a_complaint() -> None:
    """A confirmation and a fresh link; not the link to an address that is not proven."""
    for cause in (SuppressionCause.BOUNCE, SuppressionCause.COMPLAINT):
        passed = {
            kind
            for kind, rule in RULES.items()
            if any(stop(rule, [(ADDRESS, cause)], status) is None for status in SubscriptionStatus)
        }
        assert passed == {NoticeKind.CONFIRM, NoticeKind.FRESH_LINK}
    assert rule_of(NoticeKind.FRESH_LINK, notice_keys.new_address_key("a" * 64, NOW)) is RULES["new-address"]


def test_a_subscription_that_has_changed_stops_what_speaks_of_it() -> None:
    """Of the states of a subscription, and of one that is gone, these let a kind pass."""
    passing = {
        kind: {status for status in (*SubscriptionStatus, None) if stop(rule, [], status) is None}
        for kind, rule in RULES.items()
        if rule.needs is not None
    }
    pending, active, paused, ended = SubscriptionStatus
    assert passing == {
        NoticeKind.WELCOME: {active},
        NoticeKind.PERMISSION: {active},
        NoticeKind.CONFIRM: {pending, active, paused},
        NoticeKind.GOODBYE: {ended},
    }
    assert (
        stop(RULES[NoticeKind.WELCOME], [], paused) == "Not handed over: the subscription was paused since."
    )


def test_keys_say_what_a_mail_is_about() -> None:
    """Those that are made are those that are read."""
    assert about(notice_keys.welcome_key(12, NOW)) == About(subscription_id=12)
    assert about(notice_keys.goodbye_key(12, 3)) == About(subscription_id=12)
    assert about(notice_keys.permission_key(7, 12)) == About(subscription_id=12)
    assert about(notice_keys.confirm_key(3, 5, NOW)) == About(list_id=3, subscriber_id=5)
    assert about(notice_keys.fresh_key(12)) == About(fresh_link_id=12)
    for key in (
        notice_keys.new_address_key("12" * 32, NOW),
        "fresh:12:3",
        "moved:12",
        "welcome:x",
        "permission:1",
    ):
        assert about(key) == About()


def test_what_is_for_the_person_alone_stays_from_an_address_that_they_left() -> None:
    """These kinds and no other: a confirmation was asked for there, and a warning is for that address."""
    kinds = {
        kind
        for kind, rule in RULES.items()
        if any(
            stop(rule, [], status) != stop(rule, [], status, is_theirs=False) for status in SubscriptionStatus
        )
    }
    assert kinds == {
        NoticeKind.WELCOME,
        NoticeKind.PERMISSION,
        NoticeKind.GOODBYE,
        NoticeKind.FRESH_LINK,
    }
