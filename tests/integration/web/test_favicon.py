"""The small picture that browsers ask for beside any page."""

from __future__ import annotations

import io

from fastapi.testclient import TestClient
from PIL import Image


def test_the_icon_is_there_in_two_sizes(client: TestClient) -> None:
    """A picture that can be read, small, and kept by browsers for a while; for HEAD too."""
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/x-icon")
    assert len(answer.content) < 4_000
    assert Image.open(io.BytesIO(answer.content)).info["sizes"] == {(16, 16), (32, 32)}
    assert "max-age" in answer.headers["cache-control"]
    assert client.head("/favicon.ico").status_code == 200
