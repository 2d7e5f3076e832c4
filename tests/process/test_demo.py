"""`digest demo`: each of its mails judged on the wire, and what it does when it is left running."""

from __future__ import annotations

import contextlib
import html as html_module
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

import lxml.html
import pytest
import sqlalchemy as sa

from digest import config, keys
from digest.cli.demo import run_command
from digest.db import Database
from digest.embedded.demo.setup import EDITOR
from digest.embedded.newspaper import people
from digest.mail.mailbox import list_messages, read_message
from digest.models import Cadence, Digest, Edition, EditionState, Item, Post, Reason, Revision, SentItem
from digest.queueing.app import app
from digest.rendering.digest_email import MAX_HTML_BYTES
from digest.tokens import Claim, Purpose
from tests.process.demo_run import Caught, DemoRun, caught, demo_run
from tests.servers.waiting import wait_until

__all__ = ["demo_run"]

pytestmark = pytest.mark.process

# RFC 5322 section 3.6 and research on bulk mail: each of these stands in a digest once.
HEADERS = (
    *("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Id", "List-Unsubscribe"),
    *("List-Unsubscribe-Post", "List-Help", "Feedback-ID", "Auto-Submitted", "Precedence", "MIME-Version"),
    "Content-Type",
)
LINK = re.compile(r"(?:https?://|mailto:)\S+")
PUBLISH_SECONDS = 5


@pytest.fixture(scope="module")
def mails(demo_run: DemoRun) -> list[Caught]:
    """Every mail of the run."""
    return caught(demo_run)


