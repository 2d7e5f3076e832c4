"""`digest retention`."""

from __future__ import annotations

from tests.integration.cli.commands import Cli


def test_what_is_kept_is_shown_and_what_is_past_its_time_deleted(readers: Cli) -> None:
    """Before the first run, after it, for people and for programs."""
    assert "It has not run yet." in readers("retention", "show")
    assert "notices deleted:" in readers("retention", "run")
    shown = readers("retention", "show")
    assert "30 days after it was handed over or failed" in shown
    assert "deleted nothing." in shown
    found = readers.json("retention", "show")
    assert [line["kind"] for line in found["kinds"]][:2] == ["networks", "links"]
    assert found["last_run"]["report"]["is_done"] is True
    assert set(readers.json("retention", "run")["deleted"].values()) == {0}
