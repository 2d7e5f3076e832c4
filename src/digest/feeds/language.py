"""Which language a text is in, where neither its feed nor the post says it.

By the letters where they tell it, as Armenian ones do; else by the commonest words. Titles are short: where
the words do not tell, nothing is said, since a wrong language is read out wrongly and hyphenated wrongly,
and none is only plain.
"""

from __future__ import annotations

import functools
import heapq
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping

from digest.feeds.language_profiles import ENDINGS, LETTERS, OTHERS, WORDS

_LONGEST = 1_500  # letters that are looked at
_FEWEST_LETTERS = 3
_KANA_SHARE = 0.1  # of the letters: Japanese is written with Chinese signs too
_MAIN_SHARE = 0.6  # of the letters that must be of one script

# The first word of the Unicode name of its letters: ARMENIAN SMALL LETTER AYB.
_BY_SCRIPT: Mapping[str, str] = {
    "ARMENIAN": "hy",
    "GREEK": "el",
    "HEBREW": "he",
    "GEORGIAN": "ka",
    "THAI": "th",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
}
# Of the languages that share a script, letters that only one of them has, the first found first.
_CYRILLIC = (("uk", "іїєґ"), ("sr", "ђћ"), ("mk", "ѓќѕ"), ("ru", "ыэё"), ("bg", "ъ"))
_NOT_TOLD_CYRILLIC = frozenset("ўәғқңөұүһҳҷҝҥӣӯ")  # Belarusian, Kazakh, Tatar, Tajik and others
_NOT_TOLD_ARABIC = frozenset("ٹڈڑںےۓۆێڕڵەټډړښګڼېۍ")  # Urdu, Kurdish, Pashto
_PERSIAN = frozenset("پچژگ")
_ARABIC_WORDS = frozenset("في من على إلى أن التي الذي هذا هذه عن مع كان لا ما بعد قد لم".split())  # noqa: SIM905
_PERSIAN_WORDS = frozenset("در از به که این را با است برای آن یک خود تا بر شد های می".split())  # noqa: SIM905
_YIDDISH = re.compile("[\u05f0-\u05f2]|\u05d0[\u05b7\u05b8]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ELISION = re.compile(r"^(?:l|d|qu|n|s|j|c|m|t|dell|all|nell|dall|sull|un|quest)['’]")

_LEAST_SCORE = 1.7
_LEAST_A_WORD = 0.12
_LEAD = 1.35  # how far the best must be ahead of the second
_FOR_LETTER = 0.9
_FOR_ENDING = 0.3
_FOR_ELISION = 0.5


def detect(*texts: str) -> str | None:
    """The language of a post's title, excerpt and text as a BCP 47 tag; None if it cannot be told.

    Told are Arabic, Armenian, Bulgarian, Chinese, Dutch, English, French, Georgian, German, Greek, Hebrew,
    Italian, Japanese, Korean, Macedonian, Persian, Portuguese, Russian, Serbian, Spanish, Thai, Turkish and
    Ukrainian.
    """
    text = unicodedata.normalize("NFC", " ".join(texts)[:_LONGEST])
    scripts = Counter(script for letter in text if letter.isalpha() and (script := _script(letter)))
    total = sum(scripts.values())
    if total < _FEWEST_LETTERS:
        return None
    script, most = scripts.most_common(1)[0]
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > total * _KANA_SHARE:
        return "ja"
    return _of_script(script, text) if most >= total * _MAIN_SHARE else None


def _of_script(script: str, text: str) -> str | None:
    match script:
        case "LATIN":
            return _by_words(text)
        case "CYRILLIC":
            return _of_cyrillic(text)
        case "ARABIC":
            return _of_arabic(text)
        case "HEBREW" if _YIDDISH.search(text):
            return None
    return _BY_SCRIPT.get(script)


@functools.lru_cache(maxsize=2048)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _of_cyrillic(text: str) -> str | None:
    letters = Counter(text.lower())
    if any(letter in letters for letter in _NOT_TOLD_CYRILLIC):
        return None
    found = {code: sum(letters[letter] for letter in own) for code, own in _CYRILLIC}
    if found["ru"] and found["uk"]:
        return None
    if found["ru"]:
        return "ru"
    return next((code for code, _ in _CYRILLIC if found[code]), None)


def _of_arabic(text: str) -> str | None:
    letters = set(text)
    if letters & _NOT_TOLD_ARABIC:
        return None
    words = _WORD.findall(text)
    arabic = sum(word in _ARABIC_WORDS or word.startswith("ال") for word in words)
    persian = sum(word in _PERSIAN_WORDS for word in words) + bool(letters & _PERSIAN)
    if "ی" in letters or "ک" in letters:
        persian += 1  # typed on a Persian keyboard
    if letters & set("ةىي"):
        arabic += 1
    if arabic == persian:
        return None
    return "ar" if arabic > persian else "fa"


def _by_words(text: str) -> str | None:
    # Turkish has two letters i, of which Python's lower() would make one with a dot above it.
    words = [word.lower().replace("i\u0307", "i") for word in _WORD.findall(text)]
    if len(words) < 2:
        return None
    scores: defaultdict[str, float] = defaultdict(float)
    for word in words:
        _count(scores, word)
    for language, own in LETTERS.items():
        scores[language] += min(3, sum(text.lower().count(letter) for letter in own)) * _FOR_LETTER
    (best, most), (_, second) = heapq.nlargest(2, scores.items(), key=lambda one: one[1])
    is_clear = most >= _LEAST_SCORE and most >= len(words) * _LEAST_A_WORD and most >= second * _LEAD
    return best if is_clear and best in WORDS else None


def _count(scores: dict[str, float], word: str) -> None:
    elided = _ELISION.match(word)
    if elided:
        word = word[elided.end() :]
        scores["fr"] += _FOR_ELISION
        scores["it"] += _FOR_ELISION
    for language, weight in _weights().get(word, ()):
        scores[language] += weight
    if len(word) > 4:
        for size in (2, 3, 4, 5):
            for language in _endings().get(word[-size:], ()):
                scores[language] += _FOR_ENDING


@functools.cache
def _weights() -> dict[str, tuple[tuple[str, float], ...]]:
    """Each word with the languages that have it and how much it says for each."""
    having: dict[str, list[str]] = {}
    for language, words in (*WORDS.items(), *OTHERS.items()):
        for word in dict.fromkeys(words.split()):
            having.setdefault(word, []).append(language)
    return {word: tuple((one, len(found) ** -0.7) for one in found) for word, found in having.items()}


@functools.cache
def _endings() -> dict[str, tuple[str, ...]]:
    having: dict[str, list[str]] = {}
    for language, endings in ENDINGS.items():
        for ending in dict.fromkeys(endings.split()):
            having.setdefault(ending, []).append(language)
    return {ending: tuple(found) for ending, found in having.items()}
