"""Whoever is signed in, as the rest of the desk knows them."""

from __future__ import annotations

from dataclasses import dataclass

from digest.models import Account, AccountRole, Scheme


@dataclass(frozen=True, slots=True)
class Me:
    """A person for the length of a request. `actor` is how the trail names them: never by an address."""

    id: int
    name: str
    address: str
    role: AccountRole
    language: str = ""
    zone: str = ""
    scheme: Scheme = Scheme.AUTO
    has_codes: bool = False

    @property
    def actor(self) -> str:
        return actor_of(self.id)


def me_of(account: Account) -> Me:
    """A person by their row."""
    return Me(
        id=account.id,
        name=account.name,
        address=account.address,
        role=account.role,
        language=account.language,
        zone=account.zone,
        scheme=account.scheme,
        has_codes=account.totp_secret is not None,
    )


def actor_of(account_id: int) -> str:
    """How the trail names an account."""
    return f"account:{account_id}"
