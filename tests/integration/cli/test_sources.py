"""Finding, adding and exchanging sources by commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.cli.commands import Cli
from tests.servers.news_site import NewsSite, Page
from tests.servers.wordpress_pages import HTML, feed_of, page, put_wordpress

_DIGEST = ("--title", "The Courier", "--language", "en", "--sender", "news@courier.example")


@pytest.fixture
def paper(cli: Cli, site: NewsSite) -> Cli:
    """A site that is an open WordPress in two languages, and a digest."""
    put_wordpress(site, languages=True)
    cli("digest", "create", "courier", *_DIGEST)
    return cli


def test_find_shows_what_a_site_has(
    cli: Cli, site: NewsSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kinds, posts, languages, sections and the reason; no database is needed, none is made."""
    put_wordpress(site, languages=True)
    monkeypatch.setenv("DIGEST_DATA_DIR", str(tmp_path / "empty"))
    shown = cli("source", "find", site.url("/"))
    for word in (
        *("wordpress", site.url("/feed/"), site.url("/hy/feed/"), "Suggested: WordPress:"),
        *("Languages: en, hy", "Categories: News (40), Arts & Letters (9)", "Tags: Harbour (4)"),
        f"digest source add {site.url('/')}",
    ):
        assert word in shown
    found = cli.json("source", "find", site.url("/"))
    first = found["options"][0]
    assert (first["kind"], first["api_url"], first["why"]) == (
        "wordpress",
        site.url("/wp-json/"),
        "rest_open",
    )
    assert (first["posts"], first["full_texts"], first["pictures"]) == (2, 0, 0)
    assert found["categories"][1] == {"id": 7, "name": "Arts & Letters", "slug": "arts", "posts": 9}
    assert not (tmp_path / "empty").exists()


