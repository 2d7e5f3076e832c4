"""`python -m bench.email_bare PORT BYTES`: so large a page by the web server alone, nothing behind it."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvicorn

from digest.web.listener import listen


def main() -> None:
    """Serve until a stop signal, set up as our web process is (`digest.web.serve`)."""
    port, size = int(sys.argv[1]), int(sys.argv[2])
    body = b"x" * size
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(size).encode())]

    async def page(scope: Any, _receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(
        page,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=["127.0.0.1"],
        ws="none",
        http="h11",
        loop="asyncio",
        lifespan="off",
    )
    with listen("127.0.0.1", port) as listener:
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main()
