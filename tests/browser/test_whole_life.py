"""One person from her sign-up to her erasure, in a browser: every page, every mail, every proof."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.browser.sites import complaints, installed
from tests.browser.whole_life import Left, Life
from tests.integration.cli.commands import Cli
from tests.servers.smtp import JudgeServer

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.browser

OLD, NEW, NAME = "zaruhi@gyumri.test", "zaruhi.p@armavir.test", "Zaruhi Petrosyan"
LETTERS = "Obituaries, appeals and anniversaries"
OF_HERS = ("zaruhi", "petrosyan", "gyumri", "armavir")


ONE_EVENT = {"consent_events": "+1", "subscriptions": "~1", "subscribers": "~1"}
ONE_FRESH_LINK = {"fresh_links": "+1", "notices": "+1", "subscribers": "~1", "token_buckets": "~1"}
WITH_NETWORK = {**ONE_EVENT, "consent_networks": "+1"}
FRESH = {
    "address": "Another address: the link you asked for",
    "new-address": "Shall The Daily Courier come to this address?",
    "data": "Your data: the link you asked for",
    "erase": "Erase everything about me: the link you asked for",
}


def expect(life: Life, *events: str, mails: Sequence[str] = (), **changed: str) -> None:
    """The last step left these events, rows and mails and no others, and every chain verifies."""
    assert life.left() == Left(list(events), changed, list(mails), findings=[])


@pytest.fixture
def life(
    database_url: str, context: BrowserContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Life]:
    """An installation of the test's own, its mail service, and its command line."""
    with installed(tmp_path, database_url) as site, JudgeServer() as judge:
        monkeypatch.setenv("DIGEST_DATA_DIR", str(site.settings.data))
        monkeypatch.setenv("DIGEST_DATABASE_URL", database_url)
        yield Life(site, context.new_page(), judge, Cli(site.settings.data))


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the kind that the test asks for."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'digest.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.mark.parametrize(
    ("database_url", "context"),
    [
        pytest.param(
            "sqlite",
            {"java_script_enabled": False, "viewport": {"width": 320, "height": 640}},
            id="SQLite, no scripts, small",
        ),
        # The same steps; each of them is tried on PostgreSQL in `tests/integration/web`.
        pytest.param("postgresql", {"color_scheme": "dark"}, id="PostgreSQL", marks=pytest.mark.slow),
    ],
    indirect=True,
)
def test_a_whole_life(life: Life, context: BrowserContext, tmp_path: Path) -> None:
    """After every step its events, rows and mails are there and no others, and every chain verifies."""
    found = complaints(life.page)
    _sign_up(life)
    _choose(life)
    _move(life)
    _take_the_data(life)
    _leave_and_come_back(life)
    _leave_by_one_click(life, tmp_path)
    _be_erased(life)
    assert context.cookies() == []
    # One was used, the other has another word.
    assert [re.findall(r"status of (\d{3})", text) for text in found] == [
        ["410"],
        ["422"],
    ]  # used; another word
    assert set(life.asked) == {urlsplit(life.site.url).netloc}


def _sign_up(life: Life) -> None:
    """Two lists by one form; until the button of the mail is pressed, nothing but waiting."""
    life.open("/s?list=daily&list=letters")
    expect(life)
    life.page.get_by_label("Mail address").fill(OLD)
    life.page.get_by_label("Your name").fill(NAME)
    life.page.get_by_role("checkbox", name="Sport").first.check()
    life.press("Sign up")
    life.says("Look into your mailbox")
    expect(
        life,
        "daily: sign_up, pending, form",
        "letters: sign_up, pending, form",
        mails=[f"{OLD}: Please confirm: The Daily Courier, {LETTERS}"],
        subscribers="+1",
        subscriptions="+2",
        consent_events="+2",
        consent_networks="+2",
        consent_texts="+2",
        confirmations="+2",
        token_buckets="+3",
        notices="+1",
    )
    life.open(life.mailed("/c/"))
    life.page.reload()
    expect(life)
    life.press("Yes, I want to receive it")
    life.says(f"Welcome to The Daily Courier, {LETTERS}")
    expect(
        life,
        "daily: confirm, active, confirm_link",
        "letters: confirm, active, confirm_link",
        mails=[f"{OLD}: Welcome to The Daily Courier", f"{OLD}: Welcome to {LETTERS}"],
        subscribers="~1",
        subscriptions="~2",
        consent_events="+2",
        consent_networks="+2",
        notices="+2",
    )
    life.page.reload()  # presses once more
    expect(life, subscribers="~1")


def _choose(life: Life) -> None:
    """Another rhythm, a pause, and the pause taken back, on her own page."""
    life.open(life.mailed("/page$", "Welcome to The Daily"))
    expect(life)
    life.press("Weekly")
    life.says("From now on it comes as often as you chose.")
    expect(life, "daily: change, active, preferences", **ONE_EVENT, token_buckets="+1")
    life.page.reload()
    expect(life)
    life.press("Pause")
    life.says("Nothing comes until you press the button again.")
    expect(life, "daily: pause, paused, preferences", **WITH_NETWORK)
    life.press("Undo")
    life.says("It comes again.")
    expect(life, "daily: resume, active, preferences", **WITH_NETWORK, token_buckets="~1")


