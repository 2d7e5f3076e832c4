"""What a post can be known again by: several fingerprints, so that a feed may change some of them.

Sites move to https or to another host, are rebuilt with new ids, rename addresses or touch every date. What
it takes to be the same post is decided in `sources.decide`.
"""

from __future__ import annotations

import functools
import hashlib
import html
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from digest.feeds.links import absolute, host_of
from digest.feeds.types import ParsedPost


class FingerprintKind(StrEnum):
    """What of a post was hashed. The last three do not tell a post by themselves: two of them do."""

    GUID = "guid"
    ADDRESS = "address"
    TITLE_DATE = "title_date"
    WORDPRESS = "wordpress"  # the number of the post in its blog, whatever the host
    PATH = "path"  # the address without its host
    TITLE = "title"


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
_INLINE_TAG = re.compile(r"</?(?:a|b|em|i|strong|u)(?:\s[^>]*)?>")
_TAG = re.compile(r"<[^>]*>")
_WORDPRESS_ID = re.compile(r"p=(\d{1,12})")


def fingerprints(post: ParsedPost, *, feed_url: str) -> tuple[Fingerprint, ...]:
    """The fingerprints of a post, one of each kind that it can have.

    An id that is an address or unique in the world (`urn:uuid:`, `tag:`) and an address hold for all sites;
    all else holds only for the feed's host. The front page of a site is no address of a post: where a feed
    names no other, the address counts together with the title.
    """
    scope = host_of(feed_url)
    guid, title, address = post.guid.strip(), fold(post.title), canonical_address(post.url)
    found = []
    if guid:
        found.append(_hash(FingerprintKind.GUID, *_guid_parts(guid, scope)))
    if number := _wordpress_number(guid):
        found.append(_hash(FingerprintKind.WORDPRESS, scope, *number))
    path = _path_of(address)
    if path:
        found += [_hash(FingerprintKind.ADDRESS, address), _hash(FingerprintKind.PATH, scope, path)]
    elif address and title:
        found.append(_hash(FingerprintKind.ADDRESS, address, title))
    if post.published_at is not None and len(title.replace(" ", "")) >= _SHORTEST_TITLE:
        found.append(_hash(FingerprintKind.TITLE_DATE, scope, title, post.published_at.date().isoformat()))
    if title:
        found.append(_hash(FingerprintKind.TITLE, scope, title))
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
        _text_of(post.body_html),
        picture,
    )
    return _sha256("content", *(unicodedata.normalize("NFC", part) for part in seen))


@functools.lru_cache(maxsize=8)  # a post's id and address are often one, and each is looked at twice
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


def _text_of(body_html: str) -> str:
    """The words of a body. It is ours already (`feeds.canonical`): no attribute in it holds a bare `>`."""
    return " ".join(html.unescape(_TAG.sub(" ", _INLINE_TAG.sub("", body_html))).split())


def _path_of(address: str) -> str:
    """A canonical address without its host; "" for the front page."""
    _, slash, rest = address.removeprefix("https://").partition("/")
    if slash:
        return slash + rest
    _, mark, query = address.partition("?")
    return mark + query


def _wordpress_number(guid: str) -> tuple[str, str] | None:
    """Of an id like `https://example.org/blog/?p=12`: the blog's folder and the number."""
    address = canonical_address(guid)
    path, _, query = _path_of(address).partition("?")
    numbers = [found[1] for part in query.split("&") if (found := _WORDPRESS_ID.fullmatch(part))]
    return (path, numbers[0]) if numbers else None


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
