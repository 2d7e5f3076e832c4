"""How a correction edition speaks of itself: it says at once what it is, and keeps to that. Pure."""

from __future__ import annotations

from dataclasses import replace

from digest.editions.changes import Changes
from digest.i18n import spoken, translator
from digest.rendering.contexts import EditionContext


def as_correction(context: EditionContext, note: str, said: Changes) -> EditionContext:
    """The context of a correction: its note on top, no words of welcome, a subject and preheader of its own.

    What editors said for this edition stands.
    """
    stories = [story for story in (context.featured, *context.recent) if story is not None]
    title = stories[0].title if stories else context.digest_title
    words = translator(spoken(context.language))
    return replace(
        context,
        correction=note,
        follows_on=True,
        intro="",
        intro_html=context.intro_html if said.intro else "",
        # TRANSLATORS: the subject of a mail that puts a story right; the words are the story's title.
        subject=context.subject if said.subject else words.gettext("Correction: %(words)s", words=title),
        preheader=context.preheader if said.preheader else note,
    )
