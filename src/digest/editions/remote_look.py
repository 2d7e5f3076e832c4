"""A look at what an edition's mail names elsewhere: do its links open, are its pictures there.

A thread a host and one request after the other in it, all together within a few seconds, and once for an
edition. Whatever the sites answer, or do not, is no reason for it not to come out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from digest.feeds.links import host_of
from digest.logs import get_logger
from digest.net.fetching import FetchCode, FetchError, Limits
from digest.net.http import Fetcher
from digest.preflight.looked import MOST_PICTURE_BYTES, Kind, Looked, Seen, Wanted
from digest.sources.asking import PAGE_TYPES, Asker, is_missing

log = get_logger(__name__)

LOOK_SECONDS: Final = 5.0  # for all of them; the lock waits for it
_MOST: Final = 60  # addresses; pictures come first
_MOST_HOSTS: Final = 4  # that are asked at once
_LINK_LIMITS: Final = Limits(max_bytes=64_000, seconds=3.0, connect_seconds=2.0)  # more of a page is not read
_PICTURE_LIMITS: Final = Limits(max_bytes=MOST_PICTURE_BYTES, seconds=3.0, connect_seconds=2.0)
_PICTURE_TYPES: Final = "image/jpeg, image/png, image/gif, */*;q=0.1"
_SHOWN: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8")
_NO_TIME: Final = 0.05  # seconds
_SERVER_FAULT: Final = 500


def look_at(
    wanted: Sequence[Wanted], fetcher: Fetcher, *, seconds: float = LOOK_SECONDS
) -> tuple[Looked, ...]:
    """What is to be seen at these addresses, each asked once. Raises nothing for whatever a site answers."""
    asked = sorted(dict.fromkeys(wanted), key=lambda one: one.kind is Kind.LINK)
    by_host = defaultdict(list)
    for one in asked[:_MOST]:
        by_host[host_of(one.url)].append(one)
    found = [Looked(one, Seen.NOT_ASKED) for one in asked[_MOST:]]
    if by_host:
        asker = Asker(fetcher, seconds)
        with ThreadPoolExecutor(min(_MOST_HOSTS, len(by_host)), thread_name_prefix="look") as pool:
            for group in pool.map(lambda ones: _look_at_host(asker, ones), by_host.values()):
                found += group
    return tuple(found)


def _look_at_host(asker: Asker, wanted: Sequence[Wanted]) -> list[Looked]:
    """One after the other; a host that could not be reached is not asked again."""
    found: list[Looked] = []
    known: dict[tuple[Kind, str], Seen] = {}
    is_silent = False
    for one in wanted:
        key = one.kind, one.url
        if key not in known:
            known[key], is_silent = (Seen.UNREACHABLE, True) if is_silent else _look(asker, one)
        found.append(Looked(one, known[key]))
    return found


def _look(asker: Asker, wanted: Wanted) -> tuple[Seen, bool]:
    """What is there, and whether the host said nothing at all."""
    is_picture = wanted.kind is Kind.PICTURE
    try:
        answer = asker.get(
            wanted.url,
            accept=_PICTURE_TYPES if is_picture else PAGE_TYPES,
            limits=_PICTURE_LIMITS if is_picture else _LINK_LIMITS,
        )
    except FetchError as error:
        if asker.seconds_left <= _NO_TIME:
            return Seen.NOT_ASKED, False
        return _seen_by(error, is_picture=is_picture), error.code in (
            FetchCode.TIMEOUT,
            FetchCode.UNREACHABLE,
        )
    except Exception:
        # Whatever it is, the edition comes out.
        log.exception("an address could not be looked at")
        return Seen.UNREACHABLE, False
    return (_picture(answer.body or b"") if is_picture else Seen.FINE), False


def _seen_by(error: FetchError, *, is_picture: bool) -> Seen:
    if is_missing(error):
        return Seen.GONE
    if error.code is FetchCode.TOO_LARGE:
        return Seen.HEAVY if is_picture else Seen.FINE
    # It answers, but not to us: a door for robots or for those who have signed in.
    is_shut = error.code is FetchCode.CHALLENGE or (error.status or _SERVER_FAULT) < _SERVER_FAULT
    return Seen.FINE if is_shut and not is_picture else Seen.UNREACHABLE


def _picture(body: bytes) -> Seen:
    is_webp = body.startswith(b"RIFF") and body[8:12] == b"WEBP"
    return Seen.FINE if is_webp or body.startswith(_SHOWN) else Seen.NO_PICTURE