def test_find_says_why_there_is_nothing(cli: Cli, site: NewsSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence; before a guard also the one for its host, with how we call ourselves."""
    site.put("/", Page(page(), content_type=HTML))
    site.put("/feed/", Page(status=404))
    assert "no feed here" in cli.refused("source", "find", site.url("/"), code=1)
    assert "not an address" in cli.refused("source", "find", "gopher://courier.example/")
    monkeypatch.setenv("DIGEST_CONTACT", "https://courier.example/robots")
    site.put("/", Page(b"<html>", status=403, content_type=HTML, headers=(("cf-mitigated", "challenge"),)))
    told = cli.refused("source", "find", site.url("/"), code=1)
    assert "takes us for a robot" in told
    assert f"Please let our newsletter read {site.url('/')}" in told
    assert "Digest/0.1 (https://courier.example/robots)" in told
    assert site.requests[-1].headers["user-agent"] == "Digest/0.1 (https://courier.example/robots)"


def test_a_page_is_added_as_what_suits_it_best(paper: Cli, site: NewsSite) -> None:
    """The front page of a WordPress: its feed, its interface, its language."""
    said = paper("source", "add", site.url("/"), "--digest", "courier")
    assert f"Found at {site.url('/feed/')}, kind wordpress." in said
    source = paper.json("source", "show", 1)
    assert (source["url"], source["kind"], source["api_url"], source["query"], source["digests"]) == (
        site.url("/feed/"),
        "wordpress",
        site.url("/wp-json/"),
        {"lang": "en", "lang_parameter": "lang"},
        ["courier"],
    )
    assert "kind:" in paper("source", "show", 1)


def test_the_kind_and_the_part_can_be_chosen(paper: Cli, site: NewsSite) -> None:
    """Several sources of one site, each with its own address, for one digest."""
    address = site.url("/")
    sections = paper.json(
        "source", "add", address, "--category", "News", "--tag", "21", "--digest", "courier"
    )
    assert sections["query"] == {"categories": [3], "tags": [21], "lang": "en", "lang_parameter": "lang"}
    assert sections["url"] == site.url("/feed/?cat=3&tag_id=21")
    feed = paper.json("source", "add", address, "--kind", "feed", "--digest", "courier")
    assert (feed["kind"], feed["url"], feed["api_url"]) == ("feed", site.url("/feed/"), None)
    armenian = paper.json("source", "add", address, "--lang", "hy", "--digest", "courier")
    assert (armenian["url"], armenian["query"]["lang"]) == (site.url("/hy/feed/"), "hy")
    assert [source["digests"] for source in paper.json("source", "list")] == [["courier"]] * 3


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--kind", "newsletter"), "no kind"),
        (("--category", "Sport"), "no category"),
        (("--kind", "feed", "--lang", "fr"), "there is: en, hy"),
        (("--unchecked", "--lang", "hy"), "--unchecked"),
        (("--digest", "other"), "no digest"),
        (("--include-backlog", "soon"), "span of time"),
    ],
)
def test_a_wrong_choice_adds_nothing(paper: Cli, site: NewsSite, options: tuple[str, ...], word: str) -> None:
    """One sentence, and no source."""
    assert word in paper.refused("source", "add", site.url("/"), *options)
    assert paper.json("source", "list") == []


def test_a_site_without_a_feed_is_not_added(cli: Cli, site: NewsSite) -> None:
    """Unless that is asked for: a site may be down today."""
    site.put("/feed/", Page(status=500))
    assert "answered with an error" in cli.refused("source", "add", site.url("/feed/"), code=1)
    assert cli.json("source", "list") == []
    added = cli.json("source", "add", site.url("/feed/"), "--unchecked")
    assert (added["url"], added["kind"]) == (site.url("/feed/"), "feed")


def test_check_shows_what_would_be_collected_from_a_page(cli: Cli, site: NewsSite) -> None:
    """The feed that the page leads to."""
    put_wordpress(site)
    shown = cli("source", "check", site.url("/"))
    assert f"Found at {site.url('/feed/')}" in shown
    assert "Choir seeks tenors" in shown


def test_a_source_behind_a_guard_shows_what_to_send(cli: Cli, site: NewsSite) -> None:
    """The health names the fault, and the page of the source the sentence for the host."""
    cli("source", "add", site.url("/feed/"))
    site.put("/feed/", Page(b"<html>", status=403, content_type=HTML, headers=(("x-sucuri-block", "1"),)))
    assert cli.run("collect", "1").exit_code == 1
    assert "takes us for a robot" in cli("source", "list")
    shown = cli("source", "show", 1)
    assert "For the site's host: Please let our newsletter read" in shown
    assert "Sucuri" in shown


def test_sources_go_out_and_come_in_as_opml(paper: Cli, site: NewsSite, tmp_path: Path) -> None:
    """A list written here brings the same sources elsewhere; there a second time, it adds none."""
    paper("source", "add", site.url("/"), "--category", "News", "--digest", "courier")
    site.put("/other.xml", Page(feed_of(site, "One")))
    paper("source", "add", site.url("/other.xml"))
    file = tmp_path / "sources.opml"
    assert "2 sources are in" in paper("source", "export", "-o", file)
    assert 'text="courier"' in file.read_text()
    only = paper("source", "export", "--digest", "courier")
    assert "other.xml" not in only
    assert only.startswith("<?xml")
    wanted = paper.json("source", "list")
    again = paper.json("source", "import", file)
    assert [one["outcome"] for one in again] == ["there already", "there already"]
    (paper.data / "digest.db").unlink()
    paper("db", "upgrade")
    paper("digest", "create", "courier", *_DIGEST)
    brought = paper("source", "import", file, "--digest", "courier")
    assert "2 added." in brought
    there = paper.json("source", "list")
    kept = ("url", "kind", "api_url", "query")
    assert [{name: one[name] for name in kept} for one in there] == [
        {name: one[name] for name in kept} for one in wanted
    ]
    assert all(one["digests"] == ["courier"] for one in there)


def test_a_list_of_another_program_is_taken_in(cli: Cli, tmp_path: Path) -> None:
    """Line by line: what is refused is told, the others are added; nothing is asked of any site."""
    file = tmp_path / "feeds.opml"
    file.write_text(
        '<opml version="1.0"><body><outline text="A" xmlUrl="https://a.example/feed"/>'
        '<outline text="B" xmlUrl="https://a.example/feed"/><outline text="F" xmlUrl="file:///etc/passwd"/>'
        '<outline text="Longest" xmlUrl="https://a.example/%s"/></body></opml>' % ("x" * 1990)
    )
    said = cli("source", "import", file)
    assert "1 added" in said
    assert "not of the web" in said
    assert json.loads(cli("source", "list", "--json"))[0]["title"] == "A"
    for body, word in (
        (b"<html>", "web page"),
        (b"", "nothing"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><opml/>", "bomb"),
    ):
        file.write_bytes(body)
        assert word in cli.refused("source", "import", file)
    assert "cannot be read" in cli.refused("source", "import", tmp_path / "none.opml")
    assert "no digest" in cli.refused("source", "export", "--digest", "other")


def test_a_source_is_looked_after_by_commands(paper: Cli, site: NewsSite) -> None:
    """Named, paused, taken away and brought back; what cannot be is one sentence."""
    paper("source", "add", site.url("/feed/"), "--digest", "courier", "--kind", "feed")
    assert "It has its name." in paper("source", "rename", 1, "The harbour pages")
    assert paper.json("source", "show", 1)["title"] == "The harbour pages"
    assert "It is paused" in paper("source", "pause", 1)
    assert "paused" in paper("source", "show", 1)
    paper("source", "start", 1)
    assert "Digests that drew from it: The Courier;" in paper("source", "remove", 1)
    assert paper.json("source", "list") == []
    assert "was taken away" in paper.refused("source", "pause", 1, code=1)
    paper("source", "restore", 1)
    assert paper.json("source", "show", 1)["digests"] == ["courier"]
