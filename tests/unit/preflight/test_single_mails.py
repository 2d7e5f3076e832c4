"""Single mails before the same checks as editions, and what becomes of one that a template has broken."""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path

import pytest
from lxml import html as lxml_html

from digest.mail.message import prepare_notice
from digest.mail.prepared import fill
from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailLevel
from digest.preflight.mail_html import read_page
from digest.preflight.single import judge_single
from digest.preflight.single_mail import LINK, Sender, Single, facts_of, judged, single_mail
from digest.rendering.contexts import UNSUBSCRIBE_URL, RenderedMail
from digest.rendering.notices import ConfirmNotice, NoticeKind, render_notice
from tests.single_mails import ADDRESS, LOUD, NAMES, PLAIN, STAFF, Case, everything, sample, values_of

HOUSE = Path(__file__).resolve().parents[3] / "templates"
SENDER = Sender("The Footbridge", "letters@footbridge.example", "editors@footbridge.example")
PERSON = {
    "to": "araxie@quince-street.example",
    "date": "Mon, 23 Nov 2026 13:30:00 +0000",
    "message_id": "<n1@footbridge.example>",
    LINK: "https://mail.footbridge.example/c/token?p=a&b=c",
}
_SAMPLE = sample()


def judge(case: Case, templates: Path | None = None) -> Single:
    """A case before every rule."""
    values = values_of(case.name, case.language)
    return judged(case.kind, case.language, values, SENDER, case.look, templates=templates)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=str(case), marks=() if case in _SAMPLE else pytest.mark.slow)
        for case in everything()
    ],
)
def test_no_rule_finds_anything_in_what_comes_along(case: Case) -> None:
    """Every single mail, in every language, in a plain and in a loud look: not even advice."""
    assert judge(case).findings == ()


def test_the_cases_are_all_there_are() -> None:
    """No kind of single mail is left out, and none is left out of the sample."""
    assert {case.kind for case in _SAMPLE} == set(NoticeKind)
    assert {case.name for case in _SAMPLE} == set(NAMES)
    assert {case.look for case in _SAMPLE if case.language == "ar"} == {PLAIN, LOUD}


def own(folder: Path, file: str, before: str, after: str) -> Path:
    """A newsroom's folder in which one file of the house has other words."""
    text = (HOUSE / "email" / file).read_text(encoding="utf-8")
    assert before in text
    path = folder / "own" / "email" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(before, after), encoding="utf-8")
    return folder / "own"


BLOCKING = [
    (
        "_base/notice_macros.html",
        '<a href="{{ url }}">{{ words }}</a>',
        "{{ words }}",
        Code.LINK_MISSING,
        "confirm",
    ),
    ("confirm/body.txt", "{{ notice.confirm_url }}", "our site", Code.LINK_MISSING, "confirm"),
    ("welcome/body.html", "{{ notice.unsubscribe_url }}", "#", Code.LINK_MISSING, "welcome alone"),
    ("_base/notice.html", "{{ notice.postal_address | run(", "{{ '' | run(", Code.ADDRESS_NOT_SHOWN, "moved"),
    ("_base/notice.txt", "{{ notice.postal_address | wrap }}", "", Code.ADDRESS_NOT_SHOWN, "goodbye"),
    (
        "moved/body.html",
        "{% endblock %}",
        "{{ '{{' }}notice.name}}{% endblock %}",
        Code.PLACEHOLDER_LEFT,
        "moved",
    ),
    (
        "moved/body.html",
        "{% endblock %}",
        "<script>1</script>{% endblock %}",
        Code.DANGEROUS,
        "moved",
    ),
    ("moved/subject.txt", "{{ _(", "{{ '' and _(", Code.SUBJECT_EMPTY, "moved"),
    ("moved/body.html", "{% endblock %}", "{{ 'long ' * 20000 }}{% endblock %}", Code.TOO_LARGE, "moved"),
]  # fmt: skip
# In the finished HTML of a mail: what stands there, what stands there in its place.
ADVISING = [
    (' width="230"', "", Code.PICTURE_WITHOUT_SIZE),
    ("The paper's name", "", Code.PICTURE_WITHOUT_WORDS),
    (f"https://mail.footbridge.example/p/{'a' * 64}.png", "logo.svg", Code.PICTURE_NOT_SHOWN),
    ("</h1>", '</h1><p style="color:#fdfdfd">x</p>', Code.FAINT_WORDS),
    ("</h1>", '</h1><p style="font-size:1px">x</p>', Code.UNSEEN_WORDS),
    ("</h1>", '</h1><a href="http://10.0.0.1/">x</a>', Code.NUMBER_LINK),
    ("</h1>", '</h1><a href="https://bit.ly/x">x</a>', Code.SHORT_LINK),
    ("</h1>", '</h1><a href="#">x</a>', Code.LINK_EMPTY),
    ("</h1>", '</h1><p style="display:flex">x</p>', Code.NOT_SUPPORTED),
    ("</h1>", f"</h1><p>{'word ' * 400}</p>", Code.THIN_TEXT),
    ("</title>", " now</title>", Code.TITLE_DIFFERS),
    ("</style>", f"{'.x { color: #111111 } ' * 800}</style>", Code.STYLES_TOO_LARGE),
    ("</h1>", "</h1><p>x</p>", None),
]


