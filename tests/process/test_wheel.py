"""The wheel: what is installed somewhere else has all it needs, and nothing of this checkout."""

from __future__ import annotations

import json
import os
import shutil
import site
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from celery import Celery

from digest import clock
from digest.db import Database
from digest.models import Edition
from tests.factories import make_cadence, make_digest
from tests.servers.waiting import HANG, wait_until

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]

# Told to render in the installation, with the tests' sample editions beside it.
_RENDER = """
import json, sys
import digest, samples
from digest.rendering.digest_email import render_mail, render_web
from digest.rendering.environment import template_folders
found = {"package": digest.__file__, "templates": [str(path) for path in template_folders()]}
for name, edition in (("en", samples.edition()), ("hy", samples.armenian())):
    mail = render_mail(edition)
    found[name] = {"subject": mail.subject, "html": mail.html, "text": mail.text, "web": render_web(edition)}
print(json.dumps(found))
"""


@dataclass
class Installation:
    """A virtual environment with the wheel in it, and an empty folder to work in."""

    wheel: Path
    folder: Path
    env: dict[str, str]

    def run(self, *words: str) -> str:
        """Run a program of the installation; what it prints."""
        program = self.folder / "venv" / "bin" / words[0]
        done = subprocess.run(
            [str(program), *words[1:]],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=HANG,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel of this checkout, installed outside of it, with the packages of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=HANG)
    (wheel,) = (folder / "dist").glob("digest-*.whl")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=HANG)
    python = str(venv / "bin" / "python")
    install = [
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-compile",
        str(wheel),
    ]
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *install], check=True, timeout=HANG
    )
    (packages,) = venv.glob("lib/python*/site-packages")
    # The locked packages are seen through this line. Their own .pth files, among them the one that leads to
    # this checkout, are not read from there.
    (packages / "locked.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("DIGEST_", "PYTHON"))}
    env = keep | {"PATH": f"{venv / 'bin'}:{keep['PATH']}", "DIGEST_DATA_DIR": str(folder / "var")}
    return Installation(wheel, folder, env)


def test_nothing_is_missing_and_nothing_is_too_much(installed: Installation) -> None:
    """Every template, catalogue, page style and migration of the checkout is inside; no test, no cache."""
    inside = set(zipfile.ZipFile(installed.wheel).namelist())
    package, templates = ROOT / "src" / "digest", ROOT / "templates"
    wanted = {
        f"digest/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } | {f"digest/_templates/{path.relative_to(templates).as_posix()}" for path in templates.rglob("*.*")}
    assert {name for name in inside if not name.startswith("digest-")} == wanted
    assert any(name.endswith("licenses/LICENSE") for name in inside)
    assert {name.split("/")[0].split("-")[0] for name in inside} == {"digest"}


def test_version_and_help_work_anywhere(installed: Installation) -> None:
    """The command is there and knows which version it is."""
    assert installed.run("digest", "--version").split()[-1] == "0.1.0"
    assert "doctor" in installed.run("digest", "--help")


def test_mails_are_rendered_from_the_packaged_templates(installed: Installation) -> None:
    """In both languages, whole, and with nothing taken from the checkout."""
    shutil.copyfile(ROOT / "tests" / "unit" / "rendering" / "samples.py", installed.folder / "samples.py")
    (installed.folder / "render.py").write_text(_RENDER)
    found = json.loads(installed.run("python", "render.py"))
    venv = str(installed.folder / "venv")
    assert found["package"].startswith(venv)
    assert [path.startswith(venv) for path in found["templates"]] == [True]
    assert "A bench in front of the library" in found["en"]["subject"]
    for language, words in (("en", "Unsubscribe"), ("hy", "Նստարան գրադարանի առջև")):
        for part in ("html", "text"):
            assert words in found[language][part]
        assert found[language]["web"].lstrip().startswith("<!")


@pytest.fixture
def worker(installed: Installation, redis_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The installation's own worker, on SQLite, beside the folder of the wheel."""
    installed.env["DIGEST_BROKER_URL"] = redis_url
    installed.run("digest", "db", "upgrade")
    celery = [str(installed.folder / "venv" / "bin" / "python"), "-m", "celery", "-A", "digest.tasks"]
    with (installed.folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [*celery, "worker", "--concurrency", "1", "--without-mingle"],
            cwd=installed.folder,
            env=installed.env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    yield process
    process.kill()
    process.wait()


def test_worker_answers_and_ticks(
    installed: Installation, worker: subprocess.Popen[bytes], redis_url: str
) -> None:
    """`celery -A digest.tasks worker` is reached, does a tick, and ends when it is told to."""
    database = Database(f"sqlite:///{installed.folder / 'var' / 'digest.db'}")
    with database.write() as session:
        make_cadence(session, make_digest(session), slots_after=clock.utc_now())

    def has_edition() -> bool:
        assert worker.poll() is None, (installed.folder / "worker.log").read_text()
        with database.read() as session:
            return bool(session.scalar(sa.select(sa.func.count()).select_from(Edition)))

    with Celery(broker=redis_url, set_as_current=False) as stranger:
        stranger.send_task("upkeep.tick", queue="upkeep")
        wait_until(has_edition, what="the edition that the tick makes")
        name = f"celery@{socket.gethostname()}"
        assert stranger.control.inspect([name], timeout=HANG, limit=1).ping() == {name: {"ok": "pong"}}
    worker.terminate()
    assert worker.wait(HANG) == 0
    database.close()
