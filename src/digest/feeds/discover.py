"""Where the feeds of a site are: bytes, headers and address of a page in, candidates out.

Pure: fetches nothing and believes nothing; what a page names is an offer that somebody has to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs, urljoin, urlsplit

from digest.feeds.fields import language_of
from digest.feeds.links import absolute, host_of
from digest.feeds.page import Page, Tag, scan
from digest.feeds.text import label

MOST_CANDIDATES = 20

_FEED_TYPES = frozenset(
    {
        "application/rss+xml",
        "application/atom+xml",
        "application/feed+json",
        "application/json",
        "application/rdf+xml",
        "application/xml",
        "text/xml",
    }
)
_REST_REL = "https://api.w.org/"
# Names that sites give their feeds, in the order in which they are worth a try.
_WELL_KNOWN = (
    *(
        "feed/",
        "rss.xml",
        "feed.xml",
        "rss",
        "atom.xml",
        "index.xml",
        "feed.json",
        "rss/",
        "feeds/posts/default",
    ),
    "?feed=rss2",
)
_FEED_PATH = re.compile(
    r"(?:^|/)(?:feeds?|rss|atom|rdf|index\.(?:rss|xml|rdf)|[\w.-]*\.(?:rss|atom|rdf)|(?:rss|atom|feed)\w{0,10}"
    r"\.(?:xml|json|php))/?$|(?:^|&)(?:feed|format)=(?:rss|rss2|atom|rdf|feed)(?:&|$)",
    re.IGNORECASE,
)
_COMMENTS = re.compile(r"/comments/(?:feed|default)|feed=comments|[?&]withoutcomments=0", re.IGNORECASE)
_COMMENTS_TITLE = re.compile(r"\bcomments (?:feed|on\b)|մեկնաբանությունների", re.IGNORECASE)
_GENERATOR = re.compile(rb"<generator>\s{0,20}https?://(?:www\.)?wordpress\.(?:org|com)/")
_SHALLOW = 2  # slashes in the path of a language's or section's front page
_WORDPRESS = re.compile(r"/wp-(?:content|includes)/")
_MULTILINGUAL = re.compile(
    r"wp-content/plugins/(?:polylang|sitepress-multilingual-cms|wpml)|\bwpml ver|\bpolylang\b|\bpll_"
)
_RESOURCE = re.compile(r"(?:/|^)wp/v2/(categories|tags)/(\d{1,15})/?$")
_FEED_END = re.compile(r"/(?:index\.php/)?(?:feed(?:/(?:rss2?|rdf|atom))?|index\.php)?/?$", re.IGNORECASE)
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(?:[-_][a-zA-Z0-9]{2,8})?")


class FoundBy(StrEnum):
    """How a candidate came to light; the earlier, the likelier it is what the site means."""

    GIVEN = "given"  # it is the address that was pasted
    LINK = "link"  # the page or its server names it as its feed
    ANCHOR = "anchor"  # the page has a link to it that looks like one
    LANGUAGE = "language"  # it would be the feed of another language version
    WELL_KNOWN = "well_known"  # sites often have one there


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that may be a feed."""

    url: str
    found_by: FoundBy
    title: str = ""
    language: str | None = None