@functools.cache
def moved() -> RenderedMail:
    """A mail with a logo and without a link."""
    return render_notice(NoticeKind.MOVED, "en", values_of("moved", "en"), look=LOUD)


def blank() -> MailFacts:
    """The facts about that mail."""
    parts = {"html": moved().html, "text": moved().text}
    prepared = prepare_notice(from_name="", from_address=SENDER.address, subject="x", **parts)
    return facts_of(prepared, moved(), postal_address=ADDRESS)


def found_in(rendered: RenderedMail, sender: Sender = SENDER) -> list[Code]:
    """The codes of what every rule finds."""
    prepared = prepare_notice(
        from_name=sender.name,
        from_address=sender.address,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
    )
    facts = facts_of(prepared, rendered, postal_address=ADDRESS)
    return [one.code for one in judge_single(facts, has_link=False)]


@pytest.mark.parametrize(("file", "before", "after", "code", "name"), BLOCKING)
def test_what_must_not_go_out_is_made_anew(  # noqa: PLR0917  (a row of the table)
    tmp_path: Path, file: str, before: str, after: str, code: Code, name: str
) -> None:
    """Each planted defect is found, and the person gets the mail all the same: by what comes along."""
    templates, case = own(tmp_path, file, before, after), Case(name, "en", PLAIN)
    found = [one.code for one in judge(case, templates).findings if one.level is MailLevel.BLOCK]
    assert code in found
    values = values_of(name, "en")
    made = single_mail(case.kind, "en", values, sender=SENDER, templates=templates)
    assert code.value in made.fault
    assert made.blocks == ()
    assert fill(made.prepared, PERSON) == fill(
        single_mail(case.kind, "en", values, sender=SENDER).prepared, PERSON
    )


@pytest.mark.parametrize(("before", "after", "code"), ADVISING)
def test_what_could_be_better_is_told(before: str, after: str, code: Code | None) -> None:
    """Each planted defect is found by its rule; what is fine is not."""
    assert before in moved().html
    planted = dataclasses.replace(moved(), html=moved().html.replace(before, after))
    assert found_in(planted)[:1] == ([code] if code else [])


@pytest.mark.parametrize(
    "html", ["", "<title>x</title><p hidden>x</p>", "<img src='https://a.example/a.png'>"]
)
def test_a_mail_without_words_is_none(html: str) -> None:
    """A mail of pictures alone, or of what nobody sees, must not go out."""
    facts = dataclasses.replace(blank(), html=html, page=read_page(html))
    assert Code.EMPTY_MAIL in [one.code for one in judge_single(facts, has_link=False, is_whole=False)]
    assert Code.EMPTY_MAIL in [
        one.code for one in judge_single(dataclasses.replace(blank(), text=" \n"), has_link=False)
    ]


