"""Plain links by which a reader hands a story on. No script, no counter, nobody's name in them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from digest.rendering.contexts import Story
from digest.rendering.words import cut_line

_SUBJECT_LIMIT = 120  # each letter may take up to twelve characters in a mailto address


@dataclass(frozen=True, slots=True)
class ShareLink:
    """Where a story can be shared: the address and a name, which is the same in all languages, or ""."""

    key: str
    name: str
    url: str


def share_links(story: Story) -> tuple[ShareLink, ...]:
    """Mail, Facebook, X, WhatsApp and Telegram for one story; none if the story has no address."""
    if not story.url:
        return ()
    url, title = quote(story.url, safe=""), quote(cut_line(story.title, _SUBJECT_LIMIT), safe="")
    return (
        ShareLink("mail", "", f"mailto:?subject={title}&body={url}"),
        ShareLink("facebook", "Facebook", f"https://www.facebook.com/sharer/sharer.php?u={url}"),
        ShareLink("x", "X", f"https://x.com/intent/post?url={url}"),
        ShareLink("whatsapp", "WhatsApp", f"https://wa.me/?text={url}"),
        ShareLink("telegram", "Telegram", f"https://t.me/share/url?url={url}"),
    )
