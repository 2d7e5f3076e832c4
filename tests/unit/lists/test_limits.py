"""The pure parts of the limits, sites and form fields of sign-ups."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import InputError
from digest.lists.limits import BY_ADDRESS, BY_NETWORK, GLOBAL, Limit, network_bucket, network_of
from digest.lists.manage import check_origin


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::5", "2001:db8:1::/48"),
        ("::ffff:192.0.2.9", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("testclient", "unknown"),
        ("", "unknown"),
        ("192.0.2.1, 10.0.0.1", "unknown"),
    ],
)
def test_a_network_is_what_one_household_may_have(address: str, network: str) -> None:
    """/24 and /48; a mapped address is the one it maps; what is no address shares one bucket."""
    assert network_of(address) == network


@given(st.text(max_size=80))
def test_any_text_has_a_bucket(text: str) -> None:
    """Whatever a proxy says, the key fits its column and gives nothing away."""
    key = network_bucket(b"k" * 32, text).key
    assert len(key) == len("network:") + 40


def test_a_bucket_is_full_again_within_a_day() -> None:
    """Otherwise deleting its row after a day would give tokens away."""
    for limit in (BY_ADDRESS, BY_NETWORK, GLOBAL):
        assert limit.burst <= limit.per_second * 86_400
    with pytest.raises(ValueError, match="within a day"):
        Limit("slow", burst=10, per_second=1 / 86_400)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        (" https://Courier.example/ ", "https://courier.example"),
        ("https://courier.example:443", "https://courier.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://թերթ.example", "https://xn--29ahb5g.example"),
    ],
)
def test_a_site_is_kept_as_browsers_name_it(text: str, origin: str) -> None:
    """Lower case, A-labels, no path, no usual port."""
    assert check_origin(text) == origin
    assert check_origin(check_origin(text)) == check_origin(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "courier.example",
        "ftp://courier.example",
        "https://",
        "https://a.test/path",
        "https://a.test?x",
        "https://a.test:port",
        "https://user@a.test",
        "https://a test",
        "https://*.a.test",
    ],
)
def test_what_is_no_site_is_refused(text: str) -> None:
    """No wildcard, no path, no other scheme."""
    with pytest.raises(InputError, match="is not a site"):
        check_origin(text)