def test_the_two_lines_and_the_sender_are_looked_at() -> None:
    """What stands before a mail is opened counts for a single one as well."""
    shouting = dataclasses.replace(
        moved(), subject="ALL IS NEW", html=moved().html.replace(moved().subject, "ALL IS NEW")
    )
    assert found_in(shouting) == [Code.SUBJECT_SHOUTS]
    assert found_in(dataclasses.replace(moved(), preheader=moved().subject)) == [Code.PREHEADER_SAME]
    free = Sender("The Footbridge", "the.footbridge@gmail.com")
    assert found_in(moved(), free) == [Code.FREE_MAIL_SENDER]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("confirm/body.html", "{{ no_such_name }}"),
        ("confirm/body.html", "{% if %}"),
        ("confirm/body.html", "{{ 1 / 0 }}"),
        ("confirm/body.html", "<p>No style blocks.</p>"),
        ("confirm/body.txt", "%%name%% and %%unsubscribe_url%%"),
        ("confirm/body.txt", ""),
        ("_base/styles.html", "<style>@import 'x';</style><style data-premailer='ignore'></style>"),
    ],
)  # fmt: skip
def test_a_template_that_fails_keeps_nobody_waiting(tmp_path: Path, file: str, text: str) -> None:
    """Whatever a newsroom's template raises, the mail is made by those that come along, and says why."""
    path = tmp_path / "email" / file
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    values = values_of("confirm", "hy")
    made = single_mail(NoticeKind.CONFIRM, "hy", values, sender=SENDER, templates=tmp_path)
    assert made.fault
    assert made.prepared == single_mail(NoticeKind.CONFIRM, "hy", values, sender=SENDER).prepared


def test_a_folder_that_has_gone_keeps_nobody_waiting(tmp_path: Path) -> None:
    """A disk that is not there is no reason not to ask for a confirmation."""
    values = values_of("confirm", "en")
    made = single_mail(NoticeKind.CONFIRM, "en", values, sender=SENDER, templates=tmp_path / "elsewhere")
    assert "does not exist" in made.fault


def test_a_template_that_was_mended_is_used_at_once(tmp_path: Path) -> None:
    """What is remembered is remembered of the files as they were."""
    values, file = values_of("moved", "en"), tmp_path / "email" / "moved" / "body.html"
    file.parent.mkdir(parents=True)
    file.write_text("{% if %}", encoding="utf-8")
    assert single_mail(NoticeKind.MOVED, "en", values, sender=SENDER, templates=tmp_path).fault
    house = (HOUSE / "email" / "moved" / "body.html").read_text(encoding="utf-8")
    file.write_text(house.replace("{% endblock %}", "<p>In our own words.</p>{% endblock %}"), "utf-8")
    os.utime(file, ns=(1, 1))
    made = single_mail(NoticeKind.MOVED, "en", values, sender=SENDER, templates=tmp_path)
    assert made.fault == ""
    assert b"In our own words." in fill(made.prepared, PERSON).replace(b"=\r\n", b"")


def test_two_people_share_a_mail_and_nothing_of_their_own(tmp_path: Path) -> None:
    """The same mail is made once, and each gets their own link and address in it."""
    values = values_of("welcome", "hy")
    first = single_mail(NoticeKind.WELCOME, "hy", values, sender=SENDER, look=LOUD)
    again = single_mail(NoticeKind.WELCOME, "hy", values_of("welcome", "hy"), sender=SENDER, look=LOUD)
    assert again is first
    other = {**PERSON, "to": "nare@quince-street.example", LINK: "https://mail.footbridge.example/u/other"}
    mails = [fill(first.prepared, person) for person in (PERSON, other)]
    assert [mail.count(b"araxie@") for mail in mails] == [1, 0]
    renamed = dataclasses.replace(values, list_title="Another")
    assert single_mail(NoticeKind.WELCOME, "hy", renamed, sender=SENDER, look=LOUD) is not first


def test_a_digest_without_a_postal_address_can_still_ask(tmp_path: Path) -> None:
    """Its first people sign up before it has one; an edition would be held."""
    values = ConfirmNotice("Readers", UNSUBSCRIBE_URL, "The Footbridge", "")
    assert judged(NoticeKind.CONFIRM, "en", values, SENDER, PLAIN).findings == ()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in STAFF])
def test_a_theme_is_in_what_is_about_a_list(name: str) -> None:
    """Colours, both logos and the paper's words; where else the paper is stands in the welcome alone."""
    case = Case(name, "fr", LOUD)
    html = render_notice(case.kind, "fr", values_of(name, "fr"), look=LOUD).html
    root = lxml_html.document_fromstring(html)
    assert [image.get("width") for image in root.iter("img")] == ["230", "230"]
    assert 'bgcolor="#f3e9f7"' in html
    assert "#201026" in html
    assert "society of readers" in html
    assert ADDRESS in html
    for button in root.xpath("//td[contains(@class, 'call')]"):
        assert button.get("bgcolor") == "#5b0b63"
    assert len(root.xpath("//td[contains(@class, 'call')]")) <= 1
    has_social = any("social.example" in (link.get("href") or "") for link in root.iter("a"))
    assert has_social == (case.kind is NoticeKind.WELCOME)
