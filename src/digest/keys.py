"""The installation's own keys: made once, kept as files, rotated by adding.

`token-keys.json` holds the keys of signed links by id, newest last; an old key stays so that a link in a
mail of three years ago still works. `address-key` hashes addresses on the do-not-mail list: it is never
rotated, as what it hashed cannot be hashed again. Losing it revives people who left, so a process that
finds none refuses to start; only `digest up`, `digest db upgrade` and `digest keys` make them.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from digest.errors import ConfigError
from digest.tokens import Signer

_KEY_BYTES = 32
_TOKEN_KEYS = "token-keys.json"  # noqa: S105 (the file's name)
_ADDRESS_KEY = "address-key"


@dataclass(frozen=True, slots=True)
class Keys:
    """What a process needs to make and check links, and to recognise a hashed address."""

    signer: Signer
    address_key: bytes


def make_missing(folder: Path) -> None:
    """Make the folder and the keys that are not there yet; existing files are left alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(folder / _TOKEN_KEYS, json.dumps({"1": _new_key()}))
        _create(folder / _ADDRESS_KEY, _new_key())
    except OSError as error:
        raise ConfigError(f"The secrets folder {folder} cannot be written: {error.strerror}.") from None


def rotate(folder: Path) -> int:
    """Add a new signing key; links signed by the old ones go on working. Returns the new key's id."""
    found = _read_token_keys(folder)
    new_id = max(found) + 1
    if new_id > 255:
        raise ConfigError("All 256 key ids are used; links signed by the oldest keys would have to end.")
    text = json.dumps({str(key_id): _text(key) for key_id, key in found.items()} | {str(new_id): _new_key()})
    temporary = folder / f".{_TOKEN_KEYS}.new"
    temporary.unlink(missing_ok=True)
    _create(temporary, text)
    temporary.replace(folder / _TOKEN_KEYS)
    return new_id


def load(folder: Path) -> Keys:
    """Read the keys; raises ConfigError with a sentence if they are missing or damaged."""
    found = _read_token_keys(folder)
    return Keys(Signer(found, max(found)), _decoded(_read(folder / _ADDRESS_KEY), folder / _ADDRESS_KEY))


def read_secret(folder: Path, name: str) -> str:
    """A secret kept as a file of its own, such as a mail service's password."""
    if not name or "/" in name or name.startswith("."):
        raise ConfigError(f"{name!r} is not the name of a secret; use letters, digits and dashes.")
    return _read(folder / name).strip()


def write_secret(folder: Path, name: str, value: str) -> None:
    """Keep a secret as a file that only its owner may read.

    The one before is there until this one is: a worker reads one of them at any moment.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    spare = folder / f".{name}.new"
    spare.unlink(missing_ok=True)
    _create(spare, value)
    spare.replace(folder / name)


def _read_token_keys(folder: Path) -> dict[int, bytes]:
    path = folder / _TOKEN_KEYS
    try:
        found = {int(key_id): _decoded(text, path) for key_id, text in json.loads(_read(path)).items()}
    except (ValueError, AttributeError):
        raise ConfigError(f"{path} is damaged; put back the copy from your backup.") from None
    if not found:
        raise ConfigError(f"{path} holds no key; put back the copy from your backup.")
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise ConfigError(
            f"The secret {path} is missing; on a new installation run `digest db upgrade`, "
            "on an old one put back the copy from your backup."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The secret {path} cannot be read: {error}.") from None


def _create(path: Path, text: str) -> None:
    """Write a new file whole, readable by its owner alone; a file that is there is left as it is."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _new_key() -> str:
    return _text(secrets.token_bytes(_KEY_BYTES))


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode("ascii")


def _decoded(text: str, path: Path) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigError(f"{path} is damaged; put back the copy from your backup.")
    return key
