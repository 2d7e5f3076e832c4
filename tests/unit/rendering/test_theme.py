"""Themes: what is read and refused, what is derived, and what the web's style sheets are made of."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.errors import InputError
from digest.rendering.colours import contrast
from digest.rendering.fonts import fonts_of
from digest.rendering.theme import (
    DARK,
    LIGHT,
    Font,
    Layout,
    Look,
    Rules,
    TimeForm,
    accent_for_dark,
    whole_palette,
)
from digest.rendering.theme_form import KEYS, read_look
from digest.rendering.web_theme import style_name, style_path, style_sheet

PAGE = Path(__file__).resolve().parents[3] / "docs" / "look.md"
FILE = f"{'ab' * 32}.png"
colours = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def shades(low: int, high: int) -> st.SearchStrategy[str]:
    """Colours whose three channels are all within these bounds."""
    channel = st.integers(low, high)
    return st.tuples(channel, channel, channel).map(lambda three: "#{:02x}{:02x}{:02x}".format(*three))


def test_nothing_stored_is_the_houses_look() -> None:
    """Every value has a default, and what older versions stored is read as before."""
    assert read_look({}) == Look()
    old = {"accent": "#004488", "accent_dark": "#99ccff", "time_form": "relative", "commentary_words": 300}
    found = read_look(old | {"show_share_links": False})
    assert (found.accent, found.accent_dark, found.commentary_words) == ("#004488", "#99ccff", 300)
    assert found.time_form is TimeForm.RELATIVE
    assert not found.show_share_links


def test_a_whole_theme_is_read() -> None:
    """From a file's tables or a command's words, each value of its kind; pictures lie at our address."""
    found = read_look(
        {
            "layout": "briefing",
            "light": {"ink": "#101010"},
            "share": "viber, mail",
            "friend_line": "no",
            "social.x": "https://x.test/paper",
            "social": {"facebook": "https://facebook.test/paper"},
            "sponsor": {"words": "Bread", "picture": {"file": FILE, "width": 100, "height": "50"}},
            "campaign.source": "Courier",
            "campaign.hosts": ["shop.test"],
        },
        public_url="https://mail.test",
    )
    assert found.layout is Layout.BRIEFING
    assert (found.light.ink, found.share, found.friend_line) == ("#101010", ("viber", "mail"), False)
    assert [one.name for one in found.social] == ["Facebook", "X"]
    assert found.sponsor is not None
    picture = found.sponsor.picture
    assert picture is not None
    assert (picture.url, picture.width, picture.height) == (f"https://mail.test/p/{FILE}", 100, 50)
    assert found.campaign is not None
    assert (found.campaign.source, found.campaign.hosts) == ("Courier", ("shop.test",))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"layot": "paper"}, "no value 'layot'; there are: layout"),
        ({"layout": "tabloid"}, "one of paper, briefing"),
        ({"light.ink": "black"}, "light.ink: .*write it like #8a1c1c"),
        ({"light.ink": "#cccccc"}, "Choose a darker colour"),
        ({"dark.ink": "#333333"}, "Choose a lighter colour"),
        ({"light.page": "#1c1917"}, "could hardly be read"),
        ({"accent": "#ffee00"}, "could hardly be read"),
        ({"social.facebook": "javascript:alert(1)"}, "social.facebook: .*no web address"),
        ({"share": "mail,fax"}, "no 'fax'"),
        ({"friend_line": "perhaps"}, "yes or no"),
        ({"commentary_words": 3}, "from 20 to"),
        ({"motto": "x" * 161}, "longer than 160"),
        ({"motto": ["a"]}, "must be words"),
        ({"logo.file": "https://x.test/logo.svg"}, "look NAME --logo FILE"),
        ({"sponsor.picture.file": "../../etc"}, "--sponsor-picture FILE"),
        ({"sponsor.label": "Paid"}, "Set sponsor.words"),
        ({"campaign.medium": "email"}, "Set campaign.source"),
        ({"campaign.source": "c", "campaign.hosts": "localhost"}, "hosts"),
        ({"campaign.source": "c", "campaign.prefix": "&"}, "underscore"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_do(given: dict[str, Any], says: str) -> None:
    """An unknown name and a wrong value are named; nothing is guessed."""
    with pytest.raises(InputError, match=says):
        read_look(given)


def test_words_of_a_theme_cannot_hold_a_placeholder() -> None:
    """A sponsor's words would otherwise be given each reader's own address."""
    found = read_look({"sponsor.words": "%%unsubscribe_url%%\u202e", "footer": "%%name%%"})
    assert found.sponsor is not None
    assert (found.sponsor.words, found.footer) == ("%unsubscribe_url%", "%name%")


@settings(max_examples=60)
@given(shades(0xD0, 0xFF), shades(0xD0, 0xFF), shades(0, 0x50))
@example("#ffffff", "#ffffff", "#505050")
def test_what_is_derived_can_be_read(page: str, card: str, ink: str) -> None:
    """Whatever ink a paper chose that can be read, the faint words mixed from it can be read too."""
    light = whole_palette(LIGHT, page=page, card=card, ink=ink)
    dark = whole_palette(DARK, page=ink, card=ink, ink=page)
    for made in (light, dark):
        assert min(contrast(made.dim, made.page), contrast(made.dim, made.card)) >= 4.5


@settings(max_examples=60)
@given(colours)
def test_an_accent_becomes_light_enough_for_the_dark(accent: str) -> None:
    """A paper that says one colour gets another of its kind for dark mode; its own word counts more."""
    assert contrast(accent_for_dark(accent, DARK.card), DARK.card) >= 7


def test_every_font_has_armenian_letters_and_nothing_that_ends_a_style() -> None:
    """In both orders; the values are put into styles as they are."""
    for font in Font:
        for language in ("en", "hy", "hyw"):
            for stack in dataclasses.astuple(fonts_of(font, language)):
                assert "Sylfaen" in stack
                assert re.fullmatch(r"[A-Za-z ',-]+", stack)


def test_a_style_sheet_is_made_of_its_name() -> None:
    """It has every colour and the fonts of the theme; the house's own look needs none."""
    look = read_look({"accent": "#0b5563", "light.ink": "#14202a", "font": "news", "rules": "heavy"})
    path = style_path(look, "hy")
    sheet = style_sheet(path.removeprefix("/look/"))
    assert sheet is not None
    for colour in (
        *dataclasses.astuple(look.light),
        *dataclasses.astuple(look.dark),
        "#0b5563",
        look.accent_dark,
    ):
        assert colour in sheet
    assert f"--serif: {fonts_of(Font.NEWS, 'hy').serif};" in sheet
    assert "--line-top: 4px solid;" in sheet
    assert style_path(Look(), "en") == style_path(Look(layout=Layout.BRIEFING), "hy") == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda name: name[1:],
        lambda name: f"g{name[1:]}",
        lambda name: name.replace("classic", "comic"),
        lambda name: name.replace("double", "}a"),
        lambda name: f"{name}x",
        lambda name: f"{name}\n",
    ],
)
def test_a_name_that_no_theme_has_is_no_style_sheet(change: Any) -> None:
    """Nothing of an address gets into a style but colours and names that there are."""
    name = style_name(Look(), "en")
    assert style_sheet(name) is not None
    assert style_sheet(change(name)) is None


def test_every_line_style_is_drawn() -> None:
    """Each has its three lines, so that no style is left without a value."""
    sheets = {style_sheet(style_name(Look(rules=rules), "en")) for rules in Rules}
    assert None not in sheets
    assert len(sheets) == len(Rules)


def test_the_page_on_the_look_names_every_key() -> None:
    """Its table has each key that a theme can have, and none besides."""
    named = set()
    for line in PAGE.read_text("utf-8").partition("## Every value")[2].splitlines():
        if line.startswith("| `"):
            named |= set(re.findall(r"`([a-z_.]+)`", line.split("|")[1]))
    assert named == set(KEYS)
