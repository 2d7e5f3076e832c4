"""What a mail to one person is made with, besides the rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from digest.tokens import Signer


@dataclass(frozen=True, slots=True)
class Stationery:
    """The keys of links and hashes, where our pages are, and the newsroom's own templates, if any."""

    signer: Signer
    address_key: bytes
    public_url: str
    templates: Path | None = None
