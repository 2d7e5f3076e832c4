"""When a send should end, and whose mail a domain's is: pure."""

from __future__ import annotations

import datetime as dt

import pytest

from digest.deliveries.figures import expected_end
from digest.deliveries.providers import OTHER, PROVIDERS, provider_named, provider_of
from tests.factories.moments import NOW

_MINUTE = dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("pending", "rate", "last_due", "expected"),
    [
        (0, 5.0, None, None),
        (600, 10.0, None, NOW + _MINUTE),
        (600, 10.0, NOW + 5 * _MINUTE, NOW + 5 * _MINUTE),  # spread over a window
        (6000, 10.0, NOW + 5 * _MINUTE, NOW + 10 * _MINUTE),
        (600, 0.0, None, None),
        (600, 0.0, NOW + _MINUTE, NOW + _MINUTE),
    ],
)
def test_end_is_by_the_rate_and_not_before_the_last_batch(
    pending: int, rate: float, last_due: dt.datetime | None, expected: dt.datetime | None
) -> None:
    """Nobody pending, or nothing moving and nothing due: no end is told."""
    assert expected_end(pending, rate, last_due, now=NOW) == expected


def test_end_of_a_crawl_is_a_date_that_exists() -> None:
    """A million people at one an hour is absurd, not an error."""
    assert expected_end(10**9, 1e-9, None, now=NOW) is not None


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("gmail.com", "Google"),
        ("googlemail.com", "Google"),
        ("hotmail.fr", "Microsoft"),
        ("msn.com", "Microsoft"),
        ("ymail.com", "Yahoo"),
        ("aol.com", "Yahoo"),
        ("me.com", "Apple"),
        ("web.de", "GMX & WEB.DE"),
        ("mail.ru", "Mail.ru"),
        ("yandex.com.am", "Yandex"),
        ("pm.me", "Proton"),
        ("wanadoo.fr", "Orange"),
        ("free.fr", "Free"),
        ("laposte.net", "La Poste"),
        ("courier.example", OTHER),
        ("mail.gmail.com", OTHER),
        ("", OTHER),
        (None, OTHER),
    ],
)
def test_provider_of_a_domain(domain: str | None, name: str) -> None:
    """By the whole domain: what only ends like one is another's."""
    assert provider_of(domain) == name


def test_no_domain_has_two_providers() -> None:
    """And each is written as addresses' domains are kept: lower-case A-labels."""
    domains = [domain for each in PROVIDERS.values() for domain in each]
    assert len(domains) == len(set(domains))
    assert all(domain == domain.lower().encode("idna").decode() for domain in domains)
    assert OTHER not in PROVIDERS


def test_provider_is_found_however_it_is_written() -> None:
    """`google`, `GOOGLE`; one that there is not is none."""
    assert provider_named(" google ") == "Google"
    assert provider_named("OTHER") == OTHER
    assert provider_named("gmx & web.de") == "GMX & WEB.DE"
    assert provider_named("acme") is None
