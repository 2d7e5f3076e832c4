"""Lists open to the public, the form to copy, and topics, by commands."""

from __future__ import annotations

import pytest
from lxml import html as lxml_html

from digest.db import Database
from tests.factories import make_cadence, make_digest
from tests.integration.cli.commands import Cli


@pytest.fixture
def ready(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The commands on both databases, with a digest of two rhythms and two lists."""
    monkeypatch.setenv("DIGEST_DATABASE_URL", database_url)
    monkeypatch.setenv("DIGEST_PUBLIC_URL", "https://mail.courier.example/")
    database = Database(database_url)
    with database.write() as session:
        digest = make_digest(session, "courier")
        for name in ("morning", "sunday"):
            make_cadence(session, digest, name)
    database.close()
    for name in ("daily", "weekend"):
        cli("list", "create", name, "--digest", "courier", "--title", f"The {name} <Courier>")
    return cli


def test_a_list_is_opened_and_its_settings_are_shown(ready: Cli) -> None:
    """Each setting by its option; the same again changes nothing."""
    words = (
        "list",
        "set",
        "daily",
        "--open",
        "--welcome-with-latest",
        "--origin",
        "https://Courier.example/",
    )
    words += ("--network-record", "full", "--network-days", "30")
    said = "is_open, welcomes_with_latest, network_record, network_days, form_origins"
    assert ready(*words) == f"Changed: {said}.\n"
    assert ready(*words) == "Nothing to change.\n"
    shown = ready("list", "show", "daily")
    assert "https://mail.courier.example/s/daily" in shown
    assert "full, for 30 days" in shown
    assert "with the latest edition" in shown
    found = ready.json("list", "show", "daily")
    assert found["form_origins"] == ["https://courier.example"]
    assert (found["is_open"], found["opt_in"], found["network_record"]) == (True, "double", "full")
    ready("list", "set", "daily", "--closed", "--no-origins", "--welcome-alone", "--network-record", "none")
    found = ready.json("list", "show", "daily")
    assert (found["is_open"], found["form_origins"], found["welcomes_with_latest"]) == (False, [], False)
    assert "closed" in ready("list", "show", "daily")


def test_single_opt_in_wants_to_be_meant(ready: Cli) -> None:
    """Without --yes it is refused with the reason; with it, the warning is said once."""
    assert "--yes" in ready.refused("list", "set", "daily", "--opt-in", "single")
    assert ready.json("list", "show", "daily")["opt_in"] == "double"
    assert ready("list", "set", "daily", "--opt-in", "single", "--yes").startswith("Warning: ")
    assert "Warning" not in ready("list", "set", "daily", "--opt-in", "double")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("set", "daily", "--origin", "courier.example"), "is not a site"),
        (("set", "daily", "--origin", "https://a.test", "--no-origins"), "not both"),
        (("set", "daily", "--network-days", "0"), "1 to 3650"),
        (("form", "daily", "other"), "no list 'other'"),
    ],
)
def test_what_cannot_be_set_is_said(ready: Cli, words: tuple[str, ...], sentence: str) -> None:
    """One sentence, and nothing changes."""
    ready("list", "set", "daily", "--open")
    before = ready.json("list", "show", "daily")
    assert sentence in ready.refused("list", *words)
    assert ready.json("list", "show", "daily") == before


def test_the_form_is_plain_html(ready: Cli) -> None:
    """No script, style or file; the whole address; the trap; the choices there are. Escaped."""
    assert "is closed" in ready.refused("list", "form", "daily", code=1)
    ready("topic", "add", "courier", "culture", "--title", "Culture & books", "--section", "Culture")
    for name in ("daily", "weekend"):
        ready("list", "set", name, "--open")
    made = ready("list", "form", "daily")
    (form,) = lxml_html.fragments_fromstring(made.strip())
    assert (form.get("method"), form.get("action")) == ("post", "https://mail.courier.example/s/daily")
    assert {"address", "name", "cadence", "topic", "website", "language"} == set(form.fields)
    assert not form.xpath("//script | //style | //@style | //link | //img | //@*[starts-with(name(), 'on')]")
    assert "The daily &lt;Courier&gt;" in made
    assert "Culture &amp; books" in made
    several = ready.json("list", "form", "daily", "weekend")
    assert several["action_url"] == "https://mail.courier.example/s?list=daily&list=weekend"
    (form,) = lxml_html.fragments_fromstring(several["html"])
    assert form.get("action") == several["action_url"]
    assert form.xpath("//input[@name='list']/@value") == ["daily", "weekend"]
    assert "cadence-weekend" in form.fields


def test_topics_by_commands(ready: Cli) -> None:
    """Added, listed, changed, removed."""
    assert "no topic yet" in ready("topic", "list", "courier")
    for name in ("culture", "sport"):
        ready("topic", "add", "courier", name, "--title", name.title(), "--section", name, "--section", "x")
    assert ready("topic", "set", "courier", "sport", "--position", "0") == "Changed: position.\n"
    assert ready("topic", "set", "courier", "sport", "--position", "0") == "Nothing to change.\n"
    found = ready.json("topic", "list", "courier")
    assert [(topic["name"], topic["sections"]) for topic in found] == [
        ("sport", ["sport", "x"]),
        ("culture", ["culture", "x"]),
    ]
    ready("topic", "remove", "courier", "sport")
    assert "there are: culture" in ready.refused("topic", "remove", "courier", "sport")
    assert "no digest 'other'" in ready.refused("topic", "list", "other")
