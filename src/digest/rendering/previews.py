"""How a mail looks in the programs that people read it with: one page of frames, which any browser shows.

A frame's width is what its media queries see, and its `color-scheme` what `prefers-color-scheme` sees (CSS
Color Adjustment 1, 2.3): so one page shows a phone beside a desk, and dark beside light.
"""

from __future__ import annotations

import html as html_escapes
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_STYLE: Final = re.compile(r"<style\b.*?</style\s*>", re.IGNORECASE | re.DOTALL)
_SOURCE: Final = re.compile(r"(<img\b[^>]*?\bsrc=)(?:\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE)
# Nothing is fetched but pictures beside the page, and nothing runs but the page's own measuring.
_POLICY: Final = (
    "default-src 'none'; img-src file: data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "frame-src 'self'"
)
_MEASURE: Final = """
const frames = [...document.querySelectorAll("iframe")];
const measure = () => {
  for (const frame of frames) {
    frame.style.height = "0";
    frame.style.height = frame.contentDocument.documentElement.scrollHeight + "px";
  }
  document.querySelector("output").textContent = frames.map(frame => parseInt(frame.style.height)).join(" ");
};
addEventListener("load", measure);
"""
_SCHEME: Final = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
_HEIGHTS: Final = re.compile(r"<output[^>]*>([\d ]+)</output>")


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at a mail. `width` is that of the window, in CSS pixels."""

    name: str
    width: int
    is_dark: bool = False
    has_pictures: bool = True  # False: as before somebody presses "show pictures"
    has_styles: bool = True  # False: as where all style blocks are thrown away


# A row a look: light, dark, without pictures, without style blocks.
ROWS: Final[tuple[tuple[View, ...], ...]] = (
    tuple(View(f"light-{width}", width) for width in (320, 600, 1000)),
    tuple(View(f"dark-{width}", width, is_dark=True) for width in (320, 600, 1000)),
    tuple(View(f"no-pictures-{width}", width, has_pictures=False) for width in (320, 600)),
    tuple(View(f"no-styles-{width}", width, has_styles=False) for width in (320, 600)),
)


def as_seen(html: str, view: View) -> str:
    """A mail's HTML as the program of this view leaves it."""
    if not view.has_styles:
        html = _STYLE.sub("", html)
    if not view.has_pictures:
        html = _SOURCE.sub(r'\1"data:,"', html)
    return html


def in_scheme(html: str, *, is_dark: bool) -> str:
    """A mail's HTML as a program that is dark, or light, shows it, whatever the machine around it is."""
    return _SCHEME.sub("(min-width: 0)" if is_dark else "(max-width: 0)", html)


def with_local_pictures(html: str, files: Mapping[str, str]) -> str:
    """The HTML with each picture's address exchanged for that of a file beside it."""
    for url, name in files.items():
        for written in {url, html_escapes.escape(url, quote=True)}:
            html = html.replace(f'src="{written}"', f'src="{html_escapes.escape(name, quote=True)}"')
    return html


def picture_addresses(html: str) -> list[str]:
    """The addresses of a mail's pictures, each once, in order."""
    found = (match[0][len(match[1]) :].strip("\"'") for match in _SOURCE.finditer(html))
    return list(dict.fromkeys(html_escapes.unescape(address) for address in found))


def contact_sheet(title: str, html: str, *, language: str = "en") -> str:
    """A page with the mail in every view, for whoever opens it in a browser."""
    rows = "\n".join(
        f'<div class="row">{"".join(_figure(view, html) for view in views)}</div>' for views in ROWS
    )
    return _page(title, rows, language=language)


def row_page(views: Sequence[View], html: str) -> str:
    """A page with frames side by side and nothing else, to be photographed and cut."""
    return _page("", f'<div class="bare">{"".join(_frame(view, html) for view in views)}</div>')


def heights_in(dumped: str) -> list[int]:
    """How tall each frame of a page became, as the page itself wrote it down; [] if it could not."""
    found = _HEIGHTS.search(dumped)
    return [int(number) for number in found[1].split()] if found else []


def _page(title: str, body: str, *, language: str = "en") -> str:
    return f"""<!DOCTYPE html>
<html lang="{html_escapes.escape(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{html_escapes.escape(title)}</title>
<style>
body {{ margin: 0; background: #77736b; font: 15px/1.5 system-ui, sans-serif; color: #fff; }}
h1 {{ margin: 24px 24px 0; font-size: 20px; }}
.row {{ display: flex; gap: 24px; align-items: flex-start; padding: 24px; }}
.bare {{ display: flex; align-items: flex-start; }}
figure {{ margin: 0; }}
figcaption {{ padding: 0 0 6px; }}
iframe {{ display: block; border: 0; background: #fff; flex: none; }}
iframe.dark {{ background: #000; }}
output {{ display: none; }}
</style>
</head>
<body>
{f"<h1>{html_escapes.escape(title)}</h1>" if title else ""}
{body}
<output></output>
<script>{_MEASURE}</script>
</body>
</html>
"""


def _figure(view: View, html: str) -> str:
    caption = view.name.replace("-", " ").rpartition(" ")
    words = f"{caption[0]}, {caption[2]} px"
    return f"<figure><figcaption>{words}</figcaption>{_frame(view, html)}</figure>"


def _frame(view: View, html: str) -> str:
    scheme = "dark" if view.is_dark else "light"
    seen = html_escapes.escape(as_seen(html, view), quote=True)
    return (
        f'<iframe class="{scheme}" title="{view.name}" sandbox="allow-same-origin" '
        f'style="width:{view.width}px;height:600px;color-scheme:{scheme}" srcdoc="{seen}"></iframe>'
    )


def all_views() -> Iterable[View]:
    """Every view, row by row."""
    return (view for row in ROWS for view in row)