def _move(life: Life) -> None:
    """The old address asks, the new one agrees; until then all is as it was."""
    life.more("Change my address")
    life.says("We have sent a mail with a link")
    expect(life, mails=[f"{OLD}: {FRESH['address']}"], **ONE_FRESH_LINK)
    life.open(life.mailed("/f/address/"))
    expect(life)
    life.page.get_by_label("The new address:").fill(NEW)
    life.press("Send a mail to the new address")
    life.says("Now look into your new mailbox")
    expect(
        life,
        mails=[f"{NEW}: {FRESH['new-address']}"],
        subscribers="~1",
        fresh_links="+1 ~1",
        notices="+1",
    )
    life.open(life.mailed("/f/new-address/"))
    expect(life)
    life.press("Yes, send it here")
    life.says("your mail comes to the new address")
    expect(
        life,
        "daily: address, active, preferences",
        "letters: address, active, preferences",
        mails=[f"{OLD}: The Daily Courier goes to another address now"],
        subscribers="~1",
        subscriptions="~2",
        consent_events="+2",
        former_addresses="+1",
        fresh_links="~1",
        notices="+1",
    )


def _take_the_data(life: Life) -> None:
    """The file has both addresses and each event so far; the link works once."""
    life.more("Download my data")
    life.says("We have sent a mail with a link")
    expect(life, mails=[f"{NEW}: {FRESH['data']}"], **ONE_FRESH_LINK)
    life.open(life.mailed("/f/data/"))
    expect(life)
    with life.page.expect_download() as loading:
        life.press("Download my data")
    data = json.loads(loading.value.path().read_text(encoding="utf-8"))
    expect(life, fresh_links="~1")
    assert (data["subscriber"]["address"], data["subscriber"]["name"]) == (NEW, NAME)
    assert OLD in json.dumps(data)
    actions = {each["list"]: [event["action"] for event in each["consent"]] for each in data["subscriptions"]}
    assert actions == {
        "daily": ["sign_up", "confirm", "change", "pause", "resume", "address"],
        "letters": ["sign_up", "confirm", "address"],
    }
    life.open(life.mailed("/f/data/"))
    life.says("This link has been used")
    expect(life)


def _leave_and_come_back(life: Life) -> None:
    """By the page, which asks first; the goodbye brings back all that the leaving ended."""
    life.open(life.mailed(r"/u/[\w-]+$", "Welcome to The Daily"))
    expect(life)
    life.press("Unsubscribe")
    life.says("You have left The Daily Courier")
    expect(
        life,
        "daily: end, ended, preferences",
        mails=[f"{NEW}: You have left The Daily Courier"],
        notices="+1",
        **WITH_NETWORK,
    )
    life.page.get_by_label("there was too much mail").check()
    life.press("Tell us")
    life.says("Thank you for telling us.")
    expect(
        life,
        "daily: change, ended, preferences",
        consent_events="+1",
        subscriptions="~1",
        token_buckets="~1",
    )
    life.open(life.mailed("/undo/"))
    expect(life)
    life.press("Bring it back")
    life.says("Everything is as it was before.")
    expect(life, "daily: revive, active, preferences", **WITH_NETWORK, token_buckets="~1")


def _leave_by_one_click(life: Life, folder: Path) -> None:
    """What a mail service posts for its user, as an edition's header says (RFC 8058); no mail answers."""
    mail = life.edition(folder)
    assert (mail["To"].addresses[0].addr_spec, mail["List-Unsubscribe-Post"]) == (
        NEW,
        "List-Unsubscribe=One-Click",
    )
    path = urlsplit(mail["List-Unsubscribe"].split(">")[0].strip("< ")).path
    for _ in range(2):
        assert life.site.post(path, **{"List-Unsubscribe": "One-Click"}) == "Unsubscribed.\n"
    expect(life, "daily: end, ended, one_click", **WITH_NETWORK)


def _be_erased(life: Life) -> None:
    """On a page of its own, by a fresh link and a word; then no value of hers is in any table."""
    home = life.mailed("/page$", "Welcome to The Daily")
    life.open(home)
    life.more("Erase everything about me")
    life.says("We have sent a mail with a link")
    expect(life, mails=[f"{NEW}: {FRESH['erase']}"], **ONE_FRESH_LINK)
    assert life.tables_with(OF_HERS) == {"subscribers", "consent_events", "notices"}
    life.open(life.mailed("/f/erase/"))
    expect(life)
    life.page.get_by_label("write this word").fill("please")
    life.press("Erase everything about me")
    life.says("Nothing has been erased")
    expect(life)
    life.page.get_by_label("write this word").fill("erase")
    life.press("Erase everything about me")
    life.says("You have been erased")
    expect(
        life,
        "daily: erase, ended, preferences",
        "letters: erase, ended, preferences",
        subscribers="~1",
        subscriptions="~2",
        consent_events="+2 ~13",
        consent_networks="-9",
        fresh_links="~1",
        notices="-9",
        audit="+1",
    )
    assert life.tables_with(OF_HERS) == set()
    for path in (home, home.removesuffix("/page")):
        life.open(path)
        life.says("You have left The Daily Courier")
    expect(life)
