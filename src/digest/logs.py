"""Logging: events with keys and values, ids always, addresses and secrets never.

JSON lines in production, plain coloured lines at a terminal. Anything that looks like a mail address, a
signed link or a password in a URL is masked on its way out, as the last line of defence.
"""

from __future__ import annotations

import importlib
import logging
import re
import sys
from typing import Any


def _load_structlog() -> None:
    """Load structlog without `rich`, with which it would draw tracebacks.

    Ours are plain text before they come to it. In each process rich takes 4 MB, and where nothing is set up,
    as in a test, it draws half a second at a traceback.
    """
    rich = sys.modules.get("rich")
    sys.modules["rich"] = None  # type: ignore[assignment]  # what `import` takes for "not there"
    try:
        importlib.import_module("structlog")
    finally:
        del sys.modules["rich"]
        if rich is not None:
            sys.modules["rich"] = rich


_load_structlog()

import structlog  # noqa: E402

_ADDRESS = re.compile(r"[^\s<>@\"'(),;:]{1,64}@[\w-]+(?:\.[\w-]+)+")
_TOKEN = re.compile(r"(?<![\w-])[\w-]{42}(?![\w-])")
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+@")


def redact(text: str) -> str:
    """Mask addresses, tokens and the passwords of URLs in a text."""
    text = _URL_PASSWORD.sub(r"\1:***@", text)
    text = _ADDRESS.sub("***@***", text)
    return _TOKEN.sub("***", text)


def _redact_event(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}


def set_up(*, level: str = "INFO", json: bool | None = None) -> None:
    """Route our own and every library's log lines through one redacting formatter to standard error."""
    as_json = (not sys.stderr.isatty()) if json is None else json
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redact_event,
            last,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # The inliner's CSS parser reports every unknown property; the real checks are ours.
    for noisy in ("alembic", "cssutils", "httpx2", "httpcore2", "mail.log"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module. Log an event name, then keys and values."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
