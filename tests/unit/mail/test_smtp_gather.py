"""The rests in which answers gather."""

from __future__ import annotations

import pytest

from digest.mail.smtp_gather import MOST_SECONDS, Gathering, rest


@pytest.mark.parametrize(
    ("mean", "quickest"),
    [(0.0225, 0.0207), (0.0009, 0.0007), (0.3, 0.24), (0.0004, 0.0003), (0.0, 0.0)],
)
def test_a_server_without_a_queue_is_never_made_to_wait(mean: float, quickest: float) -> None:
    """A server that is far away, or alone with one message, answers each about as soon as the quickest."""
    assert rest(mean, quickest) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("service", [0.0002, 0.0004, 0.002])
@pytest.mark.parametrize("connections", [2, 8, 32])
def test_a_rest_is_shorter_than_what_waits_in_the_queue(service: float, connections: int) -> None:
    """With a message on each connection the server has more to do than the rest takes: it never runs dry."""
    mean = connections * service  # Little's law, for a server that is always busy
    assert rest(mean, service) < mean - service
    assert rest(mean, service) <= MOST_SECONDS


def test_a_queue_of_eight_is_found_and_forgotten() -> None:
    """After 256 answers the rest is known; once the queue is gone, after 256 more there is none."""
    gathering = Gathering()
    for number in range(255):
        gathering.answered(0.0004 if number == 7 else 0.0026)
    assert gathering.seconds == 0.0
    gathering.answered(0.0026)
    assert 0.001 < gathering.seconds <= MOST_SECONDS
    for _ in range(256):
        gathering.answered(0.0026)
    assert gathering.seconds == 0.0
