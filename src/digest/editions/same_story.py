"""Whether two titles tell the same story. Pure; in any script, Armenian too.

A title becomes the set of its words without case, marks and little words, each by its first letters, so that
`Yerevan` and `Yerevan's` are one. Two titles are alike by the share of words that they have in common. Titles
with different numbers are never the same story: "Part 2" and "Part 3" are two.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Final

# Letters of a word that count: languages of other scripts put more endings to a shorter stem.
_STEM, _FOREIGN_STEM = 6, 5
_FEWEST: Final = 3  # words; of shorter titles all must be the same
_WORD: Final = re.compile(r"\w+")
# Armenian marks of stress, question and exclamation stand inside of words; so do apostrophes.
_INNER_MARKS: Final = re.compile("[\u055a-\u055c\u055e'\u2019\u00ad\u200b-\u200d\u2060]")
_LITTLE: Final = frozenset(
    {
        *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "has", "in", "is", "it"),
        *("its", "of", "on", "or", "s", "that", "the", "this", "to", "was", "were", "will", "with"),
        *("\u0567", "\u0565\u0576", "\u0568", "\u0578\u0580", "\u0565\u0582", "\u0587", "\u0578\u0582"),
        *("\u0569\u0565", "\u056b", "\u0561\u0575\u057d", "\u0561\u0575\u0564", "\u0574\u056b"),
        *("\u0576\u0561\u0587", "\u056b\u0576\u0579"),
    }
)


def title_words(title: str) -> frozenset[str]:
    """What of a title is compared."""
    plain = title if title.isascii() else unicodedata.normalize("NFKC", title)
    words = _WORD.findall(_INNER_MARKS.sub("", plain).casefold())
    telling = frozenset(
        word[: _STEM if word.isascii() else _FOREIGN_STEM] for word in words if word not in _LITTLE
    )
    return telling or frozenset(words)


class Stories:
    """The stories that are in already, by their words; a title is looked up among those that share one."""

    def __init__(self, likeness: float) -> None:
        self._likeness = likeness
        self._words: dict[int, frozenset[str]] = {}
        self._with: dict[str, set[int]] = {}
        self._whole: dict[frozenset[str], int] = {}

    def add(self, story: int, title: str) -> None:
        """Remember a story under its title; one without words is like no other."""
        words = title_words(title)
        self._words[story] = words
        if words:
            self._whole.setdefault(words, story)
        for word in words:
            self._with.setdefault(word, set()).add(story)

    def remove(self, story: int) -> None:
        """Forget a story."""
        words = self._words.pop(story)
        for word in words:
            self._with[word].discard(story)
        if self._whole.get(words) == story:
            del self._whole[words]

    def find(self, title: str) -> int | None:
        """The story that this title tells too: the one it is most like, of several the lowest id."""
        words = title_words(title)
        if words in self._whole:
            return self._whole[words]
        shared = Counter(story for word in words for story in self._with.get(word, ()))
        best: tuple[float, int] | None = None
        for story, common in shared.items():
            other = self._words[story]
            likeness = common / (len(words) + len(other) - common)
            if self._is_same(words, other, likeness) and (best is None or (-likeness, story) < best):
                best = (-likeness, story)
        return best[1] if best else None

    def _is_same(self, words: frozenset[str], other: frozenset[str], likeness: float) -> bool:
        if likeness < self._likeness or min(len(words), len(other)) < _FEWEST:
            return False
        return not any(word[0].isdigit() for word in words ^ other)
