"""Where the pictures of stories lie: with us where we have a copy, else with their site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sqlalchemy.orm import Session

from digest.feeds.stored_pictures import KIND, copy_of, is_broken, read_name
from digest.lists import assets
from digest.models import Post
from digest.rendering.contexts import Story, StoryPicture

_PATH = "/p/"
_KEPT_IF_SHOWN = dt.timedelta(days=3 * 366)  # as long as the links of the mails that show them


def picture_of_post(post: Post, *, public_url: str) -> StoryPicture | None:
    """A post's picture: our copy, or the site's own; None if there is none, or none to be seen there."""
    stored = post.picture
    if not stored:
        return None
    copy = copy_of(stored)
    if copy is not None and post.picture_asset_id is not None:
        return StoryPicture(
            url=f"{public_url}{_PATH}{copy.name}", alt=stored["alt"], width=copy.width, height=copy.height
        )
    if is_broken(stored):
        return None
    return StoryPicture(
        url=stored["url"], alt=stored["alt"], width=stored.get("width"), height=stored.get("height")
    )


def keep_shown(session: Session, stories: Iterable[Story], *, now: dt.datetime) -> None:
    """Keep our copies of the pictures of stories that are locked: their mails will be read for years."""
    shown = (story.picture.url.rpartition(_PATH)[2] for story in stories if story.picture is not None)
    found = {name[0] for text in shown if (name := read_name(text)) is not None}
    assets.extend(session, sorted(found), kind=KIND, until=now + _KEPT_IF_SHOWN)
