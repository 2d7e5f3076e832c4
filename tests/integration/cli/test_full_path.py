"""From nothing to a locked edition by commands alone."""

from __future__ import annotations

import json

import pytest

from digest.db import Database
from digest.models import AuditEntry
from tests.integration.cli.commands import Cli
from tests.servers.news_site import NewsSite, Page

_DIGEST = ("--title", "The Courier", "--language", "en", "--sender", "news@courier.example")
_POSTAL = ("--postal-address", "1 Mill Lane, Springdale")


@pytest.fixture
def ready(cli: Cli, site: NewsSite) -> Cli:
    """A digest with a collected source and a rhythm."""
    cli("digest", "create", "courier", *_DIGEST, *_POSTAL, "--featured", "category:Commentary")
    cli("source", "add", site.url("/feed/"), "--include-backlog", "7d", "--digest", "courier")
    cli("collect")
    cli("cadence", "add", "courier", "morning", "--cron", "30 6 * * *", "--zone", "Asia/Yerevan")
    return cli


def test_editions_are_made_from_a_site_by_commands_alone(ready: Cli, site: NewsSite) -> None:
    """Create, add, collect, schedule, put an extra edition, lock it, look at it."""
    extra = ready.json("edition", "extra", "courier")
    said = ready("edition", "freeze", extra["id"])
    assert "locked" in said
    assert "On Patience" in said
    shown = ready.json("edition", "show", extra["id"])
    assert shown["state"] == "frozen"
    assert [(item["role"], item["title"]) for item in shown["items"]] == [
        ("featured", "On Patience"),
        ("recent", "Mill Bridge Opens [Again]"),
        ("recent", "Choir Seeks Tenors"),
    ]
    assert shown["is_fixed"]
    assert shown["revision"] == 1
    assert len(shown["fingerprint"]) == 64
    assert set(shown["deliveries"].values()) == {0}
    text = ready("edition", "show", extra["id"])
    assert "Mill Bridge Opens [Again]" in text  # brackets are letters, not markup
    assert "Asia/Yerevan" in text
    assert "UTC" in text
    address = ready("edition", "web", extra["id"]).strip()
    assert address == shown["web"]
    assert address.startswith("http://127.0.0.1:8025/e/")
    # Looked at when it was added, and collected a moment ago: the freeze does not ask again.
    assert len(site.asked("/feed/")) == 2


def test_every_change_is_in_the_audit_with_who_did_it(ready: Cli) -> None:
    """Who did what is known afterwards, without an address in it."""
    ready("digest", "set", "courier", "--recent-most", 5, "--no-source", 1)
    ready("digest", "set", "courier", "--source", 1)
    ready("cadence", "set", "courier", "morning", "--stopped")
    edition = ready.json("edition", "extra", "courier")["id"]
    ready("edition", "send", edition)
    database = Database(f"sqlite:///{ready.data / 'digest.db'}")
    with database.read() as session:
        entries = session.query(AuditEntry).order_by(AuditEntry.id).all()
    database.close()
    assert [entry.action for entry in entries] == [
        "digest.create",
        "source.add",
        "digest.sources",
        "cadence.add",
        "digest.set",
        "digest.sources",
        "digest.sources",
        "cadence.set",
        "edition.extra",
        "edition.send",
    ]
    assert {entry.actor[:4] for entry in entries} == {"cli:"}
    assert "@" not in json.dumps([entry.details for entry in entries])


def test_coming_edition_shows_what_it_would_hold_now(ready: Cli) -> None:
    """Before it is locked, an edition shows the present choice and says so."""
    found = ready.json("edition", "list", "--digest", "courier", "--state", "upcoming")
    assert [one["kind"] for one in found] == ["scheduled"]
    shown = ready.json("edition", "show", found[0]["id"])
    assert not shown["is_fixed"]
    assert shown["items"][0]["title"] == "On Patience"
    assert "can still change" in ready("edition", "show", found[0]["id"])


