"""The pure parts of `digest doctor`, and what `digest up` tells."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from digest import config, keys
from digest.cli import checks
from digest.cli.checks import Level
from digest.cli.run import where_to_look
from digest.i18n import use_words

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("host", ["localhost", "digest.localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine_is_known_by_name_and_number(host: str) -> None:
    """Nobody else can open a link to it."""
    assert checks.is_loopback(host)


@pytest.mark.parametrize("host", ["courier.example", "127.0.0.1.courier.example", "192.0.2.7", ""])
def test_other_hosts_are_not_this_machine(host: str) -> None:
    """Also one whose name only begins like a number of ours."""
    assert not checks.is_loopback(host)


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("http://127.0.0.1:8025", Level.WARN),
        ("https://localhost", Level.WARN),
        ("http://courier.example", Level.WARN),
        ("https://courier.example", Level.OK),
    ],
)
def test_public_url_must_be_reachable_and_protected(url: str, level: Level) -> None:
    """Links in mails live for years."""
    found = checks.check_public_url(config.load(public_url=url))
    assert found.level is level
    assert bool(found.mend) is (level is Level.WARN)


@pytest.mark.parametrize(
    ("free", "level"), [(10**7, Level.FAULT), (5 * 10**8, Level.WARN), (10**10, Level.OK)]
)
def test_little_room_on_the_disk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: Level
) -> None:
    """Below 1 GB a warning, below 100 MB a fault."""
    total = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: total._replace(free=free))
    assert checks.check_data_folder(config.load(data_dir=tmp_path)).level is level


def test_data_folder_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    """It cannot be written into."""
    (tmp_path / "file").write_text("")
    found = checks.check_data_folder(config.load(data_dir=tmp_path / "file"))
    assert found.level is Level.FAULT
    assert "DIGEST_DATA_DIR" in found.mend


def test_settings_hide_every_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A value that may hold a password is shown without it, whatever way it came."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digest.toml").write_text('broker_url = "redis://:open-sesame@broker.test/0"\n')
    settings = config.load(database_url="postgresql://digest:open-sesame@db.test/digest")
    lines = {line.variable: line for line in checks.settings_lines(settings)}
    assert lines["DIGEST_BROKER_URL"].value == "redis://:***@broker.test/0"
    assert lines["DIGEST_BROKER_URL"].origin == "digest.toml"
    assert lines["DIGEST_DATABASE_URL"].value == "postgresql://digest:***@db.test/digest"
    assert "open-sesame" not in str(lines)
    assert {f"DIGEST_{name.upper()}" for name in config.Settings.model_fields} == set(lines)


def test_secrets_in_a_private_folder_are_private(tmp_path: Path) -> None:
    """What counts is whether others can get at a file, not its mode alone."""
    keys.make_missing(tmp_path / "secrets")
    settings = config.load(data_dir=tmp_path)
    (tmp_path / "secrets" / "address-key").chmod(0o644)
    assert checks.check_secrets(settings).level is Level.OK
    (tmp_path / "secrets").chmod(0o711)
    assert checks.check_secrets(settings).level is Level.FAULT


def test_words_of_the_newsroom_are_looked_at(tmp_path: Path) -> None:
    """A file that cannot be used is a fault that names it; words that nobody says any more are a warning."""
    (tmp_path / "words").mkdir()
    path = tmp_path / "words" / "hyw.po"
    settings = config.load(data_dir=tmp_path, templates=tmp_path)
    try:
        path.write_text('msgid "By %(author)s"\nmsgstr "By nobody"\n', encoding="utf-8")
        wrong = checks.check_templates(settings)
        path.write_text('msgid "An older message"\nmsgstr "Words"\n', encoding="utf-8")
        stale = checks.check_templates(settings)
        path.unlink()
        assert checks.check_templates(settings).level is Level.OK
    finally:
        use_words(None)
    assert (wrong.level, stale.level) == (Level.FAULT, Level.WARN)
    assert f"{path} cannot be used: 'By %(author)s'" in wrong.found
    assert "hyw.po has words for 'An older message'" in stale.found


def test_up_tells_where_to_look(tmp_path: Path) -> None:
    """A person gets addresses that open, also where the server listens everywhere."""
    settings = config.load(
        data_dir=tmp_path,
        web_host="0.0.0.0",
        web_port=8025,
        public_url="https://digest.courier.example",
        catcher_dir=tmp_path,
    )
    told = "\n".join(where_to_look(settings, tmp_path / "logs"))
    assert "http://127.0.0.1:8025/" in told
    assert "https://digest.courier.example/" in told
    assert "http://127.0.0.1:8025/inbox" in told
    assert str(tmp_path / "logs") in told
    plain = "\n".join(where_to_look(config.load(data_dir=tmp_path), None))
    assert "readers" not in plain
    assert "inbox" not in plain


def test_a_single_mail_that_a_template_breaks_is_told(tmp_path: Path) -> None:
    """What parses and still makes a mail without its link is a fault, named by mail and language."""
    text = (ROOT / "templates/email/confirm/body.txt").read_text(encoding="utf-8")
    file = tmp_path / "email" / "confirm" / "body.txt"
    file.parent.mkdir(parents=True)
    settings = config.load(data_dir=tmp_path, templates=tmp_path)
    try:
        file.write_text(text.replace("{{ notice.confirm_url }}", "our site"), encoding="utf-8")
        found = checks.check_templates(settings)
        file.write_text(text.replace("notice.confirm_url", "notice.confirm_link"), encoding="utf-8")
        fails = checks.check_templates(settings)
    finally:
        use_words(None)
    assert found.level is Level.FAULT
    assert "the mail confirm in en must not go out: link_missing" in found.found
    assert "the mail confirm in en fails: UndefinedError" in fails.found
