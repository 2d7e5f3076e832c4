"""Who wrote a story, in the house's style."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import InputError
from digest.feeds.bylines import (
    BylineStyle,
    Capitals,
    byline,
    clean_name,
    in_title_case,
    names_of,
    read_style,
    split_names,
)
from digest.i18n import translator

ENGLISH, ARMENIAN = translator("en"), translator("hy")
DESK = BylineStyle(leave_out=("admin", "Web Editor"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Ani Petrosyan", "Ani Petrosyan"),
        ("By Ani Petrosyan", "Ani Petrosyan"),
        ("by: Ani Petrosyan", "Ani Petrosyan"),
        ("BY ANI PETROSYAN", "ANI PETROSYAN"),
        ("Written by Ani Petrosyan", "Ani Petrosyan"),
        ("Byron Smith", "Byron Smith"),
        ("Von Karl Beispiel", "Karl Beispiel"),
        ("Von Beispiel", "Von Beispiel"),
        ("Հեղինակ՝ Անի Պետրոսյան", "Անի Պետրոսյան"),
        ("Գրեց Անի Պետրոսյանը", "Անի Պետրոսյանը"),
        ("ani@example.org (Ani Petrosyan)", "Ani Petrosyan"),
        ("Ani Petrosyan <ani@example.org>", "Ani Petrosyan"),
        ("Ani Petrosyan [ani@example.org]", "Ani Petrosyan"),
        ("ani@example.org", ""),
        ("<a href='/ani'>Ani</a> &amp; co", "Ani & co"),
        ("O&amp;#8217;Hara", "O’Hara"),
        ("| Ani Petrosyan |", "Ani Petrosyan"),
        ("By", "By"),
        ("", ""),
    ],
)
def test_a_name_is_a_name(said: str, expected: str) -> None:
    """No "By" of any language, no mail address, no markup."""
    assert clean_name(said) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Ani Petrosyan, Bedros Kay and Carla Diaz", ["Ani Petrosyan", "Bedros Kay", "Carla Diaz"]),
        ("Ani Petrosyan, Bedros Kay, and Carla Diaz", ["Ani Petrosyan", "Bedros Kay", "Carla Diaz"]),
        ("By Ani Petrosyan & Bedros Kay", ["Ani Petrosyan", "Bedros Kay"]),
        ("Ani Petrosyan; Bedros Kay | Carla Diaz", ["Ani Petrosyan", "Bedros Kay", "Carla Diaz"]),
        ("Անի Պետրոսյան և Պետրոս Քեյ", ["Անի Պետրոսյան", "Պետրոս Քեյ"]),
        ("Ani Petrosyan et Bedros Kay", ["Ani Petrosyan", "Bedros Kay"]),
        ("John Example, Jr., and Jane Example, M.D.", ["John Example, Jr.", "Jane Example, M.D."]),
        ("Petrosyan, Ani", ["Petrosyan, Ani"]),
        ("Andy Sand", ["Andy Sand"]),
        (" , ; ", []),
    ],
)
def test_several_names_are_told_apart(said: str, expected: list[str]) -> None:
    """Whatever stands between them; what cannot be told stays together."""
    assert split_names(said) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ANI PETROSYAN", "Ani Petrosyan"),
        ("Ani PETROSYAN", "Ani PETROSYAN"),
        ("ANI DE LA CRUZ", "Ani de la Cruz"),
        ("DE LA CRUZ", "De la Cruz"),
        ("JEAN-PIERRE O'HARA", "Jean-Pierre O’Hara"),
        ("J. R. MCDONNELL III", "J. R. McDonnell III"),
        ("ԱՐԵՎԻԿ ԵՎԱՅԱՆ", "Արևիկ Եվայան"),
        ("ՍԵՒԱԿ ՊԵՏՐՈՍ", "Սևակ Պետրոս"),
        ("AGBU", "AGBU"),
        ("ARMENPRESS", "Armenpress"),
        ("سلمى", "سلمى"),
        ("", ""),
    ],
)
def test_capitals_become_names(name: str, expected: str) -> None:
    """Only where all of it is in capitals; short names of houses and initials stay."""
    assert in_title_case(name) == expected


@pytest.mark.parametrize(
    ("said", "style", "english", "armenian"),
    [
        ("ANI PETROSYAN", BylineStyle(), "ANI PETROSYAN", "ANI PETROSYAN"),
        ("ANI PETROSYAN", BylineStyle(Capitals.TITLE), "Ani Petrosyan", "Ani Petrosyan"),
        ("Ani P. and Bedros K.", BylineStyle(), "Ani P. and Bedros K.", "Ani P. և Bedros K."),
        ("Ani P, Bedros K, Carla D", BylineStyle(), "Ani P, Bedros K and Carla D", None),
        ("Ani P, ani p", BylineStyle(), "Ani P", None),
        ("admin", DESK, "", ""),
        ("ADMIN, Ani P", DESK, "Ani P", "Ani P"),
        ("web  editor", DESK, "", ""),
        ("admin", BylineStyle(), "admin", "admin"),
        ("Adminah P", DESK, "Adminah P", None),
        ("A A, B B, C C", BylineStyle(most=2), "A A, B B and others", "A A, B B և ուրիշներ"),
        ("", BylineStyle(), "", ""),
    ],
)
def test_a_byline_is_in_the_houses_style(
    said: str, style: BylineStyle, english: str, armenian: str | None
) -> None:
    """Joined in the digest's language, without whom the desk leaves out."""
    assert byline(said, style, ENGLISH) == english
    if armenian is not None:
        assert byline(said, style, ARMENIAN) == armenian


def test_a_style_is_read_from_the_rules() -> None:
    """What is not said is the plain style."""
    assert read_style(None) == read_style({}) == BylineStyle()
    assert read_style({"capitals": "title", "leave_out": [" admin "], "most": 2}) == BylineStyle(
        Capitals.TITLE, ("admin",), 2
    )


@pytest.mark.parametrize(
    "values",
    [
        {"colour": "red"},
        {"capitals": "loud"},
        {"capitals": []},
        {"leave_out": "admin"},
        {"leave_out": [1]},
        {"leave_out": 5},
        {"leave_out": ["x"] * 201},
        {"most": 0},
        {"most": True},
        {"most": "2"},
    ],
)
def test_a_wrong_style_is_refused(values: dict[str, Any]) -> None:
    """In a sentence that says what it may be."""
    with pytest.raises(InputError):
        read_style(values)


@given(st.text(max_size=120), st.sampled_from(Capitals))
def test_any_text_gives_a_byline(said: str, capitals: Capitals) -> None:
    """One line without a mail address, whatever it is."""
    made = byline(said, BylineStyle(capitals), ENGLISH)
    assert made == " ".join(made.split())
    names = names_of([said])
    assert names == " ".join(names.split())
    assert not re.search(r"[^\s@]@[^\s@]", names)