def test_states_and_reasons_are_told_in_the_language_asked_for(ready: Cli) -> None:
    """English by default, Armenian on request, and any other language is refused."""
    ready("digest", "set", "courier", "--recent-least", 9)
    edition = ready.json("edition", "extra", "courier")["id"]
    assert "fewer new stories" in ready("edition", "freeze", edition)
    english, armenian = (
        ready.json("edition", "show", edition, "--language", language)["sentence"]
        for language in ("en", "hy")
    )
    assert english.startswith("Skipped:")
    assert armenian != english
    assert not armenian.isascii()
    assert "language" in ready.refused("edition", "list", "--language", "xx")


def test_held_edition_is_told_with_its_reason_and_can_be_locked_later(cli: Cli, site: NewsSite) -> None:
    """Without a postal address it is held, with exit code 1; with one, the same edition is locked."""
    said = cli("digest", "create", "courier", *_DIGEST)
    assert "no postal address" in said
    cli("source", "add", site.url("/feed/"), "--include-backlog", "7d", "--digest", "courier")
    cli("cadence", "add", "courier", "morning", "--cron", "30 6 * * *", "--zone", "Asia/Yerevan")
    edition = cli.json("edition", "extra", "courier")["id"]
    assert "no postal address" in cli.refused("edition", "freeze", edition, code=1)
    assert "Held:" in cli("edition", "list", "--state", "held")
    cli("digest", "set", "courier", *_POSTAL)
    assert "locked" in cli("edition", "freeze", edition)
    assert "only one that is upcoming or held" in cli.refused("edition", "freeze", edition, code=1)


def test_extra_edition_has_its_moment_in_the_zone_of_its_cadence(ready: Cli) -> None:
    """A time without an offset is meant where the cadence is; the past is refused."""
    made = ready.json("edition", "extra", "courier", "morning", "--at", "2035-01-15T07:00")
    assert made["due_local"] == "2035-01-15 07:00 +04:00"
    assert made["due_at"] == "2035-01-15T03:00:00+00:00"
    assert "past" in ready.refused("edition", "extra", "courier", "--at", "2020-01-01")
    ready("cadence", "add", "courier", "sunday", "--cron", "0 9 * * 0", "--zone", "Europe/Paris")
    assert "name one of: morning, sunday" in ready.refused("edition", "extra", "courier")


def test_sources_show_their_health_in_words(ready: Cli, site: NewsSite) -> None:
    """Good, failed, and unchanged are each said; a failed collection ends with code 1."""
    assert "Good, read" in ready("source", "list")
    site.put("/feed/", Page(b"", status=503))
    sentence = ready.refused("collect", 1, code=1)
    assert sentence == "1 of 1 sources could not be collected; they are tried again."
    assert "answered with an error" in ready("source", "list")
    shown = ready("source", "show", 1)
    assert "Failed once, last read" in shown
    assert "Choir Seeks Tenors" in shown  # old posts stay
    assert ready.json("source", "list")[0]["fault"] == "http_status"


def test_collect_takes_what_is_due_or_what_is_named(ready: Cli, site: NewsSite) -> None:
    """Right after a collection nothing is due; a name or --all collects all the same."""
    assert "No source is due" in ready("collect")
    assert ready.json("collect", site.url("/feed/")) == [
        {"source": 1, "url": site.url("/feed/"), "new": 0, "changed": 0, "known": 3, "fault": None}
    ]
    assert len(ready.json("collect", "--all")) == 1
    assert len(site.asked("/feed/")) == 4  # once when it was added


