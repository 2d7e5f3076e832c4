"""Links through our own domain, for digests that count how often a story is followed.

The address of such a link is made of the edition and of where it leads, and of nothing else. So rendering
needs no storage; a preview, a locked edition and each later version have the same addresses; and all readers
have the same ones: there is nobody's name in them, nor anything that could be traced to somebody.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from digest.rendering.contexts import Counting, EditionContext, Story

PATH: Final = "/l/"
# 80 bits as 16 letters and digits without capitals: some mail systems change these.
CODE: Final = re.compile(r"[a-z2-7]{16}")
_BYTES: Final = 10
_WEB: Final = ("http://", "https://")


def code_of(edition: str, url: str) -> str:
    """The code of a link of an edition (by its public id) to an address, as it stands in the mail.

    Whoever knows neither cannot guess it; whoever knows both learns nothing by it.
    """
    made = hashlib.sha256(b"\0".join((b"digest link", edition.encode(), url.encode()))).digest()
    return base64.b32encode(made[:_BYTES]).decode().lower()


def is_ours(public_url: str, url: str) -> bool:
    """Whether an address is one of our own pages: the web edition, a reader's page, another such link."""
    return url == public_url or url.startswith((f"{public_url}/", f"{public_url}?", f"{public_url}#"))


@dataclass(slots=True)
class Through:
    """Turns addresses into those through our domain, and takes note of each; without `counting` into nothing.

    Only web addresses of others are turned: no mail address, no placeholder, none of our own pages.
    """

    counting: Counting | None = None
    found: dict[str, str] = field(default_factory=dict)  # where each code leads

    def __call__(self, url: str, known_as: str = "") -> str:
        """The address to be linked to instead of this one; its code is made of `known_as` if that is given.

        So a story's code is that of its own address, whatever is hung on for the paper's analytics.
        """
        counting = self.counting
        if counting is None or not url.startswith(_WEB) or is_ours(counting.public_url, url):
            return url
        code = code_of(counting.edition, known_as or url)
        self.found.setdefault(code, url)
        return f"{counting.public_url}{PATH}{code}"


def counted(edition: EditionContext, through: Through) -> EditionContext:
    """The edition with its stories' addresses turned; those in markup are turned where it is parsed."""
    featured = edition.featured
    return dataclasses.replace(
        edition,
        featured=None if featured is None else _story(featured, through),
        recent=tuple(_story(story, through) for story in edition.recent),
    )


def _story(story: Story, through: Through) -> Story:
    return dataclasses.replace(story, url=through(story.url, story.share_url))
