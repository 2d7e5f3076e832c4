"""What an error says: at the command line in English, at the desk in the person's language."""

from __future__ import annotations

import pickle

from digest.editions.presets import parse_preset
from digest.errors import InputError, Word
from digest.i18n import N_, translator
from digest.lists.fields import check_short_name
from digest.preflight.mail_findings import Code, MailFinding, MailLevel
from digest.preflight.mail_words import SENTENCES, as_error


def raised(act: object, *given: object, **named: object) -> InputError:
    try:
        act(*given, **named)  # type: ignore[operator]
    except InputError as error:
        return error
    raise AssertionError("nothing was raised")


def test_an_error_is_told_in_the_persons_language_with_its_values() -> None:
    """The words of another language with what was typed in them; a value that is a word is told in it too."""
    error = raised(check_short_name, "Ամեն օր", what="digest")
    assert str(error) == ("'Ամեն օր' cannot be the name of a digest; use 1 to 60 of a-z, digits and hyphens.")
    told = translator("hy").error(error)
    assert "Ամեն օր" in told
    assert "դայջեստ" in told
    assert "cannot" not in told


def test_what_names_commands_stays_at_the_command_line() -> None:
    """As text an error has its hint; at the desk, where nobody can follow it, it has not."""
    error = raised(parse_preset, "day", [])
    assert "--at" in str(error)
    assert "--at" not in translator("en").error(error)


def test_a_plain_error_is_told_as_it_is() -> None:
    """Also one with a percent sign, and one that went through a queue."""
    plain = InputError("100 % of it is wrong.")
    assert str(plain) == translator("hy").error(plain) == "100 % of it is wrong."
    sent = pickle.loads(pickle.dumps(InputError("The %(what)s.", what=Word("title"), hint="Look.")))
    assert str(sent) == "The title. Look."
    assert translator("en").error(sent) == "The title."


def test_an_error_in_an_error_is_told_with_it() -> None:
    """So a field may be named by the story that it is of, and a reason be told as a sentence of its own."""
    why = InputError(N_("title of story %(number)s"), number=3)
    error = InputError(N_("The %(what)s cannot be empty."), what=why)
    assert str(error) == "The title of story 3 cannot be empty."
    told = translator("hy").error(error)
    assert translator("hy").gettext(why.message, number=3) in told
    assert "title" not in told


def test_findings_are_told_as_the_reason_of_a_refusal() -> None:
    """Each in the language of whoever asks, one after the other."""
    codes = (Code.EMPTY_EDITION, Code.NO_SIGN_OFF_LINK)
    found = as_error(MailFinding(MailLevel.BLOCK, code) for code in codes)
    error = InputError(N_("The new version could not be sent. %(why)s"), why=found)
    for language in ("en", "hy"):
        words = translator(language)
        said = [words.gettext(SENTENCES[code].what) for code in codes]
        assert words.error(error).endswith(" ".join(said))