def words(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


def filled(source: str, mail: Caught, *, in_html: bool) -> str:
    """A variant's source with this person's values, put in by the plainest means there are."""
    url = mail.sign_off_url
    return source.replace("%%unsubscribe_url%%", html_module.escape(url) if in_html else url)


def links_of(page: lxml.html.HtmlElement) -> set[str]:
    return {str(link) for link in page.xpath("//a/@href")}


def test_the_demo_ends_well_and_shows_where_to_look(demo_run: DemoRun) -> None:
    """Status 0, nothing on standard error, and three addresses, each whole on a line of its own."""
    assert (demo_run.status, demo_run.complained) == (0, "")
    for name, path in (
        ("Inbox", "/inbox"),
        ("Web edition", r"/e/[\w-]{16}"),
        ("Sign-off page", r"/u/[\w-]{42}"),
    ):
        assert re.search(rf"^  {name} +http://127\.0\.0\.1:\d+{path}$", demo_run.said, re.MULTILINE), name
    assert "handed over to 15 of 15 readers" in demo_run.said
    assert "handed over to 10 of 10 readers" in demo_run.said
    report = demo_run.said[demo_run.said.index("╭") : demo_run.said.index("╯")]
    assert max(map(len, report.splitlines())) <= 80


def test_each_reader_gets_one_mail_and_nobody_else_does(demo_run: DemoRun, mails: list[Caught]) -> None:
    """Twenty-five readers, one mail each; none for those who paused or left.

    Among the notices is the test mail alone, without which no reader is mailed.
    """
    taken = Counter(mail.stored.address for mail in mails)
    assert taken == dict.fromkeys((person.address for person in people.READERS), 1)
    assert taken.keys().isdisjoint(person.address for person in people.ABSENT)
    (notice,) = list_messages(demo_run.folder / "notices")
    assert notice.recipient == EDITOR
    names = {person.address: person.name for person in people.READERS}
    for mail in mails:
        assert parseaddr(str(mail.message["To"])) == (names[mail.stored.address], mail.stored.address)


def test_the_bytes_keep_the_limits_of_the_wire(mails: list[Caught]) -> None:
    """CRLF only, ASCII, no line above 998 bytes; encoded lines of at most 76 that no server would change."""
    for mail in mails:
        assert mail.raw.isascii()
        assert mail.raw.count(b"\r") == mail.raw.count(b"\n") == mail.raw.count(b"\r\n")
        head, _, body = mail.raw.partition(b"\r\n\r\n")
        assert max(map(len, head.split(b"\r\n"))) <= 998
        assert max(map(len, body.split(b"\r\n"))) <= 76
        assert not any(line.startswith((b".", b"From ")) for line in body.split(b"\r\n"))
        codings = [str(part["Content-Transfer-Encoding"]) for part in mail.message.iter_parts()]
        assert set(codings) <= {"quoted-printable", "base64"}
        assert [part.get_content_type() for part in mail.message.iter_parts()] == ["text/plain", "text/html"]


def test_each_header_stands_there_once(mails: list[Caught]) -> None:
    """None is missing, none is double, and the addresses of the sign-off stand there plain."""
    for mail in mails:
        count = Counter(name.title() for name in mail.message)
        assert {name.title() for name in HEADERS} <= count.keys()
        assert set(count.values()) == {1}
        assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert parseaddr(str(mail.message["From"]))[1] == mail.stored.sender
        lines = re.search(rb"\r\nList-Unsubscribe: (.*?)\r\n(?! )", mail.raw, re.DOTALL)
        assert lines is not None
        # One <address>, or several with a line break after a comma only (RFC 2369 section 2).
        assert re.fullmatch(rb"<[^\s<>]+>(,\r\n <[^\s<>]+>)*", lines[1])
        assert b"=?" not in lines[1]
    ids = {str(mail.message["Message-ID"]) for mail in mails}
    assert len(ids) == len(mails)
    assert all(re.fullmatch(r"<[\w.]+@footbridge\.example>", each) for each in ids)


def test_each_mail_reads_back_as_it_was_stored(mails: list[Caught]) -> None:
    """Both parts are, letter for letter, the frozen variant with this person's own values."""
    for mail in mails:
        assert mail.part("html") == filled(mail.stored.html, mail, in_html=True)
        assert mail.part("plain") == filled(mail.stored.text, mail, in_html=False)
        assert "%%" not in mail.part("html") + mail.part("plain")
        assert len(mail.part("html").encode()) <= MAX_HTML_BYTES
    sizes = {mail.stored.address: mail.stored.text_size for mail in mails}
    assert sizes == {person.address: person.text_size.value for person in people.READERS}


def test_each_mail_has_one_commentary_and_twelve_headlines(mails: list[Caught]) -> None:
    """The paper's name, the commentary, then twelve headlines: headings in order, with the frozen titles."""
    for mail in mails:
        page = lxml.html.document_fromstring(mail.part("html"))
        headings = [(each.tag, words(each.text_content())) for each in page.xpath("//h1|//h2|//h3")]
        levels = [tag for tag, _ in headings]
        assert levels == ["h1", "h2", "h2", *["h3"] * 12]
        assert headings[0][1] == mail.stored.digest_title
        assert headings[1][1] == mail.stored.featured == str(mail.message["Subject"])
        assert tuple(title for tag, title in headings if tag == "h3") == mail.stored.recent


def test_text_and_html_tell_the_same(mails: list[Caught]) -> None:
    """Every title and every link of one part stands in the other; no link is relative."""
    for mail in mails:
        page, text = lxml.html.document_fromstring(mail.part("html")), mail.part("plain")
        links = links_of(page)
        assert set(LINK.findall(text)) == links
        assert {urlsplit(link).scheme for link in links} <= {"http", "https", "mailto"}
        pictures = [urlsplit(str(each)) for each in page.xpath("//img/@src")]
        assert all(each.scheme in {"http", "https"} and each.netloc for each in pictures)
        flat = words(text)
        for title in (mail.stored.featured, *mail.stored.recent):
            assert title in flat


def test_each_sign_off_link_is_the_readers_own(demo_run: DemoRun, mails: list[Caught]) -> None:
    """The token was signed with the demo's key for this list and person; it stands in header and footer."""
    signer = keys.load(demo_run.folder / "secrets").signer
    for mail in mails:
        token = mail.sign_off_url.rpartition("/u/")[2]
        claim = Claim(Purpose.UNSUBSCRIBE, mail.stored.list_id, mail.stored.subscriber_id)
        assert signer.check(token, Purpose.UNSUBSCRIBE) == claim
        assert mail.sign_off_url in links_of(lxml.html.document_fromstring(mail.part("html")))


@contextlib.contextmanager
def left_running(folder: Path) -> Iterator[Path]:
    """A demo that goes on; the file with what it says. Ended with Ctrl-C, as a person would."""
    said = folder / "said"
    with said.open("wb") as file:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "digest.cli", "demo", "--dir", str(folder / "demo")),
                *("--publish-every", str(PUBLISH_SECONDS)),
            ],
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: "Stop with Ctrl-C" in said.read_text() or process.poll() is not None,
            seconds=240,
            what="the first editions",
        )
        yield said
    finally:
        process.send_signal(signal.SIGINT)
        status = process.wait(120)
    assert status == 0, said.read_text()


