"""The short text under a headline, and cutting long bodies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.excerpt import count_words, cut_body, make_excerpt, without_tail
from digest.feeds.sanitise import plain_text, sanitise
from tests.unit.feeds.strategies import markup

LINK = '<a href="https://news.example.org/harbour/">{}</a>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>YEREVAN -- The council met.</p><p>It voted.</p>", "YEREVAN -- The council met. It voted."),
        ("The council met [&hellip;]", "The council met…"),
        ("The council met, [...]", "The council met…"),
        ("The council met...", "The council met…"),
        ("The council met…", "The council met…"),
        (f"<p>It met&#8230; {LINK.format('Continue reading <b>it</b> &rarr;')}</p>", "It met…"),
        (f"<p>The council met.</p><p>{LINK.format('Read more')}</p>", "The council met."),
        (f"<p>The council met.<strong>{LINK.format('[Read more]')}</strong></p>", "The council met."),
        ("The council met. Continue reading Harbour →", "The council met…"),
        (f"<p>Met.</p><p>The post {LINK.format('A')} appeared first on {LINK.format('B')}.</p>", "Met."),
        ("The council met [&#8230;] The post Harbour appeared first on The Post.", "The council met…"),
        ("<p>Խորհուրդը հավաքվեց։ Կարդալ ավելին »</p>", "Խորհուրդը հավաքվեց…"),
        ("<img src='https://news.example.org/a.jpg'>", ""),
        ("[&hellip;]", ""),
        ("AT&amp;T &amp;amp; B", "AT&T & B"),
        ("The paper&amp;#8217;s &amp;lt;year", "The paper’s &lt;year"),
        ("The council met (&hellip;)", "The council met…"),
        ("The council met. Continue reading", "The council met."),
        ("The council met. Read more: ", "The council met."),
        ("The council met. Continue reading “Harbour opens”", "The council met."),
        ("The council met [&hellip;] (Read more)", "The council met…"),
        ("Le conseil a voté [&hellip;] Lire la suite", "Le conseil a voté…"),
        ("<p>Le conseil.</p><p>L&rsquo;article A est apparu en premier sur B.</p>", "Le conseil."),
        ("<p>Der Rat.</p><p>Der Beitrag A erschien zuerst auf B.</p>", "Der Rat."),
        ("El consejo votó. La entrada A se publicó primero en B.", "El consejo votó."),
        ('[caption id="a_1" width="300"]A bench[/caption] The council met.', "A bench The council met."),
        ("The report [page 4] is out.", "The report [page 4] is out."),
        ("\x00The\x00 council\ud800 met.", "The council met."),
        ("The \u2067council\u202e met\u200e.", "The council met."),
        ("", ""),
    ],
)  # fmt: skip
def test_an_excerpt_is_what_a_person_wrote(body: str, expected: str) -> None:
    """Datelines stay, what a publishing system appended goes, one ellipsis says that a text was cut."""
    assert make_excerpt(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "Continue reading the classics, says the teacher.",
        "The post office appeared in June.",
        "Read more books, she said. Then she left.",
        "The council met. Read more books, it said.",
        "They went on: continue reading",
        "He asked: “Why?”",
    ],
)
def test_ordinary_sentences_are_left_alone(body: str) -> None:
    """What only looks like an appended line stays."""
    assert make_excerpt(body) == body


@pytest.mark.parametrize(
    ("body", "words", "expected"),
    [
        ("one two three four", 4, "one two three four"),
        ("one two three four", 3, "one two three…"),
        ("one two, three", 2, "one two…"),
        ("one two. three", 2, "one two…"),
        ("one two -- three", 3, "one two…"),
        ("one (two three)", 1, "one…"),
        ("one “two three”", 1, "one…"),
        ("մեկ երկու։ երեք", 2, "մեկ երկու…"),
        ("one two... three", 2, "one two…"),
    ],
)
def test_a_cut_ends_in_one_ellipsis(body: str, words: int, expected: str) -> None:
    """The punctuation before the cut gives way to the ellipsis."""
    assert make_excerpt(body, words) == expected


@pytest.mark.parametrize(
    ("body", "words", "expected"),
    [
        ("A b c d e f ends. Hi j k l m", 10, "A b c d e f ends…"),
        ("A b c d e ends. Hi j k l m n", 10, "A b c d e ends. Hi j k l…"),  # too much would be lost
        ("A b c d e f said Dr. Hi j k l m", 10, "A b c d e f said Dr. Hi j…"),
        ("A b c d e in the U.S. Hi j k l", 10, "A b c d e in the U.S. Hi j…"),
        ("A b c d e f ends? “Hi j k l m", 10, "A b c d e f ends…"),
        ("A b c d e f version 2. then j k l m", 10, "A b c d e f version 2. then j…"),
        ("Ա բ գ դ ե զ է ը։ Թ ժ ի լ", 10, "Ա բ գ դ ե զ է ը…"),
        ("ا ب ت ث ج ح خ د؟ ذ ر ز س", 10, "ا ب ت ث ج ح خ د…"),
        ("YEREVAN -- a b c d e f g h i j k", 10, "YEREVAN -- a b c d e f g h…"),
    ],
)
def test_a_cut_goes_back_to_the_end_of_a_sentence(body: str, words: int, expected: str) -> None:
    """If one is near; a title or an initial ends none."""
    assert make_excerpt(body, words) == expected


def test_a_word_that_no_column_holds_is_cut() -> None:
    """400 letters in one end in the one ellipsis; a row of Chinese signs or emoji, which breaks, does not."""
    assert make_excerpt("a" * 400) == "a" * 59 + "…"
    assert make_excerpt(f"See {'ա' * 400} now.") == f"See {'ա' * 59}… now."
    assert make_excerpt("字" * 90) == "字" * 90
    assert make_excerpt("co-operative-" * 10) == "co-operative-" * 10
    piled = make_excerpt("a" + "\u0301" * 400)
    assert len(piled) < 70


def test_a_text_without_spaces_is_cut_between_letters() -> None:
    """No accent is torn from its letter, no emoji from its parts, no flag in half."""
    for letter in ("é", "👩🏽‍🚀", "🇦🇲", "字", "ա"):
        excerpt = make_excerpt(letter * 300, 5)
        assert excerpt.endswith("…")
        assert set(excerpt[:-1].replace(letter, "")) == set()
        assert 40 < len(excerpt) <= 81


@given(markup, st.integers(1, 30))
def test_an_excerpt_is_short_plain_text(body: str, words: int) -> None:
    """For any markup: one line, no more words than asked, never a doubled ellipsis, stable if made again."""
    excerpt = make_excerpt(body, words)
    assert excerpt == " ".join(excerpt.split())
    assert len(excerpt.split()) <= words
    assert not excerpt.endswith(("...…", "……", " …", ".…"))


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("one two", 2), ("YEREVAN -- one", 2), ("Հայ թերթ։ 3", 3), ("it's co-op", 2)]
)
def test_words_are_counted_as_people_count_them(text: str, count: int) -> None:
    """A dash alone is no word."""
    assert count_words(text) == count


def paragraphs(*sizes: int) -> str:
    return "".join(f"<p>{'word ' * (size - 1)}end.</p>" for size in sizes)


@pytest.mark.parametrize(
    ("sizes", "words", "kept"),
    [
        ((50, 50, 50), 200, 3),
        ((50, 50, 50), 150, 3),
        ((50, 50, 50), 100, 2),
        ((50, 50, 50), 110, 2),
        ((50, 50, 50), 140, 3),  # the rest would not be worth a click
        ((50, 50, 50, 50), 60, 1),
        ((50, 50, 50, 50), 90, 2),
        ((300, 50), 20, 1),
    ],
)
def test_a_body_is_cut_at_the_nearest_end_of_a_paragraph(
    sizes: tuple[int, ...], words: int, kept: int
) -> None:
    """Whole paragraphs, about as many words as asked, and never to save a last few words."""
    cut, was_cut = cut_body(paragraphs(*sizes), words)
    assert cut == paragraphs(*sizes[:kept])
    assert was_cut == (kept < len(sizes))


def test_a_body_does_not_end_with_a_heading() -> None:
    """A heading without its text is left to the part that follows."""
    body = paragraphs(50) + "<h2>Next</h2>" + paragraphs(100, 100)
    assert cut_body(body, 51) == (paragraphs(50), True)


@given(markup, st.integers(1, 20))
def test_a_cut_body_is_a_beginning(body: str, words: int) -> None:
    """What is kept is the start of the body and is itself in the one form."""
    whole = sanitise(body)
    cut, was_cut = cut_body(whole, words)
    assert whole.startswith(cut)
    assert was_cut == (cut != whole)
    assert sanitise(cut) == cut


@given(markup)
def test_without_a_tail_a_body_stays_as_it_is(body: str) -> None:
    """Only lines that a publishing system wrote are dropped."""
    whole = sanitise(body)
    assert without_tail(whole) == whole
    signed = whole + f"<p>The post {LINK.format('x')} appeared first on {LINK.format('y')}.</p>"
    assert without_tail(signed) == whole
    assert plain_text(without_tail(signed)) == plain_text(whole)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "a ",
            "[...] ",
            "The post ",
            "Continue reading ",
            "read more… ",
            "[caption ",
            "[caption id=",
            "… ",
        ),
        *(
            "L’article ",
            "&amp;",
            "&amp;#8217;",
            "a.",
            "“",
            "\u0301",
            "👩‍",
            "<p>a",
            "The post x appeared first on ",
        ),
    ],
)
def test_hostile_text_costs_little(piece: str) -> None:
    """Letters of anything by the hundred thousand are forty words, and the work for it has an end."""
    excerpt = make_excerpt(piece * (200_000 // len(piece)))
    assert len(excerpt) <= 40 * 62
    assert len(excerpt.split()) <= 40
