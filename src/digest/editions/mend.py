"""What the checks put right by themselves: a picture that is none is left out, excerpts are cut. Pure.

Titles, links, the commentary and the footer are never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

from digest.editions.compose import Composed, Placed
from digest.feeds.pictures import without_picture
from digest.feeds.text import shortened
from digest.models import Role
from digest.preflight.mail_findings import Code, MailFinding, mended
from digest.rendering.contexts import EditionContext, Story
from digest.rendering.digest_email import MAX_HTML_BYTES
from digest.rendering.words import clean_address

Make = Callable[[EditionContext], Composed]

# Letters of an excerpt, one step after the other; 0: without excerpts.
STEPS: Final = (240, 160, 100, 0)
_MOST_PICTURES: Final = 50  # of one address in a text


def without_pictures(context: EditionContext, bad: Collection[str]) -> EditionContext:
    """The edition without the pictures at these addresses."""
    featured = context.featured
    if featured is not None:
        featured = _without(featured, bad)
        featured = replace(featured, body_html=_body_without(featured.body_html, bad))
    recent = tuple(_without(story, bad) for story in context.recent)
    return replace(context, featured=featured, recent=recent)


def _without(story: Story, bad: Collection[str]) -> Story:
    if story.picture is None or clean_address(story.picture.url) not in bad:
        return story
    return replace(story, picture=None)


def _body_without(body: str, bad: Collection[str]) -> str:
    for url in bad:
        for _ in range(_MOST_PICTURES):
            shorter = without_picture(body, url) if url in body or "<img" in body else body
            if shorter == body:
                break
            body = shorter
    return body


def within_size(
    context: EditionContext, composed: Composed, make: Make
) -> tuple[EditionContext, Composed, list[MailFinding]]:
    """Shorten excerpts until the HTML fits, by no more steps than it takes; what was done, in a finding.

    If even no excerpt at all is not enough, the edition is left whole: then a person decides.
    """
    over = largest(composed) - MAX_HTML_BYTES
    if over <= 0:
        return context, composed, []
    for letters in STEPS:
        shorter = _shortened(context, letters)
        if _bytes_of(context) - _bytes_of(shorter) < over:
            continue
        made = make(shorter)
        if largest(made) <= MAX_HTML_BYTES:
            return shorter, made, [_said(context, shorter, letters)]
    return context, composed, []


def largest(composed: Composed) -> int:
    """The bytes of the largest HTML part."""
    return max(len(variant.html.encode()) for variant in composed.variants)


def placed_as(placed: tuple[Placed, ...], context: EditionContext) -> tuple[Placed, ...]:
    """The same places with the stories as they are in a context that was made from them."""
    recent = iter(context.recent)
    return tuple(
        replace(one, story=context.featured or one.story)
        if one.role is Role.FEATURED
        else replace(one, story=next(recent))
        for one in placed
    )


def _shortened(context: EditionContext, letters: int) -> EditionContext:
    featured = context.featured
    if featured is not None and not featured.body_html:
        featured = _cut(featured, max(letters, STEPS[-2]))  # it stands in place of the text
    return replace(context, featured=featured, recent=tuple(_cut(story, letters) for story in context.recent))


def _cut(story: Story, letters: int) -> Story:
    return replace(story, excerpt=shortened(story.excerpt, letters) if letters else "")


def _stories(context: EditionContext) -> tuple[Story, ...]:
    return (*filter(None, [context.featured]), *context.recent)


def _bytes_of(context: EditionContext) -> int:
    return sum(len(story.excerpt.encode("utf-8", "replace")) for story in _stories(context))


def _said(before: EditionContext, after: EditionContext, letters: int) -> MailFinding:
    pairs = zip(_stories(before), _stories(after), strict=True)
    stories = sum(old.excerpt != new.excerpt for old, new in pairs)
    if letters:
        return mended(Code.EXCERPTS_SHORTENED, most=MAX_HTML_BYTES, letters=letters, stories=stories)
    return mended(Code.EXCERPTS_LEFT_OUT, most=MAX_HTML_BYTES, stories=stories)
