"""What a sign-up form is by its address: whose lists, in which language, and in which it is too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from digest.lists.form import FormList, in_language, open_lists, sisters_of


@dataclass(frozen=True, slots=True)
class Form:
    """A form by its address: of one list, or of several that are ticked, even if one alone is open now.

    One for several has an address for each language: it names the lists as they were named first, so that who
    changes the language and changes it back has lost none.
    """

    lists: tuple[FormList, ...]
    language: str
    is_several: bool = False
    named: tuple[str, ...] = ()  # of several, as the address names them
    own_language: str = ""  # of several, where the address names no language
    others: tuple[str, ...] = ()  # languages that the form is in too

    def action_url(self, language: str = "") -> str:
        """Where it posts to, or where it is in another language."""
        if not self.is_several:
            return f"/s/{self.lists[0].name}"
        pairs = [("list", name) for name in self.named]
        wanted = language or self.language
        if wanted != self.own_language:
            pairs.append(("language", wanted))
        return f"/s?{urlencode(pairs)}"

    def names(self, origin: str) -> bool:
        """Whether each list has named this site."""
        return bool(origin) and all(origin in each.origins for each in self.lists)


def form_of_one(session: Session, name: str) -> Form | None:
    """The form of one list; None if it is not open."""
    lists = open_lists(session, [name])
    return Form(lists, lists[0].language) if lists else None


def form_of_several(session: Session, names: Sequence[str], language: str) -> Form | None:
    """The form of those lists that are open, in a language that it has; None if none is.

    In the language of its first list where it has not the one that is asked for.
    """
    lists = open_lists(session, names)
    if not lists:
        return None
    own, named = lists[0].language, tuple(each.name for each in lists)
    there = sisters_of(session, [each.id for each in lists])
    languages = dict.fromkeys((own, *(each.language for found in there.values() for each in found)))
    speaks = language if language in languages else own
    if speaks != own:
        lists = open_lists(session, in_language(lists, there, speaks))
    others = tuple(each for each in languages if each != speaks)
    return Form(lists, speaks, is_several=True, named=named, own_language=own, others=others)
