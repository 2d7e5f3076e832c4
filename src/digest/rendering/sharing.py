"""Plain links by which a reader hands a story on. No script, no counter, nobody's name in them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote

from digest.rendering.contexts import Story
from digest.rendering.theme import USUAL_SHARE
from digest.rendering.words import cut_line

_SUBJECT_LIMIT = 120  # each letter may take up to twelve characters in a mailto address


@dataclass(frozen=True, slots=True)
class ShareLink:
    """Where a story can be shared: the address and a name, which is the same in all languages, or ""."""

    key: str
    name: str
    url: str


def share_links(story: Story, targets: Collection[str] = USUAL_SHARE) -> tuple[ShareLink, ...]:
    """The chosen ways to hand a story on, in the order of the house; none for one without an address."""
    if not story.url:
        return ()
    url = quote(story.share_url or story.url, safe="")
    title = quote(cut_line(story.title, _SUBJECT_LIMIT), safe="")
    links = (
        ShareLink("mail", "", f"mailto:?subject={title}&body={url}"),
        ShareLink("facebook", "Facebook", f"https://www.facebook.com/sharer/sharer.php?u={url}"),
        ShareLink("x", "X", f"https://x.com/intent/post?url={url}"),
        ShareLink("whatsapp", "WhatsApp", f"https://wa.me/?text={url}"),
        ShareLink("viber", "Viber", f"viber://forward?text={url}"),
        ShareLink("telegram", "Telegram", f"https://t.me/share/url?url={url}"),
    )
    return tuple(link for link in links if link.key in targets)