@dataclass(frozen=True, slots=True)
class LanguageVersion:
    """The same page in another language; `parameter` names what chooses the language in its address."""

    language: str
    url: str
    parameter: str | None = None

    @property
    def code(self) -> str:
        """What the site itself calls the language: as in its addresses, else the language's first part."""
        parts = urlsplit(self.url)
        given = parse_qs(parts.query).get(self.parameter or "", [""])[0]
        folder = parts.path.strip("/").partition("/")[0]
        for name in (given, folder):
            if _LANGUAGE_CODE.fullmatch(name) and name[:2] == self.language[:2].lower():
                return name
        return self.language.partition("-")[0].lower()


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a page says of its site.

    `rest_roots` are where a WordPress site's REST interface begins, the likeliest first; `is_named` says
    that the site names the first itself. `section` is the category or tag that the page is of.
    """

    title: str
    language: str | None
    feeds: tuple[Candidate, ...]
    rest_roots: tuple[str, ...] = ()
    is_named: bool = False
    is_wordpress: bool = False
    languages: tuple[LanguageVersion, ...] = ()
    language_parameter: str | None = None
    section: tuple[str, int] | None = None


def discover(body: bytes, *, url: str, headers: Mapping[str, str], content_type: str = "") -> Discovery:
    """The candidates of a page, each once, the likeliest first, at most 20. Never raises."""
    page = scan(body, content_type)
    base = absolute(page.base, url) or url
    links = [*(tag for tag in page.tags if tag.name == "link"), *header_links(headers.get("link", ""))]
    named = list(_rest_roots(links, base))
    is_wordpress = bool(named or "wordpress" in page.generator.lower() or _WORDPRESS.search(page.source))
    versions = _language_versions(links, base)
    parameter = next((version.parameter for version in versions if version.parameter), None)
    if is_wordpress and (_MULTILINGUAL.search(page.source) or "wpml" in page.generator.lower()):
        parameter = parameter or "lang"
    language = language_of(page.language)
    found = [
        *_linked(links, base),
        *_anchors(page, base),
        *(found for version in versions if is_wordpress for found in _of_language(version, language)),
        *well_known(url),
    ]
    return Discovery(
        title=page.title,
        language=language,
        feeds=_distinct(found),
        rest_roots=tuple(dict.fromkeys((*named, *guessed_rest_roots(url)))) if is_wordpress else (),
        is_named=bool(named),
        is_wordpress=is_wordpress,
        languages=versions,
        language_parameter=parameter,
        section=next(filter(None, (_section(link, base) for link in links)), None),
    )


def header_links(value: str) -> Iterator[Tag]:
    """The targets of a Link header (RFC 8288) as if they stood in the page."""
    for piece in value.split("<")[1:51]:
        target, _, rest = piece.partition(">")
        given = dict(re.findall(r"""(\w{1,20})\s{0,5}=\s{0,5}"?([^";,]{0,500})""", rest))
        yield Tag("link", {name.lower(): text.strip() for name, text in given.items()} | {"href": target})


def well_known(url: str) -> Iterator[Candidate]:
    """Where sites often have a feed: beside the page, then at the root of its host."""
    beside, root = urljoin(url, "."), urljoin(url, "/")
    # Deep in a site a page is an article: what looks like its feed holds its readers' comments.
    bases = (beside, root) if urlsplit(beside).path.count("/") <= _SHALLOW else (root,)
    for base in dict.fromkeys(bases):
        for path in _WELL_KNOWN:
            if address := absolute(path, base):
                yield Candidate(address, FoundBy.WELL_KNOWN)


def guessed_rest_roots(url: str) -> Iterator[str]:
    """Where WordPress keeps its REST interface if nobody moved it, with pretty addresses and without."""
    for path in ("/wp-json/", "/?rest_route=/"):
        if address := absolute(path, url):
            yield address


def _linked(links: list[Tag], base: str) -> Iterator[Candidate]:
    for link in links:
        kind = link.get("type").lower().partition(";")[0].strip()
        is_feed = "feed" in link.rel or ("alternate" in link.rel and kind in _FEED_TYPES)
        address = absolute(link.get("href"), base)
        if not is_feed or address is None or _is_rest(address):
            continue
        # `application/json` is also how a site names its interfaces.
        if kind == "application/json" and not _FEED_PATH.search(_tail(address)):
            continue
        title = label(link.get("title"), is_html=False, longest=200)
        if not _COMMENTS.search(address) and not _COMMENTS_TITLE.search(title):
            yield Candidate(address, FoundBy.LINK, title, language_of(link.get("hreflang")))


def _anchors(page: Page, base: str) -> Iterator[Candidate]:
    for tag in page.tags:
        if tag.name != "a" or not tag.get("href"):
            continue
        address = absolute(tag.get("href"), base)
        if address is None or _COMMENTS.search(address) or not _FEED_PATH.search(_tail(address)):
            continue
        if f".{host_of(address)}".endswith(f".{host_of(base)}") or host_of(address).startswith("feeds."):
            yield Candidate(address, FoundBy.ANCHOR, tag.text)


def _of_language(version: LanguageVersion, own: str | None) -> Iterator[Candidate]:
    """Where WordPress would have the feed of a language version."""
    parts = urlsplit(version.url)
    is_own = own and version.language.partition("-")[0] == own.partition("-")[0]
    if is_own and parts.path in {"", "/"} and not parts.query:
        return  # its feed is the site's
    address = absolute("feed/", urljoin(version.url, "./"))
    if address and not parts.query:
        yield Candidate(address, FoundBy.LANGUAGE, language=version.language)
    elif address:
        yield Candidate(f"{address}?{parts.query}", FoundBy.LANGUAGE, language=version.language)


def _language_versions(links: list[Tag], base: str) -> tuple[LanguageVersion, ...]:
    found: dict[str, LanguageVersion] = {}
    for link in links:
        code = link.get("hreflang")
        is_feed = link.get("type").lower() in _FEED_TYPES
        address = absolute(link.get("href"), base)
        if "alternate" not in link.rel or is_feed or address is None or not _LANGUAGE_CODE.fullmatch(code):
            continue
        parameter = next(
            (
                name
                for name in ("lang", "language", "wpml_language")
                if name in parse_qs(urlsplit(address).query)
            ),
            None,
        )
        found.setdefault(code, LanguageVersion(code.replace("_", "-"), address, parameter))
    return tuple(found.values())[:MOST_CANDIDATES]


def _rest_roots(links: list[Tag], base: str) -> Iterator[str]:
    for link in links:
        if _REST_REL in link.rel and (address := absolute(link.get("href"), base)):
            yield as_rest_root(address)


def as_rest_root(address: str) -> str:
    """A REST root as we keep it: with a slash at its end, or with `?rest_route=/`."""
    path, mark, query = address.partition("?")
    if mark and "rest_route=" in query:
        return f"{path}?rest_route=/"
    return f"{path.rstrip('/')}/"


def rest_address(root: str, route: str, **query: object) -> str:
    """The address of a route (`wp/v2/posts`) below a REST root, in the root's own form."""
    given = "&".join(f"{name}={value}" for name, value in query.items())
    address = root + route.lstrip("/")
    return f"{address}{'&' if '?' in address else '?'}{given}" if given else address


