"""The commentary's markup made fit for its place."""

from __future__ import annotations

import pytest

from digest.rendering.body import TextBlock, read_body


@pytest.mark.parametrize(
    ("markup", "wanted"),
    [
        ("", ""),
        ("  <p> </p><p></p>", ""),
        ("bare <em>words</em><p>a</p>tail", "<p>bare <em>words</em></p>\n<p>a</p>\n<p>tail</p>"),
        ("<h4>a</h4><h2>b</h2><h4>c</h4>", "<h3>a</h3>\n<h3>b</h3>\n<h4>c</h4>"),
        (
            '<p><a href="/rel">a</a> <a href="mailto:a@b.test">b</a></p>',
            '<p>a <a href="mailto:a@b.test">b</a></p>',
        ),
        ('<p class="x" style="y" onclick="z">a<script>b</script></p>', "<p>a</p>"),
        ("<p>a<!-- [if mso] -->b</p>", "<p>ab</p>"),
        ("<p>שלום</p>", '<p dir="rtl">שלום</p>'),
        ("<table><tr><td>in a cell</td></tr></table>", "<p>in a cell</p>"),
    ],
)
def test_markup_is_made_fit(markup: str, wanted: str) -> None:
    """Bare words get a paragraph, headings their order, links and attributes only what is safe."""
    assert str(read_body(markup).page) == wanted


def test_pictures_are_fluid_in_the_mail_and_unstyled_on_the_page() -> None:
    """A picture gets a width of at most the column; only the mail's form carries a style attribute."""
    body = read_body('<p><img src="https://a.test/x.png" width="1088" height="500"><img src="/no.png">b</p>')
    picture = '<img src="https://a.test/x.png" alt="" width="544" class="photo" height="250"'
    assert picture + ">" in body.page
    assert picture + ' style="max-width:544px">' in body.mail
    assert "no.png" not in body.page


def test_a_small_picture_is_not_blown_up() -> None:
    """A picture narrower than the column keeps its own width."""
    assert "max-width:120px" in read_body('<img src="https://a.test/x.png" width="120" alt="a">').mail


def test_text_blocks_follow_the_reading_order() -> None:
    """Paragraphs, headings, items and quotations come in order, links as numbers, line breaks kept."""
    body = read_body(
        '<h2>Head</h2><p>One<br>two <a href="https://a.test/">three</a>.</p><blockquote><p>Quoted</p></blockquote>'
        '<ul><li>Item <a href="https://b.test/">b</a></li><li>Next</li></ul>'
        "<ol><li>One<ul><li>Inner</li></ul></li><li><p>Two</p><p>and on</p></li></ol>"
        '<p><img src="https://a.test/i.png" alt="Lamp"></p>'
    )
    assert body.blocks == (
        TextBlock("heading", "Head"),
        TextBlock("p", "One\ntwo three [1]."),
        TextBlock("quote", "Quoted"),
        TextBlock("item", "Item b [2]"),
        TextBlock("item", "Next"),
        TextBlock("item", "One", 1),
        TextBlock("item", "Inner"),
        TextBlock("item", "Two", 2),
        TextBlock("item", "and on", -1),
        TextBlock("p", "[Lamp]"),
    )
    assert body.links == ("https://a.test/", "https://b.test/")


def test_an_address_has_one_number() -> None:
    """Two links to one place have the same number, and it is listed once."""
    body = read_body(
        '<p><a href="https://a.test/">A</a> <a href="https://b.test/">B</a></p>'
        '<p><a href="https://a.test/">A again</a></p>'
    )
    assert [block.text for block in body.blocks] == ["A [1] B [2]", "A again [1]"]
    assert body.links == ("https://a.test/", "https://b.test/")


def test_words_around_inner_blocks_are_kept() -> None:
    """Words before and after a block inside a block are not lost."""
    text = " ".join(block.text for block in read_body("<blockquote>before<p>in</p>after</blockquote>").blocks)
    assert sorted(text.split()) == ["after", "before", "in"]
