"""Settings: read once at the start from `DIGEST_*` variables, `digest.toml` and secret files.

A variable wins over the file. A missing or wrong setting stops the start with one sentence (ConfigError).
"""

from __future__ import annotations

import difflib
import functools
import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from digest.errors import ConfigError

_PREFIX = "DIGEST_"
_DATABASES = ("postgresql://", "postgres://", "postgresql+psycopg://", "sqlite:///")
# Names of the releases before, and what they are called now.
_RENAMED = {"DIGEST_RESEND_UNCERTAIN_AFTER": "DIGEST_SETTLE_UNCERTAIN_AFTER"}
_SOCKET_PATH_LIMIT = 100  # a unix socket's path holds 107 bytes on Linux, 103 on macOS


class Settings(BaseSettings):
    """Everything that whoever runs Digest can set. Each field is the variable `DIGEST_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    data_dir: Path = Field(Path("var"), description="Folder for the database, secrets, journals and sockets.")
    database_url: SecretStr | None = Field(
        None, description="postgresql://user:password@host/name; unset means SQLite in the data folder."
    )
    broker_url: SecretStr | None = Field(
        None, description="redis://... or amqp://...; unset means the broker that `digest up` starts."
    )
    public_url: str = Field(
        "http://127.0.0.1:8025", description="Where readers reach the web pages; it stands in every mail."
    )
    web_host: str = Field("127.0.0.1", description="Address that the web server listens on.")
    web_port: int = Field(8025, ge=0, le=65535, description="Port that the web server listens on.")
    web_processes: int = Field(
        0, ge=0, le=64, description="Web processes; 0: one on SQLite, else one for each core, up to four."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Proxies in front of the web whose X-Forwarded-For counts, as addresses or networks."
    )
    secrets_dir: Path | None = Field(None, description="Folder of the secret files; default: DATA/secrets.")
    journal_dir: Path | None = Field(None, description="Folder of the send journals; default: DATA/journals.")
    templates: Path | None = Field(None, description="A folder of your own templates; it comes first.")
    catcher_dir: Path | None = Field(
        None, description="Folder of the mail catcher; if set, the web has an inbox page. For trying out."
    )
    private_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Hosts on private networks that sources may be fetched from, separated by commas."
    )
    contact: str = Field("", description="Address or page in the User-Agent of our fetches, for site owners.")
    dns_servers: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="DNS servers to ask, as address or address:port with commas; unset: the system's."
    )
    tick_seconds: float = Field(5.0, gt=0, le=60, description="How often the one scheduled task looks.")
    lease_seconds: int = Field(120, ge=10, le=3600, description="How long a worker may hold a batch.")
    plan_lead_seconds: int = Field(
        120, ge=0, le=3600, description="How long before its slot an edition's audience is fixed."
    )
    settle_uncertain_after: int = Field(
        86400, ge=0, description="Seconds after which a list's policy settles what may have arrived."
    )
    keep_deliveries_days: int = Field(
        365, ge=7, le=36500, description="Days that a delivery stays on record; then only totals do."
    )
    keep_notices_days: int = Field(
        30, ge=1, le=3650, description="Days that a single mail stays on record once it is done with."
    )
    keep_links_days: int = Field(
        1, ge=1, le=90, description="Days that a link asked for by a reader stays on record after its end."
    )
    collect_interval_seconds: int = Field(900, ge=1, description="How often a source is fetched.")
    mirror_pictures: bool = Field(
        True, description="Serve our own copies of stories' pictures; else mails show them from their sites."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much is logged.")
    log_json: bool | None = Field(None, description="JSON log lines; unset: unless at a terminal.")

    @field_validator("private_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_proxies(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(part.strip() for part in value.split(",") if part.strip())
            for part in value:
                _network(part)
        return value

    @field_validator("dns_servers", mode="before")
    @classmethod
    def _split_servers(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(part.strip() for part in value.split(",") if part.strip())
            for part in value:
                _dns_server(part)
        return value

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or any(c.isspace() for c in value):
            raise ValueError("must be an http:// or https:// address")
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(_DATABASES):
            raise ValueError("must start with postgresql:// or sqlite:///")
        return value

    @property
    def database(self) -> str:
        """The database as SQLAlchemy's URL, password included: never log it."""
        if self.database_url is None:
            return f"sqlite:///{self.data / 'digest.db'}"
        url = self.database_url.get_secret_value()
        for given in _DATABASES[:2]:
            if url.startswith(given):
                return "postgresql+psycopg://" + url.removeprefix(given)
        return url

    @property
    def data(self) -> Path:
        return self.data_dir.absolute()

    @property
    def dns_addresses(self) -> tuple[tuple[str, int], ...]:
        """The DNS servers to ask, as IP address and port; none: the system's."""
        return tuple(_dns_server(server) for server in self.dns_servers)

    @property
    def secrets_folder(self) -> Path:
        return self.secrets_dir.absolute() if self.secrets_dir else self.data / "secrets"

    @property
    def journal_folder(self) -> Path:
        return self.journal_dir.absolute() if self.journal_dir else self.data / "journals"

    @property
    def broker_socket(self) -> Path:
        """The embedded broker's socket; in a short folder of its own where the data folder's path is long."""
        path = self.data / "run" / "broker.sock"
        if len(str(path)) <= _SOCKET_PATH_LIMIT:
            return path
        import hashlib  # noqa: PLC0415
        import tempfile  # noqa: PLC0415

        name = hashlib.sha256(str(self.data).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"digest-{os.getuid()}-{name}" / "broker.sock"

    @property
    def broker(self) -> str:
        """The broker's URL in Celery's form, password included: never log it."""
        if self.broker_url is not None:
            return self.broker_url.get_secret_value()
        return f"redis+socket://{self.broker_socket}?virtual_host=0"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file named by DIGEST_CONFIG (or ./digest.toml)."""
        file = Path(os.environ.get("DIGEST_CONFIG", "digest.toml"))
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file))


def load(**overrides: object) -> Settings:
    """Read the settings; raises ConfigError with a sentence that names the setting."""
    _refuse_unknown_variables()
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        problem = first["msg"].removeprefix("Value error, ")
        if (now_called := _RENAMED.get(_PREFIX + name)) is not None:
            raise ConfigError(f"The setting {_PREFIX}{name} is now called {now_called}.") from None
        where = f"The setting {_PREFIX}{name} is wrong" if name else "The settings are wrong"
        raise ConfigError(f"{where}: {problem}.") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"The settings file cannot be read: {error}.") from None


@functools.cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return load()


def _dns_server(text: str) -> tuple[str, int]:
    """`192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`."""
    host, port = text, "53"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if rest else port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        address, number = str(ipaddress.ip_address(host)), int(port)
    except ValueError:
        number = 0
    if not 1 <= number <= 65535:
        raise ValueError(f"{text[:80]!r} is not an IP address with or without a port, like 192.0.2.1:53")
    return address, number


def _network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(
            f"{text[:80]!r} is not an IP address or network, like 192.0.2.1 or 10.0.0.0/8"
        ) from None


def _refuse_unknown_variables() -> None:
    known = {_PREFIX + name.upper() for name in Settings.model_fields} | {"DIGEST_CONFIG"}
    for name in sorted(os.environ):
        if name in _RENAMED:
            raise ConfigError(f"The setting {name} is now called {_RENAMED[name]}.")
        if name.startswith(_PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}" if close else "`digest doctor` lists those there are"
            raise ConfigError(
                f"There is no setting {name}; {hint}?" if close else f"There is no setting {name}; {hint}."
            )