def site_of(root: str) -> str:
    """The address of the site whose REST root this is."""
    return root.partition("?")[0].removesuffix("index.php").removesuffix("wp-json/")


def is_main_feed(url: str, root: str) -> bool:
    """Whether a feed is that of all stories of a WordPress site, not of a section or a language."""
    parts, home = urlsplit(url), urlsplit(site_of(root))
    folder = _FEED_END.sub("/", parts.path)
    names = set(parse_qs(parts.query)) - {"feed"}
    return host_of(url) == host_of(root) and folder.rstrip("/") == home.path.rstrip("/") and not names


def _section(link: Tag, base: str) -> tuple[str, int] | None:
    """The category or tag that a WordPress page is of: it names its own record."""
    if "alternate" not in link.rel or link.get("type").lower() != "application/json":
        return None
    address = absolute(link.get("href"), base) or ""
    route = next(iter(parse_qs(urlsplit(address).query).get("rest_route", ())), urlsplit(address).path)
    found = _RESOURCE.search(route)
    return (found[1], int(found[2])) if found else None


def _is_rest(address: str) -> bool:
    return "/wp-json" in address or "rest_route=" in address


def _tail(address: str) -> str:
    parts = urlsplit(address)
    return parts.query if "feed=" in parts.query or "format=" in parts.query else parts.path


def _distinct(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.url.rstrip("/"), candidate)
    return tuple(found.values())[:MOST_CANDIDATES]


def discover_beside(body: bytes, *, url: str, headers: Mapping[str, str]) -> Discovery:
    """What a feed itself says of its site: whether it is a WordPress, and where its REST interface begins."""
    named = list(_rest_roots(list(header_links(headers.get("link", ""))), url))
    is_wordpress = bool(named or _GENERATOR.search(body[:20_000]))
    roots = dict.fromkeys((*named, *guessed_rest_roots(url))) if is_wordpress else ()
    return Discovery("", None, (), rest_roots=tuple(roots), is_named=bool(named), is_wordpress=is_wordpress)
