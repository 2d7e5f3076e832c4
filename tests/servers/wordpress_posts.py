"""What a WordPress site for tests holds: posts, their terms and pictures, as REST writes them."""

from __future__ import annotations

import datetime as dt
import html
from dataclasses import dataclass, field
from typing import Any

ZONE = dt.timedelta(hours=4)  # of the site's own clock


@dataclass(frozen=True, slots=True)
class Term:
    """A category or a tag; its name as an editor wrote it."""

    number: int
    name: str
    slug: str
    taxonomy: str = "category"

    def record(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "name": html.escape(self.name),
            "slug": self.slug,
            "taxonomy": self.taxonomy,
            "count": 1,
        }


NEWS = Term(3, "News", "news")
COMMENTARY = Term(4, "Arts & Commentary", "arts-commentary")
CHOIRS = Term(11, "Choirs", "choirs", "post_tag")
BRIDGES = Term(12, "Bridges", "bridges", "post_tag")
NO_DIGEST = Term(13, "No digest", "no-digest", "post_tag")


@dataclass
class WordPressPost:
    """A post of the site. `title`, `content` and `excerpt` are HTML, as WordPress renders them."""

    number: int
    title: str
    slug: str
    published_at: dt.datetime
    modified_at: dt.datetime
    content: str = "<p>YEREVAN &#8212; The reading room opened on Monday. Forty people came.</p>\n"
    excerpt: str = "<p>YEREVAN &#8212; The reading room opened on Monday [&hellip;]</p>\n"
    author: str = "Lusine Abelian"
    categories: list[Term] = field(default_factory=lambda: [NEWS])
    tags: list[Term] = field(default_factory=list)
    status: str = "publish"
    password: str = ""
    is_sticky: bool = False
    language: str = "en"
    picture: str = ""  # the name of a file, without its ending
    shared_picture: str = ""  # the address that its page gives to those who share it
    old_slugs: list[str] = field(default_factory=list)

    @property
    def shown_title(self) -> str:
        return f"Protected: {self.title}" if self.password else self.title

    @property
    def form(self) -> str:
        """What stands in place of the text of a post behind a password."""
        return (
            '<form action="/wp-login.php?action=postpass" class="post-password-form" method="post">'
            "<p>This content is password protected. To view it please enter your password below:</p>"
            f'<p><label>Password: <input name="post_password" id="pwbox-{self.number}" type="password" />'
            '</label> <input type="submit" name="Submit" value="Enter" /></p></form>'
        )


def record(post: WordPressPost, root: str, *, is_embedded: bool, says_language: bool) -> dict[str, Any]:
    """A post as a list of the REST interface has it; its dates have no zone."""
    found: dict[str, Any] = {
        "id": post.number,
        "date": _bare(post.published_at + ZONE),
        "date_gmt": _bare(post.published_at),
        "guid": {"rendered": f"{root}/?p={post.number}"},
        "modified": _bare(post.modified_at + ZONE),
        "modified_gmt": _bare(post.modified_at),
        "slug": post.slug,
        "status": post.status,
        "type": "post",
        "link": f"{root}/{post.slug}/",
        "title": {"rendered": post.title},  # without the "Protected:" that feeds and pages have
        "content": {"rendered": "" if post.password else post.content, "protected": bool(post.password)},
        "excerpt": {"rendered": "" if post.password else post.excerpt, "protected": bool(post.password)},
        "author": 2,
        "featured_media": 900 + post.number if post.picture else 0,
        "sticky": post.is_sticky,
        "categories": [term.number for term in post.categories],
        "tags": [term.number for term in post.tags],
        "_links": {"self": [{"href": f"{root}/wp-json/wp/v2/posts/{post.number}"}]},
    }
    if says_language:
        found["lang"] = post.language
    if is_embedded:
        found["_embedded"] = {
            "author": [{"id": 2, "name": post.author, "slug": "an-editor"}],
            "wp:term": [[term.record() for term in terms] for terms in (post.categories, post.tags)],
        }
        if post.picture:
            found["_embedded"]["wp:featuredmedia"] = [media(post.picture, root)]
    return found


def media(name: str, root: str) -> dict[str, Any]:
    """The record of a picture with its sizes."""
    folder = f"{root}/wp-content/uploads"
    sizes = {
        "thumbnail": (150, 150),
        "medium": (300, 200),
        "medium_large": (768, 512),
        "large": (1024, 683),
        "1536x1536": (1536, 1024),
    }
    return {
        "id": 900,
        "media_type": "image",
        "mime_type": "image/jpeg",
        "alt_text": "The old bridge at dusk",
        "source_url": f"{folder}/{name}.jpg",
        "media_details": {
            "width": 3000,
            "height": 2000,
            "sizes": {
                size: {
                    "width": width,
                    "height": height,
                    "source_url": f"{folder}/{name}-{width}x{height}.jpg",
                }
                for size, (width, height) in sizes.items()
            },
        },
    }


def only_fields(found: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """A record with the fields that were asked for, those of the form `content.protected` too."""
    kept: dict[str, Any] = {}
    for name in names:
        outer, _, inner = name.partition(".")
        if outer in found:
            kept[outer] = {inner: found[outer][inner]} if inner else found[outer]
    return kept


def _bare(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
