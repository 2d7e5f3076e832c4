"""`python -m bench.news_site PORT COUNT MILLISECONDS`: so many sites, each on a loopback address of its own.

Each answers /feed/ with twenty posts of its own after some milliseconds, and /drip/ with a byte a second. It
is a process of its own, so that its work is neither ours nor the reference's.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sys

from tests.feeds import FeedPost, rss

POSTS = 20
_PARAGRAPH = (
    "<p>The question printed on the card was simply when they would come, if they could. Volunteers sorted "
    "the answers in shoeboxes over two weekends, and <em>evenings</em> won by a distance.</p>"
)


def address(number: int) -> str:
    """The address of a site."""
    return f"127.0.{1 + number // 200}.{1 + number % 200}"


def main() -> None:
    port, count, latency = (int(word) for word in sys.argv[1:4])
    asyncio.run(_serve(port, count, latency / 1000))


async def _serve(port: int, count: int, latency: float) -> None:
    now = dt.datetime.now(dt.UTC)
    feeds = {address(number): _feed(number, port, now) for number in range(count)}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            body = feeds[writer.get_extra_info("sockname")[0]]
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: {len(body)}\r\n"
            await asyncio.sleep(latency)
            writer.write(head.encode() + b"Connection: close\r\n\r\n")
            if request.startswith(b"GET /drip/"):
                for place in range(len(body)):
                    writer.write(body[place : place + 1])
                    await writer.drain()
                    await asyncio.sleep(1)
            writer.write(body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, host=list(feeds), port=port, backlog=64)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


def _feed(site: int, port: int, now: dt.datetime) -> bytes:
    posts = [
        FeedPost(
            number,
            f"Reading room {site} extends its hours, part {number}",
            now - dt.timedelta(hours=number + 1),
            body=f"<p>YEREVAN -- Number {number} of the series.</p>" + _PARAGRAPH * 4,
        )
        for number in range(POSTS)
    ]
    return rss(posts, site=f"http://{address(site)}:{port}", title=f"Paper {site}")


if __name__ == "__main__":
    main()
