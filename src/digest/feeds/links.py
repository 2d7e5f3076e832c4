"""Addresses inside posts: absolute, of the web, and in a form that every mail client opens."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

LONGEST = 2000
_JUNK = re.compile(r"[\x00-\x20\x7f]+")
_SAFE = "%/:=&?~#+!$,;'@()*[]"
_HOST = re.compile(r"[a-z0-9_-][a-z0-9._-]{0,252}|\[[0-9a-f:.]+\]")


def absolute(url: str, base: str = "") -> str | None:
    """The absolute http(s) address of a link, percent-encoded, its host in A-labels; None if it has none.

    A link with a user name in it is refused: it is there to be misread.
    """
    if not url.strip():
        return None
    try:
        joined = urljoin(base, _JUNK.sub("", url) if "\n" in url or "\t" in url else url.strip())
        parts = urlsplit(joined)
        port = parts.port
        host = _ascii_host(parts.hostname or "")
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or host is None or "@" in parts.netloc:
        return None
    path, query, fragment = (quote(part, safe=_SAFE, errors="replace") for part in parts[2:5])
    found = urlunsplit((parts.scheme, host if port is None else f"{host}:{port}", path, query, fragment))
    return found if len(found) <= LONGEST else None


def host_of(url: str) -> str:
    """The host of an address in lower case without `www.`; "" if it has none."""
    try:
        host = _ascii_host(urlsplit(url).hostname or "")
    except ValueError:
        return ""
    return (host or "").removeprefix("www.")


def _ascii_host(host: str) -> str | None:
    if ":" in host:
        host = f"[{host}]"
    elif not host.isascii():
        host = host.encode("idna").decode("ascii")
    host = host.lower().rstrip(".")
    return host if _HOST.fullmatch(host) else None


def with_parameters(url: str, pairs: Iterable[tuple[str, object]]) -> str:
    """An address with parameters in place of those of the same names, and without a fragment."""
    parts, given = urlsplit(url), list(pairs)
    names = {name for name, _ in given}
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in names]
    query = urlencode([*kept, *given], safe=",") if given else parts.query
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
