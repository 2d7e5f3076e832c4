"""The inbox of the mail catcher."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from digest.config import Settings
from digest.mail import mailbox
from digest.web.app import create_app
from digest.web.inbox import PAGE_SIZE
from tests.factories.moments import NOW
from tests.integration.web.rows import make_settings

HOSTILE = "<script>top.x = 1</script>"


@pytest.fixture
def caught(settings: Settings) -> Path:
    """The folder for readers' mail."""
    assert settings.catcher_dir is not None
    return settings.catcher_dir / "inbox"


def mail(subject: str = "Good morning", *, html: str | None = "<h1>Good morning</h1>") -> bytes:
    made = EmailMessage()
    made["From"] = "The Courier <news@courier.example>"
    made["To"] = "reader@mail.test"
    made["Subject"] = subject
    made.set_content(f"Plain words. {HOSTILE}\n")
    if html is not None:
        made.add_alternative(html, subtype="html")
    return made.as_bytes()


def put(folder: Path, raw: bytes, *, minutes: int = 0) -> str:
    moment = NOW + dt.timedelta(minutes=minutes)
    return mailbox.store(
        folder, raw, recipients=["reader@mail.test"], sender="b@courier.example", now=moment
    ).name


def test_an_empty_inbox_waits(client: TestClient) -> None:
    """Before the first mail the page looks again by itself; later it stays as it is."""
    answer = client.get("/inbox")
    assert answer.status_code == 200
    assert "Nothing has come yet" in answer.text
    assert answer.headers["refresh"] == "2"


def test_mails_are_listed_newest_first(client: TestClient, caught: Path) -> None:
    """Readers' mails and notices stand in one list, in the order in which they came."""
    for minute in range(4):
        folder = caught if minute % 2 else caught.parent / "notices"
        put(folder, mail(f"Mail {minute} {HOSTILE}"), minutes=minute)
    answer = client.get("/inbox")
    places = [answer.text.index(f"Mail {minute}") for minute in (3, 2, 1, 0)]
    assert places == sorted(places)
    assert HOSTILE not in answer.text
    assert "refresh" not in answer.headers


def test_older_mails_are_on_the_next_page(client: TestClient, caught: Path) -> None:
    """Paging by name loses and repeats none, though new ones come in between."""
    names = [put(caught, mail(), minutes=minute) for minute in range(2 * PAGE_SIZE)]
    first = client.get("/inbox").text
    put(caught, mail(), minutes=9999)
    older = f"/inbox?before={names[PAGE_SIZE]}"
    assert f'href="{older}"' in first
    second = client.get(older).text
    assert [name for name in names if (name in first) == (name in second)] == []
    assert "Older messages" not in second


def test_a_mail_is_opened_in_a_frame_without_rights(client: TestClient, caught: Path) -> None:
    """The page frames the mail's own address, whose policy lets nothing run, send or reach us."""
    name = put(caught, mail(html=f"<html><head></head><body>{HOSTILE}<form></form></body></html>"))
    page = client.get(f"/inbox/{name}")
    assert f'src="/inbox/{name}/html"' in page.text
    assert HOSTILE not in page.text
    frame = client.get(f"/inbox/{name}/html")
    policy = frame.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "script" not in policy
    assert "same-origin" not in policy
    assert '<head><base target="_blank">' in frame.text


def test_text_and_source_are_shown_as_text(client: TestClient, caught: Path) -> None:
    """Both tabs escape what they show; the source's own address is plain text that nobody sniffs."""
    name = put(caught, mail())
    text = client.get(f"/inbox/{name}?view=text").text
    assert "Plain words. &lt;script&gt;" in text
    source = client.get(f"/inbox/{name}?view=source").text
    assert "Delivered-To: reader@mail.test" in source
    plain = client.get(f"/inbox/{name}/source")
    assert plain.headers["content-type"] == "text/plain; charset=utf-8"
    assert plain.headers["x-content-type-options"] == "nosniff"


def test_a_mail_without_html_opens_as_text(client: TestClient, caught: Path) -> None:
    """There is nothing to frame, so its words are shown."""
    page = client.get(f"/inbox/{put(caught, mail(html=None))}").text
    assert "Plain words." in page
    assert "<iframe" not in page


def test_the_file_can_be_downloaded(client: TestClient, caught: Path) -> None:
    """Byte for byte, under its name, as a mail."""
    name = put(caught, b"Subject: \xff\xfe\r\n\r\n\x00odd\r\n")
    answer = client.get(f"/inbox/{name}/raw")
    assert answer.content == (caught / name).read_bytes()
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


def test_a_broken_mail_is_shown_as_far_as_it_goes(client: TestClient, caught: Path) -> None:
    """Bytes that are no mail, and letters that no encoding has, never end in a fault."""
    odd = b"Subject: =?utf-8?b?7aCA?=\r\nContent-Type: text/html\r\n\r\n\xed\xa0\x80"
    names = [put(caught, raw, minutes=minute) for minute, raw in enumerate((b"", b"\x00\xff" * 50, odd))]
    tails = ("", "/html", "/source", "/raw")
    paths = ["/inbox", *(f"/inbox/{name}{tail}" for name in names for tail in tails)]
    assert {client.get(path).status_code for path in paths} == {200}


def test_no_other_file_can_be_reached(client: TestClient, caught: Path) -> None:
    """Names that are not of a mail, whatever they try, are 404."""
    name = put(caught, mail())
    (caught.parent / name.replace("2026", "2027")).write_bytes(b"Subject: above\r\n\r\n")
    (caught / "secret.txt").write_bytes(b"secret")
    tries = [
        "secret.txt",
        name.replace("2026", "2027"),
        f"..%2F{name.replace('2026', '2027')}",
        "%2e%2e%2f%2e%2e%2fdata%2fsecrets%2faddress-key",
        f"{name}%00",
        f"{name}%0a",
        f".%2F{name}",
        "%2e%2e",
        "a" * 5000,
    ]
    for tail in ("", "/html", "/source", "/raw"):
        assert {client.get(f"/inbox/{attempt}{tail}").status_code for attempt in tries} == {404}
        assert client.get(f"/inbox/{name}{tail}").status_code == 200


def test_unknown_views_and_cursors_are_refused_in_words(client: TestClient, caught: Path) -> None:
    """A query that cannot be meant is 400 with a page, a cursor that is no name is an empty end."""
    name = put(caught, mail())
    refused = [client.get(f"/inbox/{name}?view=other"), client.get("/inbox?before=" + "a" * 65)]
    assert [answer.status_code for answer in refused] == [400, 400]
    assert "This did not work" in refused[0].text
    assert client.get("/inbox?before=0").status_code == 200


def test_without_a_catcher_there_is_no_inbox(database_url: str, tmp_path: Path) -> None:
    """The pages are there only where a catcher's folder is set."""
    with TestClient(create_app(make_settings(tmp_path / "data", database_url))) as client:
        assert {client.get(path).status_code for path in ("/inbox", "/inbox/a", "/inbox/a/raw")} == {404}
