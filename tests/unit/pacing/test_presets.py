"""The presets of common mail services."""

from __future__ import annotations

import re

import pytest

from digest.errors import InputError
from digest.mail.transport import Endpoint, Security
from digest.pacing.presets import PRESETS, preset

REGIONS = {"amazon-ses": "eu-central-1", "mailgun": "eu"}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_connected_to(name: str) -> None:
    """A host in full, limits that the table takes, and never a password in the open."""
    found = preset(name, region=REGIONS.get(name))
    assert re.fullmatch(r"[a-z0-9-]{1,50}", name)
    assert found.host or name == "own-server"
    assert "{" not in found.host
    assert 1 <= found.connections <= 64
    assert found.per_second is None or found.per_second > 0
    Endpoint(
        host=found.host or "smtp.courier.example",
        port=found.port,
        security=Security(found.security),
        username="someone" if found.username_hint else "",
    )


def test_a_region_is_part_of_the_host() -> None:
    """Amazon's is in the name, Mailgun has a host for each; others have none."""
    assert preset("amazon-ses", region="us-gov-west-1").host == "email-smtp.us-gov-west-1.amazonaws.com"
    assert preset("mailgun").host == "smtp.mailgun.org"
    assert preset("mailgun", region="eu").host == "smtp.eu.mailgun.org"


@pytest.mark.parametrize(
    ("name", "region", "sentence"),
    [
        ("pigeon", None, "there are: amazon-ses"),
        ("amazon-ses", None, "needs its region"),
        ("amazon-ses", "eu.example.org/", "not a region"),
        ("mailgun", "mars", "us, eu"),
        ("brevo", "eu", "has no regions"),
    ],
)
def test_what_is_no_preset_is_said(name: str, region: str | None, sentence: str) -> None:
    """With what there is instead."""
    with pytest.raises(InputError, match=sentence):
        preset(name, region=region)


def test_microsofts_limits_are_kept() -> None:
    """Thirty a minute."""
    assert (PRESETS["microsoft-365"].per_second or 0) * 60 == 30
