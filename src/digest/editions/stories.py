"""Posts and the desk's own items as stories, with editors' rewrites; and stories as they are stored. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from digest.editions.markdown import to_plain
from digest.editions.pictures import picture_of_post
from digest.editions.rules import Rules, featured_section
from digest.feeds.bylines import byline, read_style
from digest.feeds.excerpt import cut_body
from digest.feeds.pictures import without_picture
from digest.feeds.text import shortened
from digest.i18n import translator
from digest.models import Digest, OwnItem, Post
from digest.rendering.contexts import Story, StoryPicture
from digest.rendering.theme import Look

_OWN_TEXT: Final = 600  # characters of an own item's text below its title


def story_of_post(post: Post, digest: Digest, rewrite: Mapping[str, Any], *, public_url: str) -> Story:
    """A post as a headline, its byline in the digest's style and its picture from us if we have a copy."""
    style = read_style((digest.rules or {}).get("bylines"))
    return _rewritten(
        Story(
            title=post.title,
            url=post.url,
            author=byline(post.author, style, translator(digest.language)),
            section=post.categories[0] if post.categories else "",
            excerpt=post.excerpt,
            published_at=post.published_at,
            language=post.language or digest.language,
            picture=picture_of_post(post, public_url=public_url),
        ),
        rewrite,
    )


def featured_story(
    post: Post, digest: Digest, rewrite: Mapping[str, Any], rules: Rules, look: Look, *, public_url: str
) -> Story:
    """A post as the featured story, with its text."""
    section = featured_section(rules, post.categories)
    named = {"section": section} if section else {}
    story = story_of_post(post, digest, named | dict(rewrite), public_url=public_url)
    # The picture stands above the text; the body must not show it a second time.
    body = post.body_html
    if story.picture is not None and post.picture:
        body = without_picture(body, post.picture["url"])
    is_cut = False
    if look.commentary_words is not None:
        body, is_cut = cut_body(body, look.commentary_words)
    return replace(story, body_html=body, is_cut=is_cut)


def story_of_own(item: OwnItem, language: str, at: dt.datetime, rewrite: Mapping[str, Any]) -> Story:
    """One of the desk's own items; its time is the edition's."""
    return _rewritten(
        Story(
            title=item.title,
            url=rewrite.get("url", item.url),
            author="",
            section=item.section,
            excerpt=shortened(to_plain(item.text), _OWN_TEXT),
            published_at=at,
            language=language,
            picture=_picture(item.picture),
        ),
        rewrite,
    )


def _rewritten(story: Story, rewrite: Mapping[str, Any]) -> Story:
    words = {name: rewrite[name] for name in ("title", "excerpt", "section") if name in rewrite}
    picture = _picture(rewrite["picture"]) if "picture" in rewrite else story.picture
    return replace(story, **words, picture=picture)


def _picture(stored: Mapping[str, Any] | None) -> StoryPicture | None:
    if not stored:
        return None
    return StoryPicture(
        url=stored["url"], alt=stored["alt"], width=stored.get("width"), height=stored.get("height")
    )


def stored_story(story: Story) -> dict[str, Any]:
    """A story as it is kept with its revision; what was put right since is kept apart (`amendments`)."""
    stored: dict[str, Any] = asdict(story)
    del stored["notes"], stored["is_taken_down"]
    published: dt.datetime = story.published_at
    return stored | {"published_at": published.isoformat()}


def story_of(stored: Mapping[str, Any]) -> Story:
    """The way back from `stored_story`."""
    picture = stored.get("picture")
    return Story(
        **{
            **{name: value for name, value in stored.items() if name != "topics"},
            "published_at": dt.datetime.fromisoformat(stored["published_at"]),
            "picture": StoryPicture(**picture) if picture else None,
        }
    )
