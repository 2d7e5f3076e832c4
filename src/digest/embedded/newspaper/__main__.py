"""`python -m digest.embedded.newspaper`: the newspaper as a process of its own."""

from __future__ import annotations

import argparse
import datetime as dt
import sys

from digest import clock
from digest.embedded.newspaper.newspaper import Newspaper
from digest.embedded.newspaper.site import serve
from digest.errors import DigestError


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM; prints the address of the front page once it answers. Returns the exit status."""
    given = _parser().parse_args(argv)
    newspaper = Newspaper(given.start or clock.utc_now(), publish_every=given.publish_every)

    def ready(port: int) -> None:
        sys.stdout.write(f"{given.public_url or f'http://{given.host}:{port}'}/\n")
        sys.stdout.flush()

    try:
        serve(given.host, given.port, newspaper, ready, public_url=given.public_url)
    except DigestError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m digest.embedded.newspaper",
        description="Serve The Footbridge, an invented newspaper with feeds.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument(
        "--publish-every",
        type=_seconds,
        metavar="SECONDS",
        help="publish another story so often (default: never)",
    )
    parser.add_argument(
        "--start", type=_moment, metavar="TIME", help="the moment its stories are dated from (ISO 8601; now)"
    )
    parser.add_argument("--public-url", help="address that its links name, if not http://HOST:PORT")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86400:
        raise ValueError(text)
    return seconds


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


if __name__ == "__main__":
    sys.exit(main())
