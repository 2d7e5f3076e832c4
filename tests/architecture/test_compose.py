"""The compose file: it can be read, has no password of its own, and gives each process what it needs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from digest.config import Settings
from tests.architecture import plain_yaml
from tests.servers.waiting import HANG

_ROOT = Path(__file__).resolve().parents[2]
_FILE = _ROOT / "docker-compose.yml"
_OURS = ("migrate", "web", "worker", "beat")
_PASSWORD_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY|_URL$")
_REFERENCE = re.compile(r"\$\{(?P<name>\w+)(?P<rest>[^}]*)\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file as it is written."""
    document: dict[str, Any] = plain_yaml.read(_FILE.read_text(encoding="utf-8"))
    return document


def _compose_command() -> list[str] | None:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, "version"], capture_output=True, check=False, timeout=HANG)
            if done.returncode == 0:
                return command
    return None


def test_compose_itself_takes_the_file() -> None:
    """Where compose is installed, it finds nothing wrong, and refuses to start without a password."""
    compose = _compose_command()  # asked here: at the import each worker of a run would wait for it
    if compose is None:
        pytest.skip("there is no docker compose on this machine")
    command = [*compose, "-f", str(_FILE), "config"]
    given = {"POSTGRES_PASSWORD": "a", "REDIS_PASSWORD": "b", "DIGEST_PUBLIC_URL": "https://digest.test"}
    clean = {name: value for name, value in os.environ.items() if name not in given}
    done = subprocess.run(
        command, env=clean | given, capture_output=True, text=True, check=False, timeout=HANG
    )
    assert done.returncode == 0, done.stderr
    for name in given:
        less = {key: value for key, value in (clean | given).items() if key != name}
        done = subprocess.run(command, env=less, capture_output=True, text=True, check=False, timeout=HANG)
        assert done.returncode != 0
        assert f"Set {name}, " in done.stderr


def test_every_process_is_there(compose: dict[str, Any]) -> None:
    """Nothing that production needs is missing, and the catcher is for trying out only."""
    services = compose["services"]
    assert {"postgres", "redis", "catcher", *_OURS} == set(services)
    assert [name for name, service in services.items() if "profiles" in service] == ["catcher"]
    assert services["catcher"]["profiles"] == ["dev"]


def test_no_password_is_written_down(compose: dict[str, Any]) -> None:
    """Every password and URL comes from outside, and compose refuses to start without it."""
    for name, service in compose["services"].items():
        for variable, value in (service.get("environment") or {}).items():
            if _PASSWORD_NAME.search(variable):
                assert ":?" in value, (name, variable)
    for reference in _REFERENCE.finditer(_FILE.read_text(encoding="utf-8")):
        if _PASSWORD_NAME.search(reference["name"]):
            assert reference["rest"].startswith(f":?Set {reference['name']}, "), reference[0]


def test_settings_are_settings(compose: dict[str, Any]) -> None:
    """Each DIGEST_ variable is one that the code knows; a process refuses to start with any other."""
    known = {f"DIGEST_{name.upper()}" for name in Settings.model_fields}
    for name in (*_OURS, "catcher"):
        given = {key for key in compose["services"][name]["environment"] if key.startswith("DIGEST_")}
        assert given <= known


def test_nothing_starts_on_an_old_schema(compose: dict[str, Any]) -> None:
    """Web, worker and beat wait for the migration, and that for the database."""
    services = compose["services"]
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert services[name]["depends_on"]["redis"] == {"condition": "service_healthy"}
    assert services["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert services["migrate"]["restart"] == "no"


def test_long_running_services_are_watched(compose: dict[str, Any]) -> None:
    """Each has a health check, and a worker has the time to finish the messages on the wire."""
    services = compose["services"]
    for name in ("postgres", "redis", "web", "worker", "beat"):
        assert services[name]["healthcheck"]["test"], name
    assert int(services["worker"]["stop_grace_period"].removesuffix("s")) > 30


def test_what_must_not_be_lost_is_on_volumes(compose: dict[str, Any]) -> None:
    """Data, secrets and journals outlive their containers, and every volume that is used is declared."""
    services = compose["services"]
    used = {entry.split(":")[0] for service in services.values() for entry in service.get("volumes", [])}
    assert used == set(compose["volumes"])
    assert "journals:/var/lib/digest/journals" in services["worker"]["volumes"]
    for name in _OURS:
        assert "secrets:/var/lib/digest/secrets" in services[name]["volumes"]


def test_our_processes_have_no_rights_to_spare(compose: dict[str, Any]) -> None:
    """They cannot change their image, gain rights, or be root."""
    for name in _OURS:
        service = compose["services"][name]
        assert service["read_only"] == "true"
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    dockerfile = (_ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER digest$", dockerfile, re.MULTILINE)


def test_image_is_built_from_pinned_packages_only() -> None:
    """Every package is checked against its hash; our own comes without dependencies; no key is copied."""
    dockerfile = (_ROOT / "Dockerfile").read_text(encoding="utf-8")
    installs = re.findall(r"pip install (.*)", dockerfile)
    assert installs
    for line in installs:
        assert line.startswith(("--require-hashes ", "--no-deps ")), line
    ignored = (_ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert "*" in ignored
    copied = {
        word
        for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.MULTILINE)
        for word in line.split()
    }
    assert copied == {entry[1:] for entry in ignored if entry.startswith("!")}


@pytest.mark.parametrize("text", ["a: |\n  b\n", "a: {b: c}\n", "a\n", "a: b\n   c: d\n", "a: b # c\n"])
def test_reader_refuses_what_it_does_not_know(text: str) -> None:
    """The checks above are not fooled by a form that is read wrongly."""
    with pytest.raises(ValueError, match="line"):
        plain_yaml.read(text)


def test_reader_reads_what_we_write() -> None:
    """Anchors, merges, lists and empty values come out as compose reads them."""
    text = 'x: &base\n  a: "1"\n  b: two words\ny:\n  <<: *base\n  b:\n  c: ["d", "e"]\n  f:\n    - g:h\n'
    base = {"a": "1", "b": "two words"}
    assert plain_yaml.read(text) == {
        "x": base,
        "y": {"a": "1", "b": None, "c": ["d", "e"], "f": ["g:h"]},
    }
