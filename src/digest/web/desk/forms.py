"""A posted form of the desk: its fields, some perhaps more than once, and its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import anyio
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from digest.errors import InputError
from digest.i18n import N_
from digest.web.forms import read_body, read_pairs, writable

_FIELDS_MOST: Final = 2000
_FILES_MOST: Final = 4
_UPLOAD_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Form:
    """The fields in their order."""

    pairs: tuple[tuple[str, str], ...] = ()
    files: dict[str, UploadFile] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """A field's first value, without the spaces around it."""
        return self.raw(name, default).strip()

    def raw(self, name: str, default: str = "") -> str:
        """A field's first value as it was typed; browsers send CRLF at the ends of lines."""
        found = next((value for key, value in self.pairs if key == name), default)
        return found.replace("\r\n", "\n")

    def texts(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for key, value in self.pairs if key == name]

    def is_ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return self.text(name) not in {"", "0", "no", "false"}

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number; raises InputError for anything else."""
        given = self.text(name)
        if not given and default is not None:
            return default
        if not given.removeprefix("-").isdecimal() or len(given) > 18:
            raise InputError(N_("%(text)r is no whole number."), text=given[:40])
        return int(given)

    def numbers(self, name: str) -> list[int]:
        """Every value of a field that is a whole number of reasonable size; the others are left out."""
        return [int(value) for value in self.texts(name) if value.isdecimal() and len(value) <= 18]

    def close(self) -> None:
        """Give back what its files take of memory and disk."""
        for upload in self.files.values():
            upload.file.close()


async def read_form(request: Request, *, most_bytes: int, has_files: bool) -> Form:
    """The form of a request.

    Raises HTTPException: 400 for one that is broken, 408 for one that does not come, 413 for one too large.
    """
    if has_files:
        return await _read_with_files(request, most_bytes)
    body = await read_body(request, limit=most_bytes)
    return Form(tuple(await read_pairs(request, body, most=_FIELDS_MOST)))


async def _read_with_files(request: Request, most_bytes: int) -> Form:
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal():
        raise HTTPException(411)
    if int(declared[:15]) > most_bytes:
        raise HTTPException(413)
    try:
        with anyio.fail_after(_UPLOAD_SECONDS):
            form = await request.form(max_files=_FILES_MOST, max_fields=_FIELDS_MOST)
    except TimeoutError:
        raise HTTPException(408) from None
    except MultiPartException:
        raise HTTPException(400) from None
    items: Sequence[tuple[str, UploadFile | str]] = form.multi_items()
    files = {name: value for name, value in items if isinstance(value, UploadFile) and value.filename}
    return Form(tuple((name, writable(value)) for name, value in items if isinstance(value, str)), files)
