"""Small words of the desk: browsers by their names, mails about accounts, where one may be led."""

from __future__ import annotations

import pytest

from digest.accounts.passwords import WeakPasswordError, check_strength
from digest.rendering.staff_mails import StaffLetter, StaffMail, render_staff_mail
from digest.web.desk.agents import agent_name

_CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142 Safari/537.36"
_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (_CHROME, "Chrome, Windows"),
        (f"{_CHROME} Edg/142.0", "Edge, Windows"),
        (_PHONE, "Safari, iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("curl/8.0", "curl/8.0"),
        ("", ""),
    ],
)
def test_a_browser_is_called_what_people_call_it(agent: str, name: str) -> None:
    """By name and system, so that whoever looks knows whether it is theirs."""
    assert agent_name(agent) == name


@pytest.mark.parametrize("language", ["en", "hy", "fr"])
@pytest.mark.parametrize("kind", StaffMail)
def test_a_mail_about_an_account_says_it_in_both_parts(kind: StaffMail, language: str) -> None:
    """Subject, text and HTML, with the link where there is one, and a hostile name as words."""
    letter = StaffLetter(
        kind, "The Courier", "https://d.example/desk/forgotten", "https://d.example/x", "<b>A"
    )
    mail = render_staff_mail(letter, language)
    assert mail.subject
    assert "\n" not in mail.subject
    for part in (mail.html, mail.text):
        link = (
            letter.link_url
            if kind in {StaffMail.INVITE, StaffMail.RESET, StaffMail.TAKEN_AWAY}
            else letter.desk_url
        )
        assert link in part
    assert "<b>A" not in mail.html
    assert (language == "hy") == ('lang="hy"' in mail.html)


@pytest.mark.parametrize(
    "password",
    ["short", "x" * 12, "password12345", "nare@courier", "NareNareNareNare", "123456123456", "a" * 201],
)
def test_a_password_that_anybody_would_try_is_refused(password: str) -> None:
    """Too short, too long, of few signs, or made of one's own name and of what everybody takes."""
    with pytest.raises(WeakPasswordError):
        check_strength(password, address="nare@courier.example", name="Nare Saroyan")
    check_strength("five walking green horses", address="nare@courier.example", name="Nare Saroyan")
