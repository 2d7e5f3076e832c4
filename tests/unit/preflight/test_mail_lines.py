"""Subject, preheader, pictures, headers and lines: defects that are planted, and what is none."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from digest.i18n import LANGUAGES, translator
from digest.preflight.mail import judge_mail
from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailFinding, MailLevel, block, merged, warn
from digest.preflight.mail_words import LEVELS, SENTENCES, level_name, said
from tests.unit.preflight.mails import changed, facts_of, with_body
from tests.unit.rendering import samples

Plant = Callable[[MailFacts], MailFacts]
LINE = b"x" * 999


@cache
def clean() -> MailFacts:
    return facts_of(samples.edition())


def subject(line: str) -> Plant:
    return lambda facts: changed(facts, subject=line)


def preheader(line: str) -> Plant:
    return lambda facts: changed(facts, preheader=line)


def picture(attributes: str) -> Plant:
    return lambda facts: with_body(facts, f"<img {attributes}>")


def raw_instead(old: bytes, new: bytes) -> Plant:
    def planted(facts: MailFacts) -> MailFacts:
        assert old in facts.raw
        return changed(facts, raw=facts.raw.replace(old, new, 1))

    return planted


def leaving(value: bytes) -> Plant:
    """The mail with another value of List-Unsubscribe."""

    def planted(facts: MailFacts) -> MailFacts:
        before, _, rest = facts.raw.partition(b"List-Unsubscribe: ")
        after = rest.partition(b"\r\n")[2]
        return changed(facts, raw=before + b"List-Unsubscribe: " + value + b"\r\n" + after)

    return planted


URL = "src='https://a.example/a.jpg'"
PLANTED: list[tuple[str, Plant, Code]] = [
    ("no subject", subject(" "), Code.SUBJECT_EMPTY),
    ("an entity", subject("Bread &amp; Roses"), Code.SUBJECT_MARKUP),
    ("an entity by number", subject("The mayor&#8217;s plan"), Code.SUBJECT_MARKUP),
    ("markup", subject("The <em>last</em> bridge"), Code.SUBJECT_MARKUP),
    ("a long subject", subject("a bridge " * 10 + "b"), Code.SUBJECT_LONG),
    ("capitals", subject("THE BRIDGE IS OPEN"), Code.SUBJECT_SHOUTS),
    ("capitals and an entity", subject("BREAD &amp; ROSES"), Code.SUBJECT_SHOUTS),
    ("capitals in Armenian", subject("ԿԱՄՈՒՐՋԸ ԲԱՑ Է"), Code.SUBJECT_SHOUTS),
    ("marks together", subject("The bridge is open!!"), Code.SUBJECT_SHOUTS),
    ("marks apart", subject("Look! Look! Look!"), Code.SUBJECT_SHOUTS),
    ("marks in Armenian", subject("Նայե՜ք, նայե՜ք, նայե՜ք"), Code.SUBJECT_SHOUTS),
    ("no preheader", preheader(""), Code.PREHEADER_EMPTY),
    ("the same", preheader("A BENCH in front of the library…"), Code.PREHEADER_SAME),
    ("short", preheader("a" * 39), Code.PREHEADER_SHORT),
    ("long", preheader("a" * 101), Code.PREHEADER_LONG),
    ("loud", preheader("READ ALL OF THIS AND MUCH MORE IN THE PAPER"), Code.PREHEADER_SHOUTS),
    ("no width", picture(f"{URL} alt='A mill'"), Code.PICTURE_WITHOUT_SIZE),
    ("width in percent", picture(f"{URL} alt='A mill' width='100%'"), Code.PICTURE_WITHOUT_SIZE),
    ("no alt", picture(f"{URL} width=20"), Code.PICTURE_WITHOUT_WORDS),
    ("an empty alt of a photo", picture(f"{URL} width=544 alt=''"), Code.PICTURE_WITHOUT_WORDS),
    ("a file's name", picture(f"{URL} width=544 alt='IMG_0042.JPG'"), Code.PICTURE_WITHOUT_WORDS),
    ("SVG", picture("src='https://a.example/a.svg?v=1' width=9 alt='A'"), Code.PICTURE_NOT_SHOWN),
    ("in the mail", picture("src='data:image/png;base64,AA' width=9 alt='A'"), Code.PICTURE_NOT_SHOWN),
    ("an attachment", picture("src='cid:a' width=9 alt='A'"), Code.PICTURE_NOT_SHOWN),
    ("no host", picture("src='/a.png' width=9 alt='A'"), Code.PICTURE_NOT_SHOWN),
    ("no such field", raw_instead(b"List-Unsubscribe:", b"X-Unsubscribe:"), Code.NO_LIST_UNSUBSCRIBE),
    ("no brackets", leaving(b"https://mail.example.org/u/A"), Code.LIST_UNSUBSCRIBE_FORM),
    ("encoded", leaving(b"=?utf-8?q?=3Chttps=3A//a.example=3E?="), Code.LIST_UNSUBSCRIBE_FORM),
    ("no comma", leaving(b"<https://a.example/u> <mailto:a@a.example>"), Code.LIST_UNSUBSCRIBE_FORM),
    ("folded in a link", leaving(b"<https://a.example/\r\n u>"), Code.LIST_UNSUBSCRIBE_FORM),
    ("two fields", leaving(b"<https://a.example/u>\r\nList-Unsubscribe: <https://a.example/u>"),
     Code.LIST_UNSUBSCRIBE_FORM),
    ("http", leaving(b"<http://127.0.0.1:8025/u/A>"), Code.SIGN_OFF_NOT_HTTPS),
    ("mailto alone", leaving(b"<mailto:a@a.example>"), Code.SIGN_OFF_NOT_HTTPS),
    ("no one-click", raw_instead(b"List-Unsubscribe-Post:", b"X-Post:"), Code.NO_ONE_CLICK),
    ("another value", raw_instead(b"=One-Click", b"=one-click"), Code.NO_ONE_CLICK),
    ("a long header", raw_instead(b"Subject: ", b"Subject: " + LINE), Code.LONG_LINE),
    ("a long line", raw_instead(b"printable\r\n\r\n", b"printable\r\n\r\n" + LINE + b"\r\n"), Code.LONG_LINE),
    ("a coded line", raw_instead(b"printable\r\n\r\n", b"printable\r\n\r\n" + b"x" * 77 + b"\r\n"),
     Code.LONG_CODED_LINE),
    ("a bare LF", raw_instead(b"\r\nMIME-Version", b"\nMIME-Version"), Code.BARE_LINE_END),
    ("a bare CR", raw_instead(b"printable\r\n\r\n", b"printable\r\n\r\nx\rx"), Code.BARE_LINE_END),
]  # fmt: skip

NOT_PLANTED: list[tuple[str, Plant, Code]] = [
    ("an ampersand", subject("Bread & Roses; AT&T; 3 < 4 > 2"), Code.SUBJECT_MARKUP),
    ("just the length", subject("a" * 90), Code.SUBJECT_LONG),
    ("an abbreviation", subject("UNESCO: 2026"), Code.SUBJECT_SHOUTS),
    ("short capitals", subject("EU, UN"), Code.SUBJECT_SHOUTS),
    ("one mark", subject("Look at the bridge!"), Code.SUBJECT_SHOUTS),
    ("Georgian, without capitals", subject("ხიდი გაიხსნა დილით"), Code.SUBJECT_SHOUTS),
    ("goes on", preheader("A bench in front of the library, and twelve headlines"), Code.PREHEADER_SAME),
    ("the least", preheader("a" * 40), Code.PREHEADER_SHORT),
    ("the most", preheader("a" * 100), Code.PREHEADER_LONG),
    ("px", picture(f"{URL} alt='A mill' width='544px'"), Code.PICTURE_WITHOUT_SIZE),
    ("an ornament", picture(f"{URL} width=20 alt=''"), Code.PICTURE_WITHOUT_WORDS),
    ("words", picture(f"{URL} width=544 alt='The mill, seen from a.png'"), Code.PICTURE_WITHOUT_WORDS),
    ("a GIF", picture("src='http://a.example/a.gif' width=9 alt='A'"), Code.PICTURE_NOT_SHOWN),
    ("both addresses", leaving(b"<https://a.example/u>,\r\n <mailto:a@a.example?subject=unsubscribe>"),
     Code.LIST_UNSUBSCRIBE_FORM),
    ("https second", leaving(b"<mailto:a@a.example>, <HTTPS://a.example/u>"), Code.SIGN_OFF_NOT_HTTPS),
    ("a header of 998", raw_instead(b"List-Id: ", b"X-Long: " + b"x" * 990 + b"\r\nList-Id: "),
     Code.LONG_LINE),
    ("a coded line of 76", raw_instead(b"printable\r\n\r\n", b"printable\r\n\r\n" + b"x" * 76 + b"\r\n"),
     Code.LONG_CODED_LINE),
]  # fmt: skip

BLOCKING = {
    Code.SUBJECT_EMPTY,
    Code.NO_LIST_UNSUBSCRIBE,
    Code.LIST_UNSUBSCRIBE_FORM,
    Code.NO_ONE_CLICK,
    Code.LONG_LINE,
    Code.BARE_LINE_END,
}


@pytest.mark.parametrize(("plant", "code"), [case[1:] for case in PLANTED], ids=[case[0] for case in PLANTED])
def test_a_planted_defect_is_found(plant: Plant, code: Code) -> None:
    """Each rule sees its defect in a mail that is clean without it, at its level."""
    assert judge_mail(clean()) == []
    found = [each for each in judge_mail(plant(clean())) if each.code is code]
    assert found
    assert {each.level is MailLevel.BLOCK for each in found} == {code in BLOCKING}


@pytest.mark.parametrize(
    ("plant", "code"), [case[1:] for case in NOT_PLANTED], ids=[case[0] for case in NOT_PLANTED]
)
def test_what_is_no_defect_is_let_through(plant: Plant, code: Code) -> None:
    """What only looks like a defect gives no finding."""
    assert code not in {each.code for each in judge_mail(plant(clean()))}


def test_variants_are_told_together() -> None:
    """A finding of several variants is told once, with all of them; what blocks comes first."""
    small, grave = warn(Code.THIN_TEXT, share=4), block(Code.SUBJECT_EMPTY)
    found = merged({"normal": [small], "large": [small, grave]})
    assert [(each.finding, each.variants) for each in found] == [
        (grave, ("large",)),
        (small, ("normal", "large")),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_words(language: str) -> None:
    """Each code and level has its words in each language, and none of them leaves a place unfilled."""
    words = translator(language)
    assert set(SENTENCES) == set(Code)
    assert {level_name(level, words) for level in LEVELS} >= {
        words.gettext(LEVELS[level]) for level in MailLevel
    }
    values: dict[str, str | int] = {
        "part": "HTML part",
        "found": "{{ x }}",
        "url": "https://a.example",
        "title": "A",
        "word": "today",
        "size": 95_000,
        "most": 90_000,
        "length": 5,
        "least": 40,
        "share": 3,
        "letters": 100,
        "stories": 4,
        "count": 2,
        "days": 20,
        "shown": "a.example",
        "words": "Here",
        "name": "Date",
        "domain": "a.example",
        "feature": "text-shadow",
        "clients": "Gmail (iOS)",
    }
    for code in Code:
        what, mend = said(MailFinding(MailLevel.WARN, code, tuple(values.items())), words)
        assert what
        assert mend
        assert "%(" not in what + mend
        assert language == "en" or (what, mend) != SENTENCES[code]


def test_numbers_and_parts_are_in_the_reader_s_words() -> None:
    """A size has separators; a part of the mail is named in the language of the sentence."""
    large = block(Code.TOO_LARGE, size=95_000, most=90_000)
    assert "95,000 bytes" in said(large, translator("en")).what
    link = block(Code.NO_SIGN_OFF_LINK, part="text part")
    assert "տեքստային մասը" in said(link, translator("hy")).what
    assert "%%unsubscribe_url%%" in said(link, translator("hy")).mend
