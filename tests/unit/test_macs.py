"""Our HMAC is everybody's HMAC."""

from __future__ import annotations

import hmac

from hypothesis import example, given
from hypothesis import strategies as st

from digest.macs import mac


@given(st.binary(max_size=200), st.binary(max_size=300))
@example(b"k" * 64, b"")
@example(b"k" * 65, b"message")
def test_a_mac_is_that_of_the_standard_library(key: bytes, message: bytes) -> None:
    """For keys shorter, as long as, and longer than a block, and any message."""
    assert mac(key, message) == hmac.digest(key, message, "sha256")
    assert mac(key, message) == mac(key, message)
