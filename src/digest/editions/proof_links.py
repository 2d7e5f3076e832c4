"""The link in a proof: it is one person's, of one version, and says nothing of what is to be done."""

from __future__ import annotations

from digest.tokens import Claim, Purpose, Signer


def proof_token(signer: Signer, *, revision_id: int, account_id: int) -> str:
    """What lets an account look at a version, which never changes, and decide about it."""
    return signer.sign(Claim(Purpose.PROOF, list_id=account_id, subscriber_id=revision_id))


def proof_url(public_url: str, signer: Signer, *, revision_id: int, account_id: int) -> str:
    """The page of a proof."""
    return f"{public_url}/proof/{proof_token(signer, revision_id=revision_id, account_id=account_id)}"


def revision_and_account(signer: Signer, token: str) -> tuple[int, int]:
    """Which version a proof's link is of, and whose it is; raises TokenError for any other link."""
    claim = signer.check(token, Purpose.PROOF)
    return claim.subscriber_id, claim.list_id
