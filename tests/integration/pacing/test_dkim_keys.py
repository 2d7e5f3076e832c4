"""The rows of DKIM keys, their secrets, and who signs what."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

import dkim as dkimpy
import pytest

from digest import keys
from digest.db import Database
from digest.errors import ConfigError, InputError, NotFoundError
from digest.mail.dkim import Signer
from digest.mail.signing_key import Algorithm
from digest.models import DkimKey, Security, Transport
from digest.models import Signer as WhoSigns
from digest.pacing import dkim_keys, transports
from tests.factories.moments import NOW

D = "courier.example"
MESSAGE = b"From: The Courier <news@courier.example>\r\nSubject: Hello\r\n\r\nHello\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def add(
    database: Database,
    folder: Path,
    selector: str,
    *,
    algorithm: Algorithm = Algorithm.ED25519,
    domain: str = D,
    is_enabled: bool = True,
) -> DkimKey:
    made = dkim_keys.make_key(domain, selector, algorithm)
    with database.write() as session:
        (row,) = dkim_keys.add_keys(session, [made], folder, now=NOW, is_enabled=is_enabled)
        return row


def transport(database: Database, signer: WhoSigns) -> Transport:
    with database.write() as session:
        row = transports.add_transport(
            session, name="relay", host="127.0.0.1", security=Security.NONE, now=NOW
        )
        row.signer = signer
        return row


def signer_for(database: Database, row: Transport, domain: str, folder: Path) -> Signer | None:
    with database.read() as session:
        return dkim_keys.signer_for(session, row, domain, folder)


def test_the_private_half_is_a_file_of_our_own(database: Database, folder: Path) -> None:
    """The row holds no key, the file is closed to others, and what is read back is what was made."""
    row = add(database, folder, "S1", domain="Courier.Example", is_enabled=False)
    assert (row.domain, row.selector, row.algorithm, row.is_enabled) == (D, "s1", "ed25519", False)
    (file,) = folder.iterdir()
    assert file.name == row.secret_name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = dkim_keys.load(row, folder)
    assert key.record_name == f"s1._domainkey.{D}"
    assert "PRIVATE" not in repr(key)
    assert "PRIVATE" not in repr(dkim_keys.make_key(D, "x", Algorithm.ED25519))


def test_a_selector_is_used_once(database: Database, folder: Path) -> None:
    """Neither a row nor the file of a key is ever written over; other domains have selectors of their own."""
    add(database, folder, "s1")
    before = (folder / f"dkim_{D}_s1").read_bytes()
    with pytest.raises(InputError, match="choose another selector"):
        add(database, folder, "s1")
    add(database, folder, "s1", domain="other.example")
    (folder / f"dkim_{D}_s2").write_text("of another database")
    with pytest.raises(InputError, match="choose another selector"):
        add(database, folder, "s2")
    assert (folder / f"dkim_{D}_s1").read_bytes() == before
    with database.read() as session:
        assert [(row.domain, row.selector) for row in dkim_keys.keys_of(session)] == [
            (D, "s1"),
            ("other.example", "s1"),
        ]


def test_several_keys_are_kept_together_or_not_at_all(database: Database, folder: Path) -> None:
    """If one selector is taken, no file of the others is left behind."""
    add(database, folder, "s1")
    made = [dkim_keys.make_key(D, name, Algorithm.ED25519) for name in ("s0", "s1")]
    with pytest.raises(InputError), database.write() as session:
        dkim_keys.add_keys(session, made, folder, now=NOW)
    assert [file.name for file in folder.iterdir()] == [f"dkim_{D}_s1"]


def test_long_names_have_a_short_file(database: Database, folder: Path) -> None:
    """A domain and a selector may be longer together than the name of a file."""
    row = add(database, folder, "s" * 63, domain=".".join(["x" * 60] * 3) + ".example")
    assert len(row.secret_name) <= 120
    assert dkim_keys.load(row, folder).selector == "s" * 63


@pytest.mark.parametrize("selector", ["", "a.b", "a_b", "-a", "a-", "x" * 64, "ա", "a/b", "a\n"])
def test_what_is_no_selector_is_refused(selector: str) -> None:
    """A selector becomes the name of a file and of a record."""
    with pytest.raises(InputError, match="A selector is"):
        dkim_keys.make_key(D, selector, Algorithm.ED25519)


@pytest.mark.parametrize(
    "domain", ["", "example", "a b.example", "-a.example", "../x.example", "a_b.example"]
)
def test_what_is_no_domain_is_refused(domain: str) -> None:
    """So does a domain."""
    with pytest.raises(InputError, match="is not a domain"):
        dkim_keys.make_key(domain, "s1", Algorithm.ED25519)


def test_who_signs_is_the_transport_s_to_say(database: Database, folder: Path) -> None:
    """Where the service signs we do not; where we do, the domain's enabled keys sign, and only they."""
    row = transport(database, WhoSigns.RELAY)
    add(database, folder, "one", algorithm=Algorithm.RSA)
    add(database, folder, "two")
    add(database, folder, "idle", is_enabled=False)
    add(database, folder, "other", domain="other.example")
    assert signer_for(database, row, D, folder) is None
    row.signer = WhoSigns.US
    found = signer_for(database, row, "Courier.example", folder)
    assert found is not None
    assert (found.domain, found.selectors) == (D, ("one", "two"))
    assert signer_for(database, row, D, folder) is found  # the keys are read once
    message = found.sign(MESSAGE, now=NOW) + MESSAGE
    with database.read() as session:
        records = {
            key.record_name: key.record.encode()
            for key in (dkim_keys.load(one, folder) for one in dkim_keys.keys_of(session, D))
        }
    for place in (0, 1):
        assert dkimpy.DKIM(message).verify(
            idx=place, dnsfunc=lambda name, timeout=5: records[name.decode().rstrip(".")]
        )


