"""Who follows a counted link: a person, or what is a bot by rule. Pure; nothing of whoever asks is kept.

Mail services and security gateways open links before people do, so that a bare number would tell of machines.
A visit is a bot's by what it says of itself (`is_bot`), or because the same visitor opens too many different
links within one round of counting (`tally`): a person reads one story at a time. Both rules err now and then;
that is why both numbers are kept and shown.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from digest.editions.links import Followed

BURST: Final = 4  # different links of one visitor within a round
# What robots, scanners and programs call themselves. "Cubot" makes telephones.
_ROBOTS: Final = re.compile(
    r"(?<!cu)bot\b|bots\b|bot[/_-]|crawl|spider|slurp|scan|preview|prefetch|proxy|monitor|validator|checker"
    r"|headless|phantomjs|lighthouse|facebookexternalhit|whatsapp|telegram|viber|safelinks|proofpoint"
    r"|mimecast|barracuda|symantec|trendmicro|curl/|wget|libwww|python|java/|okhttp|go-http|node-fetch"
    r"|axios|http_?client|ruby/|perl/|php/|dalvik",
    re.IGNORECASE,
)
_AHEAD: Final = re.compile(r"prefetch|prerender|preview", re.IGNORECASE)
_AHEAD_HEADERS: Final = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_LONGEST: Final = 500  # characters of a name that are looked at


class Visit(NamedTuple):
    """One request for a link. `who` tells visitors of one round apart, and no other; b"" tells nobody."""

    code: str
    hour: dt.datetime
    is_bot: bool
    who: bytes = b""


def visit_of(
    code: str,
    *,
    method: str,
    headers: Mapping[str, str],
    network: str,
    salt: bytes,
    now: dt.datetime,
) -> Visit:
    """What is noted of a request until its round is counted; `salt` is the process's own."""
    who = b""
    if network:
        said = f"{network}\0{headers.get('user-agent', '')[:_LONGEST]}".encode()
        who = hashlib.blake2b(said, key=salt, digest_size=8).digest()
    hour = now.replace(minute=0, second=0, microsecond=0)
    return Visit(code, hour, is_bot(method, headers), who)


def is_bot(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request is a bot's by what it says of itself.

    A browser with which a person follows a link asks by GET, names itself, loads nothing ahead, and wants a
    page rather than a picture or a frame (Fetch Metadata). `From` is of robots (RFC 9110, 10.1.2).
    """
    if method != "GET" or "from" in headers:
        return True
    if any(_AHEAD.search(headers.get(name, "")) for name in _AHEAD_HEADERS):
        return True
    if headers.get("sec-fetch-dest", "document") != "document":
        return True
    return _is_robot(headers.get("user-agent", "")[:_LONGEST])


@functools.lru_cache(512)
def _is_robot(agent: str) -> bool:
    """Kept for the names that are usual: to look through one takes longer than all else of a visit."""
    return not agent.strip() or _ROBOTS.search(agent) is not None


def tally(visits: Iterable[Visit]) -> list[Followed]:
    """The numbers of one round. All visits of a visitor with `BURST` different links or more are a bot's."""
    ours = list(visits)
    opened: dict[bytes, set[str]] = defaultdict(set)
    for visit in ours:
        opened[visit.who].add(visit.code)
    bursts = {who for who, codes in opened.items() if who and len(codes) >= BURST}
    people: dict[tuple[str, dt.datetime], int] = defaultdict(int)
    bots: dict[tuple[str, dt.datetime], int] = defaultdict(int)
    for visit in ours:
        of_kind = bots if visit.is_bot or visit.who in bursts else people
        of_kind[visit.code, visit.hour] += 1
    return [
        Followed(code, hour, people.get((code, hour), 0), bots.get((code, hour), 0))
        for code, hour in sorted(people.keys() | bots.keys())
    ]
