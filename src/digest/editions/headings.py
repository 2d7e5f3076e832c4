"""What stands above an edition in a list of mails: subject and preheader, also of the sets that have less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from digest.editions.changes import Changes
from digest.editions.patterns import fill
from digest.i18n import translator
from digest.models import Cadence, Digest, Edition
from digest.rendering.contexts import EditionContext, Story


@dataclass(frozen=True, slots=True)
class Headings:
    """Makes the subject and the preheader of an edition."""

    digest: Digest
    cadence: Cadence
    edition: Edition

    def above(
        self, featured: Story | None, recent: tuple[Story, ...], said: Changes | None = None
    ) -> tuple[str, str]:
        """Subject and preheader above these stories; "" for one that the template makes.

        An editor's own lines are in `said`. They speak of the edition as a whole: a set that has less is
        given none of them.
        """
        words, said = translator(self.digest.language), said or Changes()
        tokens = {
            "featured.title": featured.title if featured is not None else "",
            "digest.title": self.digest.title,
            "date": words.date(self.edition.due_at, self.cadence.zone),
            "count": words.number(len(recent) + (featured is not None)),
        }
        return (
            _line(said.subject, self.digest.subject_pattern, tokens),
            _line(said.preheader, self.digest.preheader_pattern, tokens),
        )


def of_set(
    context: EditionContext, positions: tuple[int, ...] | None, headings: Headings | None
) -> EditionContext:
    """What is seen of an edition by whoever gets the stories at these places; None: all of them."""
    if positions is None:
        return context
    begin = int(context.featured is not None)
    featured = context.featured if begin and 0 in positions else None
    recent = tuple(context.recent[place - begin] for place in positions if place >= begin)
    subject, preheader = headings.above(featured, recent) if headings is not None else ("", "")
    return replace(context, featured=featured, recent=recent, subject=subject, preheader=preheader)


def _line(said: str | None, pattern: str | None, tokens: Mapping[str, str]) -> str:
    """An editor's own line, else the digest's pattern; "" if neither can be filled: the template's then."""
    return fill(said or "", tokens) or fill(pattern or "", tokens)