class Paper:
    """One digest of a running demo, as its database shows it."""

    def __init__(self, database: Database, name: str, language: str) -> None:
        self.database = database
        self.name = name
        self.language = language

    def extra(self) -> int:
        """Ask for an edition now, by the command; its id, once it has come to its end."""
        before = set(self.states())
        run_command(["edition", "extra", self.name, "morning"])
        (made,) = {number for number in set(self.states()) - before if self.is_extra(number)}
        wait_until(
            lambda: self.states()[made] in (EditionState.SENT, EditionState.SKIPPED),
            what="the extra edition",
        )
        return made

    def states(self) -> dict[int, EditionState]:
        query = (
            sa.select(Edition.id, Edition.state)
            .join(Cadence, Cadence.id == Edition.cadence_id)
            .join(Digest, Digest.id == Cadence.digest_id)
            .where(Digest.name == self.name)
        )
        with self.database.read() as session:
            return {number: state for number, state in session.execute(query).all()}  # noqa: C416

    def is_extra(self, edition: int) -> bool:
        with self.database.read() as session:
            return session.get_one(Edition, edition).kind == "extra"

    def reason(self, edition: int) -> Reason | None:
        with self.database.read() as session:
            return session.get_one(Edition, edition).reason

    def posts(self, edition: int) -> set[int]:
        """The posts that an edition holds."""
        query = sa.select(Item.post_id).join(Revision).where(Revision.edition_id == edition)
        with self.database.read() as session:
            return {number for number in session.scalars(query) if number is not None}

    def unsent(self) -> set[int]:
        """Posts in its language that were collected and stand in no edition."""
        query = sa.select(Post.id).where(
            Post.language.like(f"{self.language}%"), Post.id.not_in(sa.select(SentItem.post_id))
        )
        with self.database.read() as session:
            return set(session.scalars(query))

    def title(self, post: int) -> str:
        with self.database.read() as session:
            return session.get_one(Post, post).title


@pytest.mark.slow  # what it promises has quicker tests in `test_pipeline`
def test_a_demo_left_running_mails_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing new: the edition is skipped and says so. A new story: the next edition holds it alone."""
    with left_running(tmp_path) as said:
        monkeypatch.setenv("DIGEST_DATA_DIR", str(tmp_path / "demo"))
        monkeypatch.setenv("DIGEST_CONFIG", os.devnull)
        config.settings.cache_clear()
        app.cache_clear()
        database = Database(config.settings().database)
        papers = (Paper(database, "footbridge", "en"), Paper(database, "kamrjak", "hy"))
        old = set().union(*(paper.unsent() for paper in papers))  # what had no room in the first edition
        # A story may come between our look and the freeze; it does not come each time.
        tried = []
        for _ in range(4):
            tried.append(papers[0].extra())
            if papers[0].states()[tried[-1]] is EditionState.SKIPPED:
                break
        assert papers[0].reason(tried[-1]) is Reason.NOTHING_NEW
        wait_until(
            lambda: "Skipped: there was nothing new since the last edition." in said.read_text(),
            what="the reason on the screen",
        )

        wait_until(lambda: any(paper.unsent() - old for paper in papers), what="a new story")
        paper = next(paper for paper in papers if paper.unsent() - old)
        story = min(paper.unsent() - old)
        paper.extra()
        wait_until(lambda: story not in paper.unsent(), what="the edition with the new story")
        sent = sorted(number for number, state in paper.states().items() if state is EditionState.SENT)
        held = [paper.posts(number) for number in sent]
        assert sum(map(len, held)) == len(set().union(*held))
        first = held[0]
        assert any(story in posts for posts in held[1:])
        assert len(first) == 13

        inbox = tmp_path / "demo" / "inbox"
        wait_until(lambda: any_with(inbox, paper.title(story)), what="the mail with the new story")
        text = words(any_with(inbox, paper.title(story)))
        assert [paper.title(post) for post in first if paper.title(post) in text] == []
        database.close()
        app.cache_clear()
    assert said.read_text().rstrip().endswith("Stopping ...")


def any_with(inbox: Path, title: str) -> str:
    """The text of a mail that holds this title, or nothing."""
    for summary in list_messages(inbox):
        text = read_message(inbox, summary.name).text
        if title in words(text):
            return text
    return ""
