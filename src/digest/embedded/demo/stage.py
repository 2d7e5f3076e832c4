"""The demo's folder, ports, settings and children."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from digest import config
from digest.config import Settings
from digest.embedded import probes
from digest.embedded.child import Child
from digest.embedded.standard import settings_env, standard_children
from digest.errors import ConfigError

_HOST = "127.0.0.1"
_WEB_PORT = 8025
# Written into the demo's folder: only a folder with this file in it is ever emptied.
_MARK = ".digest-demo"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything of one demo is."""

    folder: Path
    settings: Settings
    news_port: int
    mail_port: int

    @property
    def news_url(self) -> str:
        return f"http://{_HOST}:{self.news_port}"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"


def set_stage(folder: Path) -> Stage:
    """Empty the demo's folder, choose free ports, and make the settings of all its processes.

    Settings of this machine's own installation are left aside: the demo must not touch it. Raises ConfigError
    if the folder holds something that is not a demo's or cannot be written.
    """
    folder = folder.absolute()
    _empty(folder)
    for name in [name for name in os.environ if name.startswith("DIGEST_")]:
        del os.environ[name]
    news_port, mail_port = probes.free_port(), probes.free_port()
    web_port = probes.free_port(preferred=_WEB_PORT)
    os.environ["DIGEST_CONFIG"] = os.devnull
    settings = config.load(
        data_dir=folder,
        public_url=f"http://{_HOST}:{web_port}",
        web_port=web_port,
        catcher_dir=folder,
        private_hosts=(f"{_HOST}:{news_port}",),
        tick_seconds=1.0,
        collect_interval_seconds=5,
        plan_lead_seconds=30,
        contact="demo",
    )
    # The commands that set the demo up run in this process and read the same settings as the children.
    os.environ.update(settings_env(settings))
    config.settings.cache_clear()
    return Stage(folder, settings, news_port, mail_port)


def children(stage: Stage, *, publish_every: float | None) -> list[Child]:
    """The newspaper and the mail catcher, then what `digest up` runs."""
    publish = () if publish_every is None else ("--publish-every", str(publish_every))
    own = [
        Child(
            "newspaper",
            (sys.executable, "-m", "digest.embedded.newspaper", "--port", str(stage.news_port), *publish),
            ready=lambda: probes.web_answers(_HOST, stage.news_port, path="/en/feed/"),
        ),
        Child(
            "catcher",
            (sys.executable, "-m", "digest.cli", "catcher", "--port", str(stage.mail_port)),
            ready=lambda: probes.smtp_answers(_HOST, stage.mail_port),
        ),
    ]
    return own + standard_children(stage.settings, concurrency=2, quiet=True)


def _empty(folder: Path) -> None:
    try:
        if folder.exists() and any(folder.iterdir()):
            if not (folder / _MARK).exists():
                raise ConfigError(
                    f"{folder} holds something that is not a demo's; move it away or name another --dir."
                )
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).touch()
    except OSError as error:
        raise ConfigError(f"The demo's folder {folder} cannot be written: {error.strerror}.") from None
