"""What `digest doctor` looks at on this machine: settings, folders, secrets, templates."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from digest.errors import ConfigError

if TYPE_CHECKING:
    from digest.config import Settings

_LOW_SPACE = 1_000_000_000
_NO_SPACE = 100_000_000


class Level(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, and how to mend it where that is needed."""

    check: str
    level: Level
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting: its value without secrets, and where it comes from."""

    variable: str
    value: str
    origin: str
    meaning: str


def settings_lines(settings: Settings | None) -> list[SettingLine]:
    """Every setting there is, with its value if the settings could be read."""
    from pydantic import SecretStr  # noqa: PLC0415

    from digest.cli.messages import masked_url  # noqa: PLC0415
    from digest.config import Settings as Model  # noqa: PLC0415

    in_file = _file_names()
    in_environment = {name.lower() for name in os.environ}
    lines = []
    for name, field in Model.model_fields.items():
        variable = f"DIGEST_{name.upper()}"
        value = getattr(settings, name) if settings else ""
        if isinstance(value, SecretStr):
            value = masked_url(value.get_secret_value())
        elif isinstance(value, tuple):
            value = ", ".join(value)
        if variable.lower() in in_environment:
            origin = "environment"
        else:
            origin = str(_file()) if name in in_file else "default"
        shown = "" if value is None else str(value)
        lines.append(SettingLine(variable, shown, origin, field.description or ""))
    return lines


def check_settings(settings: Settings) -> Finding:
    """Where the settings come from; that they can be read at all is known here."""
    given = [line for line in settings_lines(settings) if line.origin != "default"]
    origins = ", ".join(sorted({line.origin for line in given}))
    found = f"{len(given)} given ({origins}), the rest as built in" if given else "all as built in"
    named = os.environ.get("DIGEST_CONFIG")
    if named and not Path(named).is_file():
        return Finding(
            "settings", Level.FAULT, f"the file {named} is not there", "Mend DIGEST_CONFIG or make the file."
        )
    return Finding("settings", Level.OK, found)


def check_data_folder(settings: Settings) -> Finding:
    """That the data folder is there, can be written, and has room."""
    folder = settings.data
    if not folder.exists():
        return Finding(
            "data folder",
            Level.WARN,
            f"{folder} is not there yet",
            "`digest up` or `digest db upgrade` makes it.",
        )
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding(
            "data folder",
            Level.FAULT,
            f"{folder} cannot be written: {error.strerror}",
            "Give this user the right to write there, or set DIGEST_DATA_DIR.",
        )
    free = shutil.disk_usage(folder).free
    level = Level.FAULT if free < _NO_SPACE else Level.WARN if free < _LOW_SPACE else Level.OK
    mend = "" if level is Level.OK else "Make room: journals and the database grow while an edition goes out."
    return Finding("data folder", level, f"{folder} can be written, {free / 1e9:.1f} GB free", mend)


def check_secrets(settings: Settings) -> Finding:
    """That the keys are whole and that nobody else on the machine can read them."""
    from digest import keys  # noqa: PLC0415

    folder = settings.secrets_folder
    try:
        keys.load(folder)
    except ConfigError as error:
        return Finding("secrets", Level.FAULT, str(error))
    open_ones = [path.name for path in sorted(folder.iterdir()) if path.is_file() and _others_read(path)]
    if open_ones and _others_enter(folder):
        names = ", ".join(open_ones)
        return Finding(
            "secrets",
            Level.FAULT,
            f"everybody on this machine can read {names}",
            f"chmod 700 {folder}; chmod 600 {folder}/*",
        )
    return Finding("secrets", Level.OK, f"the keys in {folder} are whole and private")


def check_public_url(settings: Settings) -> Finding:
    """That readers can reach the address that stands in every mail."""
    host = urlsplit(settings.public_url).hostname or ""
    if is_loopback(host):
        return Finding(
            "public URL",
            Level.WARN,
            f"{settings.public_url} is this machine only",
            "Set DIGEST_PUBLIC_URL before real readers get mail: links in mails live for years.",
        )
    if settings.public_url.startswith("http://"):
        return Finding(
            "public URL",
            Level.WARN,
            f"{settings.public_url} is not protected",
            "Use https://: mail services ask for it in one-click sign-off links (RFC 8058).",
        )
    return Finding("public URL", Level.OK, settings.public_url)


def check_templates(settings: Settings) -> Finding:
    """That the templates of every mail are there and can be parsed, and the newsroom's words can be used."""
    import jinja2  # noqa: PLC0415

    from digest.i18n import check_words, use_words  # noqa: PLC0415
    from digest.i18n.newsroom import stale_words  # noqa: PLC0415
    from digest.rendering.environment import environment, template_folders  # noqa: PLC0415

    try:
        templates = environment("en", settings.templates)
        for folder in (*filter(None, (settings.templates,)), *template_folders()):
            for path in sorted((folder / "email").rglob("*.*")):
                if path.suffix in {".html", ".txt"}:
                    templates.get_template(path.relative_to(folder).as_posix())
    except (ConfigError, jinja2.TemplateError) as error:
        return Finding(
            "templates", Level.FAULT, _first_line(error), "Mend your templates, or unset DIGEST_TEMPLATES."
        )
    use_words(settings.templates)
    try:
        check_words()
    except ConfigError as error:
        return Finding(
            "templates", Level.FAULT, str(error), "Mend that file; `digest words` writes a new one."
        )
    if settings.templates and (faults := _single_mails(settings.templates)):
        return Finding(
            "templates",
            Level.FAULT,
            "; ".join(faults),
            "Mend your templates; until then these single mails are made by those that come along.",
        )
    if stale := stale_words():
        return Finding("templates", Level.WARN, "; ".join(stale[:5]), "Take them out: they are not used.")
    own = f"{settings.templates}, then " if settings.templates else ""
    return Finding("templates", Level.OK, f"from {own}{template_folders()[0]}")


def _single_mails(templates: Path) -> list[str]:
    """What is wrong with the single mails that a newsroom's own templates make, the first few."""
    if not (templates / "email").is_dir():
        return []
    from digest.i18n import READER_LANGUAGES  # noqa: PLC0415
    from digest.preflight.single_samples import faults_with  # noqa: PLC0415

    return list(islice(faults_with(templates, READER_LANGUAGES), 5))


def check_catcher(settings: Settings) -> Finding:
    """That no inbox page stands open where readers come."""
    if settings.catcher_dir is None:
        return Finding("catcher", Level.OK, "off: mail goes to the mail service")
    if is_loopback(urlsplit(settings.public_url).hostname or ""):
        return Finding("catcher", Level.OK, f"on, for trying out: {settings.catcher_dir}")
    return Finding(
        "catcher",
        Level.WARN,
        "on: whoever reaches the web pages can read every caught mail",
        "Unset DIGEST_CATCHER_DIR where real readers come.",
    )


def is_loopback(host: str) -> bool:
    """Whether a host of a URL is this machine itself, by its name or number."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _file() -> Path:
    return Path(os.environ.get("DIGEST_CONFIG", "digest.toml"))


def _file_names() -> set[str]:
    """The settings that the file names; none if there is no file that can be read."""
    try:
        return {name.lower() for name in tomllib.loads(_file().read_text(encoding="utf-8"))}
    except (OSError, ValueError):
        return set()


def _others_read(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IROTH)


def _others_enter(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
