"""Which addresses may be connected to, and the parts of the client that need no server."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import zlib

import httpcore2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.net.bodies import read_body
from digest.net.guard import Deadline, is_public, system_resolve
from digest.net.http import FetchCode, FetchError, check_address, user_agent


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254"),
        *(
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.0.9",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
        ),
        *("198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255"),
        *(
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::127.0.0.1",
            "fe80::1",
            "fe80::1%1",
        ),
        *(
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "ff0e::1",
            "2001:db8::1",
            "2001::1",
            "2001:10::1",
            "3fff::1",
        ),
        *("100::1", "5f00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:a00:1::"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "::ffff:0:7f00:1"),
    ],
)
def test_an_address_that_is_not_for_everybody_is_refused(address: str) -> None:
    """Private, local, special and documentation networks, also hidden in IPv6 forms."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("93.184.216.34", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "223.255.255.255"),
        *(
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:93.184.216.34",
            "64:ff9b::5db8:d822",
            "2002:5db8:d822::1",
        ),
    ],
)
def test_an_address_of_the_internet_is_taken(address: str) -> None:
    """What anybody can reach may be fetched from."""
    assert is_public(ipaddress.ip_address(address))


@given(st.integers(0, 2**32 - 1))
def test_ipv4_in_ipv6_is_judged_as_ipv4(number: int) -> None:
    """No wrapping makes a refused address pass, or a public one fail."""
    plain = ipaddress.IPv4Address(number)
    mapped = ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + plain.packed)
    nat64 = ipaddress.IPv6Address(b"\0\x64\xff\x9b" + b"\0" * 8 + plain.packed)
    sixtofour = ipaddress.IPv6Address(b"\x20\x02" + plain.packed + b"\0" * 10)
    assert {is_public(mapped), is_public(nat64), is_public(sixtofour)} == {is_public(plain)}


@given(st.ip_addresses(v=4))
def test_nothing_the_standard_library_calls_private_is_public(address: ipaddress.IPv4Address) -> None:
    """Our table refuses at least what Python's own does."""
    assert not (is_public(address) and (not address.is_global or address.is_multicast))


def test_names_of_this_machine_are_looked_up() -> None:
    """The system's resolver is asked, and an unknown name is an error with the name in it."""
    assert "127.0.0.1" in system_resolve("localhost", 80, 5.0) + system_resolve("127.0.0.1", 80, 5.0)
    with pytest.raises(OSError, match="is not known"):
        system_resolve("a..b", 80, 5.0)


def test_a_deadline_clips_and_ends() -> None:
    """No wait is longer than what is left, and after the end there is none."""
    assert Deadline.after(100).clip(2.0) == 2.0
    assert 99 < Deadline.after(100).clip(None) <= 100
    with pytest.raises(httpcore2.ReadTimeout):
        Deadline.after(-1).clip(2.0)


@pytest.mark.parametrize(
    "url",
    [
        *("", "news", "//example.org/", "ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)"),
        *(
            "http://",
            "http:///path",
            "http://user@example.org/",
            "http://user:pw@example.org/",
            "http://%00/",
        ),
        *("http://example.org:99999/", "http://example.org:0/", "http://[::1/", "http://exa mple.org/"),
        *(
            "http://example.org/\x00",
            "http://example.org/" + "a" * 2000,
            "http://\ud800.example.org/",
            "http://.../",
        ),
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    """Only http and https with a host and without a user; the sentence does not repeat a password."""
    with pytest.raises(FetchError) as caught:
        check_address(url)
    assert caught.value.code == FetchCode.BAD_ADDRESS
    assert "pw" not in str(caught.value)


def test_a_fragment_is_not_sent() -> None:
    """What stands after # is for a browser."""
    assert str(check_address(" https://example.org/feed#top ")) == "https://example.org/feed"


def test_the_contact_cannot_break_the_header() -> None:
    """Line breaks and parentheses of a contact are dropped."""
    assert user_agent("https://example.org/bot\r\nX: 1 (a)") == "Digest/0.1 (https://example.org/botX: 1 a)"
    assert user_agent("") == "Digest/0.1"


@given(st.binary(max_size=3000), st.integers(1, 50))
def test_a_packed_body_is_the_same_however_it_is_cut(body: bytes, size: int) -> None:
    """Unpacking does not depend on where the network split the bytes."""
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(body) + packer.flush()
    chunks = [packed[i : i + size] for i in range(0, len(packed), size)]
    assert read_body(chunks, encoding="GZIP", max_bytes=3000) == body


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_for_gzip_give_a_body_or_our_error(junk: bytes) -> None:
    """Broken packing never surfaces as another error."""
    with contextlib.suppress(FetchError):
        assert len(read_body([junk], encoding="gzip", max_bytes=1000)) <= 1000


def test_an_error_is_a_sentence_and_its_facts() -> None:
    """What a caller acts on is beside what a person reads."""
    error = FetchError(FetchCode.HTTP_STATUS, "It said no.", status=503, retry_after=dt.timedelta(seconds=5))
    assert (str(error), error.code, error.status) == ("It said no.", "http_status", 503)
