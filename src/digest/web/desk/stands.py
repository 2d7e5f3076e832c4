"""Why an edition stands as it does, to be read beside the badge of its state: who did it, if a person did."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy.orm import Session

from digest.accounts.trail import last_to
from digest.editions.reasons import SENTENCES, sentence
from digest.i18n import N_, Translator
from digest.models import Edition, EditionState, Reason
from digest.web.desk.change_words import names_of, told_actor

# What stops one, as the trail has it.
_ACTS: Final = ("edition.cancel", "edition.pause", "edition.stop")
_DONE: Final = {
    EditionState.HELD: N_("%(who)s held it."),
    EditionState.PAUSED: N_("%(who)s paused it."),
    EditionState.CANCELLED: N_("%(who)s stopped it for good."),
    EditionState.SKIPPED: N_("%(who)s skipped it."),
}
# The badge says these already.
_SAID: Final = {
    EditionState.HELD: "Held: ",
    EditionState.PAUSED: "Paused: ",
    EditionState.SKIPPED: "Skipped: ",
}
# Where such a word ends: each language has its own colon.
_END: Final = re.compile(r"[:.\u2024\u0589] ")


class Stands(Protocol):
    """An edition, or a line of one."""

    @property
    def id(self) -> int: ...
    @property
    def state(self) -> EditionState: ...
    @property
    def reason(self) -> Reason | None: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """That which is looked at without its state being at hand."""

    id: int
    state: EditionState
    reason: Reason | None


def why_standing(session: Session, editions: Iterable[Stands], words: Translator) -> dict[int, str]:
    """Why each stands as it does, by its id; those without a reason have none. Two statements at the most."""
    told = [each for each in editions if each.reason is not None]
    who = _hands(session, [each.id for each in told if each.reason is Reason.BY_PERSON], words)
    return {
        each.id: told_reason(each.state, each.reason, words, who=who.get(each.id, ""))
        for each in told
        if each.reason is not None
    }


def told_reason(state: EditionState, reason: Reason, words: Translator, *, who: str = "") -> str:
    """A reason without the word that the badge of the state says; what a person did, with their name."""
    if reason is Reason.BY_PERSON and state in _DONE:
        return words.gettext(_DONE[state], who=who or words.gettext(N_("Somebody")))
    text = sentence(reason, words)
    if not SENTENCES[reason].startswith(_SAID.get(state, "\n")):
        return text
    rest = _END.split(text, maxsplit=1)[-1]
    return rest[:1].upper() + rest[1:]


def _hands(session: Session, editions: Collection[int], words: Translator) -> Mapping[int, str]:
    if not editions:
        return {}
    names = names_of(session)
    acts = last_to(session, Edition.__name__, editions, _ACTS)
    return {number: told_actor(actor, names, words) for number, actor in acts.items()}
