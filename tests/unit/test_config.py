"""Settings: from where they come, and the one sentence of each that is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import config
from digest.errors import ConfigError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file of the checkout is found."""
    monkeypatch.chdir(tmp_path)


def test_defaults_are_one_machine(tmp_path: Path) -> None:
    """Without any setting: SQLite and the embedded broker in ./var, the web on loopback."""
    found = config.load()
    assert found.database == f"sqlite:///{tmp_path}/var/digest.db"
    assert found.broker == f"redis+socket://{found.broker_socket}?virtual_host=0"
    assert found.secrets_folder == tmp_path / "var" / "secrets"
    assert found.journal_folder == tmp_path / "var" / "journals"
    assert found.web_host == "127.0.0.1"


def test_a_variable_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments, then the environment, then the file."""
    (tmp_path / "digest.toml").write_text('web_port = 1\nlease_seconds = 60\ncontact = "file"\n')
    monkeypatch.setenv("DIGEST_WEB_PORT", "2")
    monkeypatch.setenv("DIGEST_CONTACT", "environment")
    found = config.load(contact="argument")
    assert (found.lease_seconds, found.web_port, found.contact) == (60, 2, "argument")


def test_the_file_may_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DIGEST_CONFIG names it."""
    (tmp_path / "other.toml").write_text("web_port = 7\n")
    monkeypatch.setenv("DIGEST_CONFIG", str(tmp_path / "other.toml"))
    assert config.load().web_port == 7


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DIGEST_WEB_PORT", "eighty", "The setting DIGEST_WEB_PORT is wrong: "),
        ("DIGEST_WEB_PORT", "70000", "The setting DIGEST_WEB_PORT is wrong: "),
        ("DIGEST_TICK_SECONDS", "0", "The setting DIGEST_TICK_SECONDS is wrong: "),
        ("DIGEST_LEASE_SECONDS", "1", "The setting DIGEST_LEASE_SECONDS is wrong: "),
        ("DIGEST_PUBLIC_URL", "courier.example", "must be an http:// or https:// address"),
        ("DIGEST_PUBLIC_URL", "https://courier.example/a b", "must be an http:// or https:// address"),
        ("DIGEST_DATABASE_URL", "mysql://ani:sesame@db/x", "must start with postgresql:// or sqlite:///"),
        ("DIGEST_DNS_SERVERS", "dns.example", "'dns.example' is not an IP address with or without a port"),
        ("DIGEST_DNS_SERVERS", "192.0.2.1,192.0.2.2:0", "'192.0.2.2:0' is not an IP address"),
        ("DIGEST_DNS_SERVERS", "[2001:db8::1]:x", "'[2001:db8::1]:x' is not an IP address"),
        ("DIGEST_LOG_LEVEL", "LOUD", "The setting DIGEST_LOG_LEVEL is wrong: "),
        (
            "DIGEST_DATABSE_URL",
            "x",
            "There is no setting DIGEST_DATABSE_URL; did you mean DIGEST_DATABASE_URL?",
        ),
        (
            "DIGEST_RESEND_UNCERTAIN_AFTER",
            "60",
            "The setting DIGEST_RESEND_UNCERTAIN_AFTER is now called DIGEST_SETTLE_UNCERTAIN_AFTER.",
        ),
        ("DIGEST_ZZZZ", "x", "There is no setting DIGEST_ZZZZ; `digest doctor` lists those there are."),
    ],
)
def test_a_wrong_setting_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    """It names the setting, says what is wrong with it, and never shows a password."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        config.load()
    assert "sesame" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_old_name_in_the_file_is_told_too(tmp_path: Path) -> None:
    """Whoever upgrades is told the new name, wherever the old one stands."""
    (tmp_path / "digest.toml").write_text("resend_uncertain_after = 60\n")
    with pytest.raises(ConfigError, match="is now called DIGEST_SETTLE_UNCERTAIN_AFTER"):
        config.load()


@pytest.mark.parametrize("text", ["web_port = ", "unknown = 1\n", "web_port = 'x'\n", "\x00"])
def test_a_wrong_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    """TOML that is none, and settings that are none."""
    (tmp_path / "digest.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_is_taken(scheme: str) -> None:
    """The driver is ours to name."""
    found = config.load(database_url=f"{scheme}://ani:sesame@db/digest")
    assert found.database == "postgresql+psycopg://ani:sesame@db/digest"


def test_passwords_do_not_show() -> None:
    """Printing the settings, whole or by part, shows no password."""
    found = config.load(
        database_url="postgresql://ani:sesame@db/digest", broker_url="redis://:sesame@broker:6379/0"
    )
    assert "sesame" not in repr(found)
    assert "sesame" not in str(found)
    assert "sesame" not in found.model_dump_json()


@given(st.lists(st.from_regex(r"[a-z0-9.:-]{1,20}", fullmatch=True), max_size=5))
def test_private_hosts_are_a_list_with_commas(hosts: list[str]) -> None:
    """Spaces and capitals make no difference, and an empty place is no host."""
    found = config.load(private_hosts=" ,".join(host.upper() for host in hosts) + ",")
    assert found.private_hosts == tuple(hosts)


def test_dns_servers_are_addresses_with_ports() -> None:
    """Of both kinds, with a port or with the usual one; none means the system's."""
    assert config.load().dns_addresses == ()
    text = "192.0.2.1, 192.0.2.2:5353,2001:db8::1 ,[2001:db8::2]:54,[2001:db8::3]"
    assert config.load(dns_servers=text).dns_addresses == (
        *(("192.0.2.1", 53), ("192.0.2.2", 5353), ("2001:db8::1", 53)),
        *(("2001:db8::2", 54), ("2001:db8::3", 53)),
    )


def test_a_long_folder_does_not_break_the_socket(tmp_path: Path) -> None:
    """Unix sockets have short names: a long data folder's lies elsewhere, the same at every start."""
    deep = tmp_path / ("long" * 30)
    found = config.load(data_dir=deep)
    assert len(str(found.broker_socket)) <= 100
    assert found.broker_socket == config.load(data_dir=deep).broker_socket
    assert found.broker_socket != config.load(data_dir=tmp_path / ("else" * 30)).broker_socket


def test_public_url_has_no_slash_at_its_end() -> None:
    """So that paths can be joined to it."""
    assert (
        config.load(public_url="https://digest.courier.example//").public_url
        == "https://digest.courier.example"
    )


def test_every_setting_says_what_it_is_for() -> None:
    """Each has a sentence for whoever sets it; a choice of words says it by itself."""
    for name, field in config.Settings.model_fields.items():
        assert field.description or name == "log_level", name
