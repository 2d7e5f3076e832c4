"""What a page costs whoever opens it for the first time: how many bytes come, how far it moves meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page

MOST_BYTES: Final = 300_000  # as they come, compressed; the pictures of a mail are not the page's
MOST_MOVED: Final = 0.01  # the layout shift that browsers count; 0.1 is what they call good
# What somebody's own act moves is meant.
_COUNT: Final = """
window.moved = [];
new PerformanceObserver(list => {
  for (const one of list.getEntries()) {
    const what = one.sources.map(each => (each.node?.outerHTML ?? each.node?.data ?? "").slice(0, 90));
    if (!one.hadRecentInput) window.moved.push([one.value, what]);
  }
}).observe({type: "layout-shift", buffered: true});
"""
_TWO_FRAMES: Final = (
    "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
)


class FirstLoad:
    """Made before a page goes anywhere; its context has to be a new one, with nothing kept."""

    def __init__(self, page: Page) -> None:
        self._page, self.bytes = page, 0
        self._of_the_mail: set[str] = set()
        network = page.context.new_cdp_session(page)
        network.on("Network.responseReceived", self._sort)
        network.on("Network.loadingFinished", self._count)
        network.send("Network.enable")
        page.add_init_script(_COUNT)

    def _sort(self, told: dict[str, Any]) -> None:
        """A picture from elsewhere is one of the mail that the page shows, as the paper's site has it."""
        here, there = urlsplit(self._page.url).netloc, urlsplit(told["response"]["url"]).netloc
        if told["type"] == "Image" and there and there != here:
            self._of_the_mail.add(told["requestId"])

    def _count(self, told: dict[str, Any]) -> None:
        if told["requestId"] not in self._of_the_mail:
            self.bytes += int(told["encodedDataLength"])

    def moved(self) -> list[tuple[float, list[str]]]:
        """Each time that it moved: how far, and what."""
        self._page.wait_for_load_state("networkidle")
        # Two frames: what has moved is told with the one after.
        self._page.evaluate(_TWO_FRAMES)
        return [(far, what) for far, what in self._page.evaluate("window.moved")]
