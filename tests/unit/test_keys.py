"""The installation's keys: made once, kept, rotated, and refused when damaged."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest import keys
from digest.errors import ConfigError
from digest.tokens import Claim, Purpose

_CLAIM = Claim(Purpose.UNSUBSCRIBE, 1, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A secrets folder with keys."""
    made = tmp_path / "secrets"
    keys.make_missing(made)
    return made


def test_keys_are_made_once(folder: Path) -> None:
    """A second call changes nothing; no two installations have the same keys."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    keys.make_missing(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert set(before) == {"token-keys.json", "address-key"}
    keys.make_missing(folder.parent / "other")
    assert keys.load(folder.parent / "other").address_key != keys.load(folder).address_key


def test_only_their_owner_reads_them(folder: Path) -> None:
    """Folder and files are closed to everybody else, after a rotation too."""
    keys.rotate(folder)
    keys.write_secret(folder, "judge", "open sesame")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_rotation_keeps_old_links_alive(folder: Path) -> None:
    """New links are signed by the new key; a link of each earlier one still opens."""
    links = []
    for number in range(1, 5):
        links.append(keys.load(folder).signer.sign(_CLAIM))
        assert keys.rotate(folder) == number + 1
    signer = keys.load(folder).signer
    assert signer.current == 5
    assert len({*links, signer.sign(_CLAIM)}) == 5
    for link in links:
        assert signer.check(link, _CLAIM.purpose) == _CLAIM


def test_rotation_never_touches_the_address_key(folder: Path) -> None:
    """What it hashed cannot be hashed again."""
    before = keys.load(folder).address_key
    keys.rotate(folder)
    assert keys.load(folder).address_key == before


def test_rotation_ends_after_256_keys(folder: Path) -> None:
    """The last key id is used, and the next rotation says why it cannot be."""
    one = base64.b64encode(b"k" * 32).decode()
    (folder / "token-keys.json").write_text(json.dumps({"255": one}))
    assert keys.load(folder).signer.current == 255
    with pytest.raises(ConfigError, match="All 256 key ids are used"):
        keys.rotate(folder)


def test_missing_keys_stop_the_start(tmp_path: Path, folder: Path) -> None:
    """The sentence names the file and what to do; nothing is made in silence."""
    with pytest.raises(ConfigError, match=r"token-keys\.json is missing; on a new installation run"):
        keys.load(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    (folder / "address-key").unlink()
    with pytest.raises(ConfigError, match="address-key is missing"):
        keys.load(folder)


@pytest.mark.parametrize("name", ["token-keys.json", "address-key"])
@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b'{"1": "AAAA"}', b'{"x": 1}', b"\xff\xfe", b"!"]
)
def test_damaged_keys_stop_the_start(folder: Path, name: str, content: bytes) -> None:
    """A file that is not whole is never used, and the sentence shows nothing of it."""
    (folder / name).write_bytes(content)
    with pytest.raises(ConfigError, match=name):
        keys.load(folder)


@settings(max_examples=30)
@given(cut=st.integers(0, 200), change=st.integers(0, 255))
def test_damage_anywhere_is_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, cut: int, change: int
) -> None:
    """Any byte changed in the file of keys: it is read as keys, or it is a ConfigError."""
    folder = tmp_path_factory.mktemp("keys")
    keys.make_missing(folder)
    data = bytearray((folder / "token-keys.json").read_bytes())
    data[cut % len(data)] = change
    (folder / "token-keys.json").write_bytes(data)
    try:
        found = keys.load(folder)
    except ConfigError:
        return
    assert all(len(key) == 32 for key in found.signer.keys.values())


def test_a_secret_is_a_file_of_its_own(folder: Path) -> None:
    """It comes back without the newline that an editor adds, and a new value replaces the old one."""
    keys.write_secret(folder, "judge", "open\n")
    keys.write_secret(folder, "judge", "sesame\n")
    assert keys.read_secret(folder, "judge") == "sesame"


def test_a_secret_stays_until_another_one_is_written_whole(folder: Path) -> None:
    """Whoever reads it while it is changed, or after that has failed half way, finds the one before."""
    keys.write_secret(folder, "judge", "sesame")
    with pytest.raises(UnicodeEncodeError):
        keys.write_secret(folder, "judge", "s\u0259same")
    assert keys.read_secret(folder, "judge") == "sesame"
    keys.write_secret(folder, "judge", "open")
    assert keys.read_secret(folder, "judge") == "open"


@pytest.mark.parametrize("name", ["", "../address-key", "a/b", ".hidden", "/etc/hostname"])
def test_a_secret_never_leads_out_of_the_folder(folder: Path, name: str) -> None:
    """A path is no name."""
    with pytest.raises(ConfigError, match="is not the name of a secret"):
        keys.read_secret(folder, name)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """A file in the folder's place."""
    (tmp_path / "secrets").write_text("not a folder")
    with pytest.raises(ConfigError, match="cannot be written"):
        keys.make_missing(tmp_path / "secrets")
