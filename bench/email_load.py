"""How the web server stands the herd after a send: counted links and the web edition, 500 a second.

The server is `digest web` as operators run it, on each database as it is by default; its broker is down. Who
asks is a process of its own (`bench.load_generator`), and every visit is looked for in the counts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Final

import sqlalchemy as sa

from bench import effort
from bench.audience_room import Place, Web, cpu_of, room, web
from bench.delivery_mail import small_mail
from bench.delivery_room import ROOT, Room, child_env
from bench.email_making import sample
from bench.figures import Figure, Target, load
from bench.load_generator import Load, ask, get
from digest.editions.links import keep_links
from digest.models import Edition, EditionState, LinkCount, Revision
from digest.rendering.digest_email import render_mail, render_web
from tests.servers.ports import free_port
from tests.servers.waiting import wait_until

AREA: Final = "email"
_RATE: Final = 500
_WARM_UP: Final = 200
_NOBODY: Final = "redis://127.0.0.1:1/0"  # where no broker is
_AGENTS: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (compatible; LinkScanner/2.0)",
)


def figures(at: Place) -> Iterator[Figure]:
    """Each kind of address beside a bare page of the same size, one after the other."""
    for kind in at.kinds:
        with room(at, kind) as usual:
            made = dataclasses.replace(usual, env={**usual.env, "DIGEST_BROKER_URL": _NOBODY})
            page, codes = _edition(made)
            paths = {"redirect": [f"/l/{code}" for code in codes], "web edition": [page]}
            with web(made) as server:
                for name, asked in paths.items():
                    yield _herd(made, server, f"{name} on {kind}", asked)


def _herd(made: Room, server: Web, name: str, paths: Sequence[str]) -> Figure:
    is_page = name.startswith("web edition")
    seconds = effort.seconds()
    _must_be(ask(server.port, _questions(paths, _WARM_UP), rate=_RATE / 5), is_page=is_page)
    before, cpu = _counted(made), server.cpu
    found = ask(server.port, _questions(paths, _RATE * seconds), rate=_RATE)
    share = (server.cpu - cpu) / found.wall
    _must_be(found, is_page=is_page)
    if not is_page:
        _must_count(made, before, found.count)
    bare, bare_share = _bare(made, server, paths[0])
    what = (
        f"{found.count:,} questions over {found.connections} kept connections, from the moment each was due"
    )
    return Figure(
        AREA,
        f"{name}, {_RATE} a second for {seconds} s: p99",
        1000 * found.at(0.99),
        "ms",
        1000 * bare.at(0.99),
        Target("<=", 100),
        f"{what}; all answered{'' if is_page else ' and counted'}, the broker down; {found.text}; the web "
        f"processes took {100 * share:.0f} % of a core; reference: p99 of a bare page of that size by the "
        f"same server, asked likewise for {_bare_seconds()} s ({100 * bare_share:.0f} % of a core); {load()}",
    )


def _edition(made: Room) -> tuple[str, list[str]]:
    """An edition that is out: the path of its page, and the codes of its links."""
    edition_id = made.edition(small_mail())
    context = sample()
    links = dict(render_mail(context).links)
    with made.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        edition.state = EditionState.SENT
        session.get_one(Revision, edition.revision_id).web_html = render_web(context)
        keep_links(session, edition_id, links)
        return f"/e/{edition.public_id}", sorted(links)


def _questions(paths: Sequence[str], count: int) -> list[str]:
    """Readers everywhere, each of whom follows one link."""
    agents = itertools.cycle(_AGENTS)
    return [
        get(
            paths[number % len(paths)],
            asked_from=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            agent=next(agents),
        )
        for number in range(count)
    ]


def _must_be(found: Load, *, is_page: bool) -> None:
    """AssertionError unless every question was answered as it should be."""
    if set(found.statuses) != {"200" if is_page else "302"}:
        raise AssertionError(f"answers by status: {dict(found.statuses)}")


def _counted(made: Room) -> int:
    with made.database.read() as session:
        total = sa.func.coalesce(sa.func.sum(LinkCount.people + LinkCount.bots), 0)
        return int(session.scalar(sa.select(total)) or 0)


def _must_count(made: Room, before: int, count: int) -> None:
    """Wait until the counts are written; those of the warming-up may come with them."""
    wanted = (before + count, _WARM_UP + count)
    wait_until(lambda: _counted(made) in wanted, seconds=30, what=f"{count} visits to be counted")


def _bare_seconds() -> int:
    return min(effort.seconds(), 15)


def _bare(made: Room, server: Web, path: str) -> tuple[Load, float]:
    """The same load on a page of as many bytes with nothing behind it; and the server's share of a core."""
    size, port = _size(server.port, path), free_port()
    argv = [sys.executable, "-m", "bench.email_bare", str(port), str(size)]
    process = subprocess.Popen(argv, cwd=ROOT, env=child_env(made.env))
    try:
        wait_until(lambda: _listens(port) or process.poll() is not None, seconds=60, what="the bare server")
        ask(port, _questions(["/"], _WARM_UP), rate=_RATE / 5)
        before = cpu_of(process.pid)
        found = ask(port, _questions(["/"], _RATE * _bare_seconds()), rate=_RATE)
        share = (cpu_of(process.pid) - before) / found.wall
    finally:
        process.terminate()
        process.wait(20)
    _must_be(found, is_page=True)
    return found, share


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _size(port: int, path: str) -> int:
    """Bytes of the body of an answer."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection, connection.makefile("rb") as answer:
        connection.sendall(get(path).encode())
        for line in answer:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                return int(value)
    raise AssertionError(f"no length of {path}")