def test_every_setting_of_a_digest_can_be_given_and_read_back(cli: Cli) -> None:
    """What `create` and `set` take, `show` says."""
    cli(
        *("digest", "create", "courier", *_DIGEST, *_POSTAL),
        *("--sender-name", "The Courier's Desk", "--home-url", "https://courier.example/"),
        *("--reply-to", "desk@courier.example", "--featured", "author:Anna Mill"),
        *("--recent-most", 8, "--recent-least", 2, "--recent-days", 3, "--sister-group", "courier"),
        *("--accent", "#004488", "--accent-dark", "#99ccff", "--time-form", "relative"),
        *("--commentary-words", 300, "--no-share-links", "--bounce-address", "Bounces@Courier.example"),
    )
    shown = cli.json("digest", "show", "courier")
    assert shown["look"] == {
        "accent": "#004488",
        "accent_dark": "#99ccff",
        "time_form": "relative",
        "commentary_words": 300,
        "show_share_links": False,
    }
    changed = ("--title", "Քուրիեր", "--language", "hy", "--sender", "hy@courier.example", "--share-links")
    said = cli("digest", "set", "courier", *changed, "--time-form", "absolute")
    assert said.strip() == "Changed: language, sender address, show share links, time form, title."
    again = cli.json("digest", "show", "courier")
    assert {key for key in again if again[key] != shown[key]} == {
        "title",
        "language",
        "sender_address",
        "look",
    }
    assert (again["title"], again["language"]) == ("Քուրիեր", "hy")
    assert (shown["featured"], shown["recent_most"], shown["reply_to"]) == (
        "author:Anna Mill",
        8,
        "desk@courier.example",
    )
    assert "Քուրիեր" in cli("digest", "list")
    assert again["bounce_address"] == "bounces@courier.example"
    assert "bounce address" in cli("digest", "set", "courier", "--bounce-address", "")
    assert cli.json("digest", "show", "courier")["bounce_address"] is None


def test_slots_are_shown_in_the_zone_and_in_utc_over_a_change_of_clocks(ready: Cli) -> None:
    """A year of mornings in Los Angeles is at 6:30 there, and at two hours in UTC."""
    zone = "America/Los_Angeles"
    made = ready.json("cadence", "add", "courier", "west", "--cron", "30 6 * * *", "--zone", zone)
    found = ready.json("cadence", "next", "courier", "west", "--count", 366)
    assert len(found) == 366
    assert found[0]["utc"] == made["next_at"]
    assert {one["local"][11:] for one in found} == {"06:30 -08:00", "06:30 -07:00"}
    assert {one["utc"][11:16] for one in found} == {"14:30", "13:30"}
    assert zone in ready("cadence", "next", "courier", "west")


def test_stopped_cadence_brings_no_editions_until_it_runs_again(ready: Cli) -> None:
    """Its coming edition is taken away; running again, a new one comes."""
    assert "no new editions" in ready("cadence", "set", "courier", "morning", "--stopped")
    assert ready.json("edition", "list") == []
    assert "stopped" in ready("cadence", "list", "courier")
    assert "next slot" in ready("cadence", "set", "courier", "morning", "--running", "--lead", 60)
    assert len(ready.json("edition", "list")) == 1
    (listed,) = ready.json("cadence", "list", "courier")
    assert (listed["lead_seconds"], listed["is_running"]) == (60, True)


def test_json_is_all_that_a_program_gets(ready: Cli) -> None:
    """Nothing but JSON on standard output, and moments in it are ISO 8601."""
    for words in (
        *("digest list", "digest show courier", "cadence list", "cadence next courier morning"),
        *("source list", "source show 1", "collect --all", "edition list", "edition show 1"),
        *("edition extra courier", "doctor"),
    ):
        text = json.dumps(ready.json(*words.split()))
        assert text not in ("[]", "{}"), words
        assert "datetime" not in text, words


def test_people_and_programs_see_the_same_editions(ready: Cli) -> None:
    """Each id that the JSON holds stands in the table too."""
    ready("edition", "extra", "courier")
    table = ready("edition", "list")
    for one in ready.json("edition", "list"):
        assert f" {one['id']} " in table
        assert one["due_local"] in table
