"""What makes two posts the same: several fingerprints, so that a feed may change one of them.

Sites move to https, are rebuilt with new ids, rename addresses or touch every date. A post whose any
fingerprint was seen before is not new.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from digest.feeds.links import absolute, host_of
from digest.feeds.sanitise import plain_text
from digest.feeds.types import ParsedPost


class FingerprintKind(StrEnum):
    """What of a post was hashed."""

    GUID = "guid"
    ADDRESS = "address"
    TITLE_DATE = "title_date"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A kind, and 64 hexadecimal digits (SHA-256)."""

    kind: FingerprintKind
    value: str


_SHORTEST_TITLE = 12  # letters; "Letters to the editor" is told by its date, "Weather" is not told at all
_PORTS = {"http": 80, "https": 443}
_TRACKING = re.compile(
    r"utm_.*|mc_(?:cid|eid)|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|igsh|mkt_tok|"
    r"_hsenc|_hsmi|vero_id|oly_(?:anon|enc)_id|wickedid|s_cid|cmpid|ref_src|_ga|_gl|share|nb",
    re.IGNORECASE,
)
_GLOBAL_ID = re.compile(
    r"urn:uuid:.+|tag:[^,]+,\d{4}.*:.+|(?:urn:uuid:)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}",
    re.IGNORECASE,
)
_SAFE_IN_PATH = "/:@!$&'()*+,;=~[]"


def fingerprints(post: ParsedPost, *, feed_url: str) -> tuple[Fingerprint, ...]:
    """The fingerprints of a post, one of each kind that it can have.

    An id that is an address or unique in the world (`urn:uuid:`, `tag:`) holds for all sites; any other id,
    and the title with its UTC date, hold only for the feed's host.
    """
    scope = host_of(feed_url)
    found = []
    if post.guid.strip():
        found.append(_hash(FingerprintKind.GUID, *_guid_parts(post.guid.strip(), scope)))
    address = canonical_address(post.url)
    if address:
        found.append(_hash(FingerprintKind.ADDRESS, address))
    title = fold(post.title)
    if post.published_at is not None and len(title.replace(" ", "")) >= _SHORTEST_TITLE:
        found.append(_hash(FingerprintKind.TITLE_DATE, scope, title, post.published_at.date().isoformat()))
    return tuple(found)


def content_fingerprint(post: ParsedPost) -> str:
    """A hash of what a reader sees of a post, to tell when a site has changed it.

    Markup, tracking parameters and the size in a picture's address are left out: they change by themselves.
    """
    picture = canonical_address(post.picture.url).partition("?")[0] if post.picture else ""
    seen = (
        post.title,
        post.author,
        canonical_address(post.url),
        post.excerpt,
        plain_text(post.body_html),
        picture,
    )
    return _sha256("content", *(unicodedata.normalize("NFC", part) for part in seen))


def canonical_address(url: str) -> str:
    """One spelling for the addresses that lead to the same page; "" if it is no http(s) address.

    https stands for both schemes; the host is in lower case without `www.`; fragment, default port, tracking
    parameters and trailing slash go; parameters are sorted. It is for comparing, not for opening.
    """
    whole = absolute(url)
    if whole is None:
        return ""
    parts = urlsplit(whole)
    host = host_of(whole)
    if parts.port is not None and parts.port not in {_PORTS["http"], _PORTS["https"]}:
        host = f"{host}:{parts.port}"
    path = quote(unquote(parts.path, errors="surrogateescape"), safe=_SAFE_IN_PATH, errors="surrogateescape")
    pairs = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape", max_num_fields=None)
    kept = sorted(pair for pair in pairs if not _TRACKING.fullmatch(pair[0]))
    query = urlencode(kept, errors="surrogateescape")
    return f"https://{host}{path.rstrip('/')}{'?' if query else ''}{query}"


def fold(title: str) -> str:
    """A title for comparing: letters and digits of all scripts in one case, all else as single spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", title).casefold())
    return " ".join("".join(c if c.isalnum() or unicodedata.combining(c) else " " for c in folded).split())


def _guid_parts(guid: str, scope: str) -> tuple[str, ...]:
    address = canonical_address(guid)
    if address:
        return ("address", address)
    if _GLOBAL_ID.fullmatch(guid):
        return ("global", guid.lower().removeprefix("urn:uuid:"))
    return ("local", scope, guid)


def _hash(kind: FingerprintKind, *parts: str) -> Fingerprint:
    return Fingerprint(kind, _sha256(kind, *parts))


def _sha256(*parts: str) -> str:
    # Each part with its length, so that no two lists of parts read the same.
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()
