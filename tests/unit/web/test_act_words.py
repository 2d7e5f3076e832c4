"""What the trail calls acts and things."""

import re
from pathlib import Path

import digest
from digest.i18n import translator
from digest.web.desk.act_words import act_in_words, thing_in_words

_NOTED = re.compile(r'record\(\s*[\w.]+,\s*"([a-z_]+\.[a-z_]+)"')


def test_every_act_that_is_noted_by_its_name_has_words() -> None:
    """In each language: whoever reads the trail meets no code."""
    root = Path(digest.__file__).parent
    codes = {code for path in root.rglob("*.py") for code in _NOTED.findall(path.read_text(encoding="utf-8"))}
    assert len(codes) > 60
    for language in ("en", "hy"):
        words = translator(language)
        assert [code for code in sorted(codes) if act_in_words(code, words) == code] == []


def test_what_has_no_words_is_called_as_it_is() -> None:
    """An act of a later version is still told apart."""
    assert act_in_words("moon.paint", translator("en")) == "moon.paint"
    assert thing_in_words("Moon", translator("en")) == "Moon"
    assert thing_in_words("MailingList", translator("hy")) == "ցուցակ"
