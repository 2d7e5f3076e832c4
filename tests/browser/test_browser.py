"""The browser of the tests works here, with the letters that the paper is written in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_armenian_letters_have_shapes_of_their_own(browser: Browser) -> None:
    """A font with Armenian letters is there: two letters differ, as two missing-letter boxes would not."""
    page = browser.new_page()
    page.set_content("<canvas width=200 height=60></canvas>")
    script = """text => {
        const canvas = document.querySelector('canvas'), pen = canvas.getContext('2d');
        pen.clearRect(0, 0, 200, 60); pen.font = '40px sans-serif'; pen.fillText(text, 5, 45);
        return canvas.toDataURL();
    }"""
    assert page.evaluate(script, "Ծ") != page.evaluate(script, "Ֆ")
    page.close()