def test_a_switched_key_is_seen_by_the_next_call(database: Database, folder: Path) -> None:
    """Enabling and disabling needs no restart."""
    row = transport(database, WhoSigns.US)
    add(database, folder, "one")
    add(database, folder, "two")
    with database.write() as session:
        dkim_keys.key_named(session, D, "ONE").is_enabled = False
    found = signer_for(database, row, D, folder)
    assert found is not None
    assert found.selectors == ("two",)


def test_no_key_is_said_with_what_to_do(database: Database, folder: Path) -> None:
    """Nothing is sent unsigned by mistake: the sentence names the command."""
    row = transport(database, WhoSigns.US)
    with pytest.raises(ConfigError, match=f"`digest dkim keygen {D}`"):
        signer_for(database, row, D, folder)
    add(database, folder, "s1", is_enabled=False)
    with pytest.raises(ConfigError, match=f"`digest dkim enable {D} s1`"):
        signer_for(database, row, D, folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "is missing"),
        ("", "cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"),
        ("other kind", "is not of the kind ed25519"),
        ("weak", "has 1024 bits"),
    ],
)
def test_a_damaged_secret_is_one_sentence(
    database: Database, folder: Path, text: str | None, words: str
) -> None:
    """Missing, empty, cut, of the other kind, too weak: never a traceback, never a part of the key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    row = add(database, folder, "s1")
    if text in ("other kind", "weak"):
        private = rsa.generate_private_key(65537, 1024 if text == "weak" else 2048)
        if text == "weak":
            row.algorithm = "rsa"
        text = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
    if text is None:
        (folder / row.secret_name).unlink()
    else:
        keys.write_secret(folder, row.secret_name, text)
    with pytest.raises(ConfigError, match=words) as caught:
        dkim_keys.load(row, folder)
    assert "\n" not in str(caught.value)


def test_an_unknown_key_is_not_found(database: Database) -> None:
    """The sentence says how to look."""
    with database.read() as session, pytest.raises(NotFoundError, match="digest dkim list"):
        dkim_keys.key_named(session, D, "s1")


def test_a_folder_that_cannot_be_written_keeps_nothing(database: Database, folder: Path) -> None:
    """No row without its secret."""
    folder.parent.joinpath("secrets").write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="cannot be written"):
        add(database, folder, "s1")
    with database.read() as session:
        assert dkim_keys.keys_of(session) == []


def test_the_moment_of_a_signature_is_ours(database: Database, folder: Path) -> None:
    """Two moments give two signatures, one moment gives one (by Ed25519, which has no chance in it)."""
    row = transport(database, WhoSigns.US)
    add(database, folder, "s1")
    found = signer_for(database, row, D, folder)
    assert found is not None
    assert found.sign(MESSAGE, now=NOW) == found.sign(MESSAGE, now=NOW)
    assert found.sign(MESSAGE, now=NOW) != found.sign(MESSAGE, now=NOW + dt.timedelta(seconds=1))
