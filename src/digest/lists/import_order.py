"""What is to be imported and on whose word, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.errors import DigestError, InputError
from digest.i18n import N_, translator
from digest.lists.csv_lines import BadLine
from digest.lists.fields import check_consent
from digest.lists.mappings import ColumnMap, Meaning
from digest.lists.mappings_ready import column_map
from digest.models import Account, AccountRole, Import

BAD_LINES_SHOWN = 1000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What to import, and with whose proof.

    `consent_text` says how these people agreed, or else `signed_by` names the admin who vouches for them.
    `meaning` goes before what the file says of itself.
    """

    list_id: int
    consent_text: str
    actor: str
    address_key: bytes
    cadence_id: int | None = None
    is_dry_run: bool = False
    file_name: str = ""
    mapping: str | None = None
    own_columns: Mapping[str, str] = field(default_factory=dict)
    meaning: Meaning | None = None
    leavers_only: bool = False
    signed_by: str = ""
    language: str = ""  # of whoever reads its report; "" at the command line

    def told(self, error: DigestError) -> str:
        """What an error says to whoever brings the file."""
        return translator(self.language).error(error) if self.language else str(error)

    @property
    def columns(self) -> ColumnMap:
        """How this order reads columns; raises InputError for a mapping that there is not."""
        return column_map(self.mapping, self.own_columns)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the lines. `added` counts new subscriptions, also of people known from other lists."""

    lines: int
    added: int
    known: int
    left: int  # had left or were erased, and stay so
    suppressed: int
    repeated: int  # stood in the file before
    bad: int
    bad_lines: tuple[BadLine, ...]  # the first thousand
    ignored_columns: tuple[str, ...]
    is_dry_run: bool
    ended: int = 0  # left there: ended here, or noted so that no import brings them
    barred: int = 0  # put on the do-not-mail list
    unconfirmed: int = 0  # never agreed, passed over
    passed_over: int = 0  # subscribed people, where only leavers were asked for
    offices: int = 0  # of all lines, addresses such as info@: imported, and worth a look
    import_id: int | None = None
    is_whole: bool = True  # False where it was asked to stop before the end


@dataclass(slots=True)
class Tally:
    """The counts on the way."""

    counts: dict[str, int] = field(default_factory=dict)
    bad_lines: list[BadLine] = field(default_factory=list)
    ignored: dict[str, None] = field(default_factory=dict)  # in order, each once

    def add(self, counts: Mapping[str, int]) -> None:
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count

    def note(self, bad: Sequence[BadLine]) -> None:
        self.bad_lines.extend(bad[: BAD_LINES_SHOWN - len(self.bad_lines)])

    def report(self, *, is_dry_run: bool, import_id: int | None) -> ImportReport:
        """The report of what was counted."""
        numbers: dict[str, Any] = {name: self.counts.get(name, 0) for name in _COUNTED}
        return ImportReport(
            **numbers,
            bad_lines=tuple(self.bad_lines),
            ignored_columns=tuple(self.ignored),
            is_dry_run=is_dry_run,
            import_id=import_id,
        )


_COUNTED = (
    "lines",
    "added",
    "known",
    "left",
    "suppressed",
    "repeated",
    "bad",
    "ended",
    "barred",
    "unconfirmed",
    "passed_over",
    "offices",
)


def check_basis(session: Session, order: ImportOrder) -> str:
    """The words that stand in the proof of each person; raises InputError where nobody answers for them.

    People are brought on a basis, or on the word of an admin with an account.
    """
    if not order.signed_by:
        return check_consent(order.consent_text)
    of_name = sa.select(Account).where(Account.name == order.signed_by, Account.disabled_at.is_(None))
    found = list(session.scalars(of_name.where(Account.role == AccountRole.ADMIN)))
    if len(found) != 1:
        raise InputError(
            N_("%(name)r is not the name of one account with the role admin."), name=order.signed_by[:60]
        )
    word = f"No proof came with the file; {found[0].name} (admin) signed that these people agreed."
    return check_consent(f"{order.consent_text} {word}")


def fingerprint(stream: BinaryIO) -> str:
    """The SHA-256 of a seekable stream, which then stands at its start."""
    stream.seek(0)
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    stream.seek(0)
    return digest.hexdigest()


def kept(order: ImportOrder, basis: str, print_: str) -> dict[str, Any]:
    """The columns of `imports` that an order can be made from again."""
    return {
        "list_id": order.list_id,
        "file_name": order.file_name[-200:],
        "file_fingerprint": print_,
        "mapping": {
            "mapping": order.mapping,
            "own_columns": dict(order.own_columns),
            "meaning": order.meaning.value if order.meaning else None,
            "cadence_id": order.cadence_id,
            "language": order.language,
        },
        "consent": basis,
        "actor": order.actor,
        "leavers_only": order.leavers_only,
    }


def order_of(row: Import, address_key: bytes) -> ImportOrder:
    """The order of an import that was begun."""
    said = row.mapping
    return ImportOrder(
        row.list_id,
        row.consent,
        row.actor,
        address_key,
        said.get("cadence_id"),
        file_name=row.file_name,
        mapping=said.get("mapping"),
        own_columns=said.get("own_columns") or {},
        meaning=Meaning(said["meaning"]) if said.get("meaning") else None,
        leavers_only=row.leavers_only,
        language=said.get("language") or "",
    )
