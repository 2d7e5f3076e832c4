"""The link in a first copy that stops its edition: written by the tick, read by the web."""

from __future__ import annotations

from digest.tokens import Claim, Purpose, Signer


def stop_url(public_url: str, signer: Signer, *, edition_id: int, account_id: int) -> str:
    """The link of a first copy: whoever has it may stop this edition, in the name of this account."""
    claim = Claim(Purpose.STOP_EDITION, list_id=account_id, subscriber_id=edition_id)
    return f"{public_url}/stop/{signer.sign(claim)}"


def edition_and_account(signer: Signer, token: str) -> tuple[int, int]:
    """Which edition a stop link is for, and whose it is; raises TokenError for any other link."""
    claim = signer.check(token, Purpose.STOP_EDITION)
    return claim.subscriber_id, claim.list_id
