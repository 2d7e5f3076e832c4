"""What `make proof ARGS=news` fuzzes, tried with its seeds: each target takes them, and hides nothing."""

from __future__ import annotations

import pytest

from digest.errors import DigestError
from tests.fuzz.names import NAMES
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS, tried


@pytest.mark.parametrize("name", NAMES)
def test_each_target_takes_its_seeds(name: str) -> None:
    """The first is what it is made for, so that fuzzing begins within its code; no other ends badly."""
    first, *others = SEEDS[name]
    assert tried(TARGETS[name], first)
    for seed in others:
        tried(TARGETS[name], seed)
    assert SEEDS.keys() == TARGETS.keys()


def test_a_target_may_refuse_in_our_own_words_only() -> None:
    """Any other error, and a promise that is broken, is a find."""

    def refusing(_: bytes) -> None:
        raise DigestError("no")

    def failing(_: bytes) -> None:
        raise KeyError("x")

    assert not tried(refusing, b"")
    with pytest.raises(KeyError):
        tried(failing, b"")
