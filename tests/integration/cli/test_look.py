"""How a digest looks, set by command: its theme, its pictures, what stands around its stories."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

from digest import clock
from digest.db import Database
from digest.feeds.stored_pictures import KIND, read_name
from digest.lists import assets
from digest.lists.retention import Kind, RetentionTimes, purge
from digest.mail.prepared import PreparedMail
from digest.models import Asset, AuditEntry, Digest, Edition, MailingList
from tests.factories import make_digest, make_list
from tests.integration.cli.commands import Cli
from tests.integration.newsroom import Newsroom, make_newsroom
from tests.integration.planned import PUBLIC_URL


@pytest.fixture
def room(cli: Cli) -> Newsroom:
    """A newsroom in the command line's own database: a commentary and two reports."""
    room = make_newsroom(Database(f"sqlite:///{cli.data / 'digest.db'}"))
    room.publish("On patience", categories=["Commentary"], body_html="<p>One waits.</p>")
    room.publish("The mill bridge opens", hours=3, categories=["News"])
    room.publish("Choir seeks tenors", hours=4, categories=["Sports"])
    return room


def picture(folder: Path, kind: str, size: tuple[int, int] = (1600, 400)) -> Path:
    """A file with a picture of a kind."""
    file = folder / f"logo.{kind.lower()}"
    mode = "RGBA" if kind == "PNG" else "RGB"
    Image.new(mode, size, (20, 40, 60, 128) if kind == "PNG" else (20, 40, 60)).save(file, kind)
    return file


def mail_of(room: Newsroom, edition: int) -> tuple[str, str, str]:
    """HTML, text and web edition of an edition, locked now."""
    assert room.freeze(edition) is None
    with room.database.read() as session:
        revision, variant, _ = room.printed(session, edition)
        assert PreparedMail.from_bytes(variant.mail)
        return variant.html, variant.text, revision.web_html


def test_a_theme_is_set_shown_and_taken_back(cli: Cli, room: Newsroom, tmp_path: Path) -> None:
    """By single values and from a file; what is wrong changes nothing; each change is on record."""
    assert cli("digest", "look", "courier") == "It has the built-in look.\n"
    cli(
        "digest",
        "look",
        "courier",
        "--set",
        "layout=briefing",
        "--set",
        "accent=#0B5563",
        "--set",
        "motto=Daily",
    )
    told = cli("digest", "look", "courier")
    assert "layout: briefing\n" in told
    found = cli.json("digest", "look", "courier")
    assert found["look"] == {"layout": "briefing", "accent": "#0b5563", "motto": "Daily"}
    assert found["in_force"]["font"] == "classic"
    for wrong in ("layout=tabloid", "light.ink=#cccccc", "colour=red", "layout"):
        cli.refused("digest", "look", "courier", "--set", "motto=Weekly", "--set", wrong)
    assert cli.json("digest", "look", "courier") == found
    assert "has no value 'sponsor' to unset" in cli.refused("digest", "look", "courier", "--unset", "sponsor")
    file = tmp_path / "look.toml"
    file.write_text(
        'font = "news"\nshare = ["mail", "viber"]\n[sponsor]\nwords = "Bread"\n', encoding="utf-8"
    )
    cli("digest", "look", "courier", "--file", file, "--set", "friend_line=no")
    stored = {"font": "news", "share": ["mail", "viber"], "sponsor.words": "Bread", "friend_line": False}
    assert cli.json("digest", "look", "courier")["look"] == stored
    cli("digest", "look", "courier", "--unset", "sponsor", "--unset", "share")
    assert cli.json("digest", "look", "courier")["look"] == {"font": "news", "friend_line": False}
    with room.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).where(AuditEntry.action == "digest.look")) == 3


def test_a_logo_is_made_small_and_kept_for_good(cli: Cli, room: Newsroom, tmp_path: Path) -> None:
    """Twice as fine as it is shown; it outlives the files that expire, and a theme from a file."""
    cli(
        "digest",
        "look",
        "courier",
        "--logo",
        picture(tmp_path, "PNG"),
        "--logo-dark",
        picture(tmp_path, "GIF"),
    )
    (tmp_path / "look.json").write_text('{"motto": "Daily"}', encoding="utf-8")
    cli("digest", "look", "courier", "--file", tmp_path / "look.json", "--set", "logo.alt=The Courier")
    look = cli.json("digest", "look", "courier")["look"]
    assert (look["logo.width"], look["logo.height"], look["motto"]) == (400, 100, "Daily")
    html, _, web = mail_of(room, room.edition())
    assert f'src="{PUBLIC_URL}/p/{look["logo.file"]}" alt="The Courier" width="400" height="100"' in html
    assert f"{PUBLIC_URL}/p/{look['logo_dark.file']}" in html
    assert f"{PUBLIC_URL}/p/{look['logo.file']}" in web
    named = read_name(look["logo.file"])
    assert named is not None
    with room.database.write() as session:
        later = clock.utc_now() + dt.timedelta(days=4_000)
        assert purge(session, Kind.FILES, RetentionTimes(), now=later) == 0
        kept = assets.find(session, kind=KIND, fingerprint=named[0])
        assert kept is not None
        with Image.open(io.BytesIO(b"".join(assets.chunks(session, kept.id)))) as stored:
            assert (stored.size, stored.format, stored.mode) == ((800, 200), "PNG", "RGBA")


