"""The inliner and its guards."""

from __future__ import annotations

import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cssutils.util
import pytest

from digest.rendering import inline
from digest.rendering.inline import InlineError, inline_css, load_inliner

RULES = "@media (prefers-color-scheme: dark) { .a { color: #fff !important; } }"
KEPT = f'<style data-premailer="ignore">{RULES}</style>'


def page(
    first: str = "<style>.a { color: #123456; }</style>", second: str = KEPT, body: str = "<p class=a>x</p>"
) -> str:
    return f"<!DOCTYPE html><html><head><title>t</title>{first}{second}</head><body>{body}</body></html>"


def test_the_first_block_is_inlined_and_the_second_kept() -> None:
    """Rules become style attributes; the second block passes as it is, without its mark."""
    made = inline_css(page())
    assert '<p class="a" style="color:#123456">x</p>' in made
    assert KEPT.replace(' data-premailer="ignore"', "") in made


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (page(first=""), "two style blocks"),
        (page(second=KEPT + KEPT), "two style blocks"),
        (page(body="<style>.a { color: red }</style>"), "two style blocks"),
        (page(first=KEPT, second="<style>.a {}</style>"), "two style blocks"),
        (page(body='<link rel="stylesheet" href="file:///etc/passwd">'), "link"),
        (page(first="<style>@IMPORT url(http://127.0.0.1:9/);</style>"), "@import"),
        (page(first="<style>@\\69mport url(http://127.0.0.1:9/);</style>"), "escapes"),
    ],
)
def test_a_page_that_could_fetch_is_turned_away(changed: str, why: str) -> None:
    """Other style blocks, links and imports never reach the inliner."""
    with pytest.raises(InlineError, match=why):
        inline_css(changed)


def test_the_css_parser_cannot_fetch() -> None:
    """Its own fetcher is replaced: an import opens neither a connection nor a file."""
    load_inliner()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.css"
        with pytest.raises(InlineError):
            cssutils.util._readUrl(address)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_the_inliner_has_no_library_to_fetch_with() -> None:
    """Whatever its options say, what it would load a style sheet by refuses; others have theirs as ever."""
    inliner = load_inliner()("<p>words</p>")
    with pytest.raises(InlineError, match="asked for another file"):
        inliner._load_external_url("http://127.0.0.1:9/style.css")
    ours = sys.modules["premailer.premailer"].requests
    assert sys.modules.get("requests") is not ours


def test_a_pipe_named_by_an_import_does_not_block(tmp_path: Path) -> None:
    """A named pipe that nobody writes to would hang the parser for ever; it is never opened."""
    load_inliner()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InlineError):
        cssutils.util._readUrl(f"file://{tmp_path / 'pipe'}")


def test_outlooks_comments_stay_as_they_are() -> None:
    """The tables that only Outlook sees come out unchanged."""
    body = (
        '<!--[if mso]><table role="presentation"><tr><td><![endif]--><p class=a>x</p>'
        "<!--[if mso]></td></tr></table><![endif]-->"
    )
    made = inline_css(page(body=body))
    opening, _, rest = body.partition("<p class=a>")
    assert f'{opening}<p class="a" style="color:#123456">' in made
    assert rest.removeprefix("x</p>") in made


def test_a_bare_conditional_is_refused() -> None:
    """The form <![if !mso]> would come out as a comment that swallows what it should show."""
    with pytest.raises(InlineError, match="Outlook"):
        inline_css(page(body="<!--[if mso]>a<![endif]--><![if !mso]><p>x</p><![endif]>"))


def test_threads_that_want_it_first_at_once_all_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two previews after the start of the desk: one loads it, none fails, and no stand-in is left behind."""
    for name in [name for name in sys.modules if name.partition(".")[0] in {"premailer", "requests"}]:
        monkeypatch.delitem(sys.modules, name)
    inline._loaded.cache_clear()
    together = threading.Barrier(8)

    def load(_: int) -> object:
        together.wait()
        return inline.load_inliner()

    try:
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(load, range(8)))
        assert len(found) == 1
        assert "requests" not in sys.modules
    finally:
        inline._loaded.cache_clear()