def test_what_is_no_logo_is_refused_with_a_sentence(cli: Cli, room: Newsroom, tmp_path: Path) -> None:
    """A drawing, 40 MB, a folder, nothing at all: nothing is stored and nothing changes."""
    drawing, huge = tmp_path / "logo.svg", tmp_path / "huge.png"
    drawing.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', encoding="utf-8")
    with huge.open("wb") as stream:
        stream.truncate(40_000_000)
    for file, says in (
        (drawing, "The logo is no PNG, JPEG or GIF that can be read"),
        (huge, "more than 5,000,000 bytes; make it smaller"),
        (tmp_path, "is not a file"),
        (tmp_path / "none.png", "is not a file"),
    ):
        assert says in cli.refused("digest", "look", "courier", "--set", "motto=Daily", "--logo", file)
    assert cli.json("digest", "look", "courier")["look"] == {}
    with room.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Asset)) == 0


def test_an_edition_has_its_note_and_the_newsrooms_markdown(cli: Cli, room: Newsroom) -> None:
    """A note above the stories; placeholders in intro and note reach the mail, with their fallbacks."""
    cli(
        "digest",
        "set",
        "courier",
        "--intro",
        "Dear %%name%%, **welcome**.",
        "--sign-off",
        "*Until tomorrow.*",
    )
    edition = room.edition()
    said = cli("edition", "note", edition, "Closed on [Friday](https://courier.example/hours), %%name%%.")
    assert "its note is set" in said
    html, text, web = mail_of(room, edition)
    assert "Dear %%name%%, <strong>welcome</strong>." in html
    assert "Closed on Friday [1], %%name%%.\n\n[1] https://courier.example/hours\n" in text
    assert "<em>Until tomorrow.</em>" in html
    assert "Dear Dear reader, <strong>welcome</strong>." in web
    assert "Editor’s note" in html
    assert "The content of this edition is fixed" in cli.refused("edition", "note", edition, "x", code=1)


def test_what_stands_around_the_stories(cli: Cli, room: Newsroom) -> None:
    """The sister's open list on top, the digest's own for a friend; each can be switched off."""
    with room.database.write() as session:
        own = session.get_one(Digest, room.digest_id)
        own.sister_group = "courier"
        mine = session.scalars(sa.select(MailingList).where(MailingList.digest_id == own.id)).one()
        mine.is_open, mine.name = True, "readers"
        sister = make_digest(session, "suriakan", title="Սուրհանդակ", language="hy", sister_group="courier")
        make_list(session, sister, "suriakan-readers").is_open = True
        make_digest(session, "third", title="Third", language="en", sister_group="courier")
    html, text, web = mail_of(room, room.edition())
    for part in (html, text, web):
        assert f"{PUBLIC_URL}/s/suriakan-readers" in part
        assert "Հայերեն: Սուրհանդակ" in part
        assert f"{PUBLIC_URL}/s/readers" in part
        assert "Third" not in part
    cli("digest", "look", "courier", "--set", "sister_links=no", "--set", "friend_line=no")
    for part in mail_of(room, room.edition(hours=2)):
        assert f"{PUBLIC_URL}/s/" not in part


def test_campaign_tags_are_in_mails_alone(cli: Cli, room: Newsroom) -> None:
    """The mail's stories are tagged; the web edition and what is stored of the stories are not."""
    cli("digest", "set", "courier", "--home-url", "https://courier.example/")
    cli("digest", "look", "courier", "--set", "campaign.source=courier")
    edition = room.edition()
    html, text, web = mail_of(room, edition)
    assert html.count("utm_source=courier") == text.count("utm_source=courier") == 3
    assert "utm_" not in web
    with room.database.read() as session:
        _, _, items = room.printed(session, edition)
        assert not any("utm_" in item.story["url"] for item in items)
        assert session.get_one(Edition, edition).revision_id is not None
