"""`digest consent` and consents that somebody of the staff took."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.cli.commands import Cli

ANI = ("ani@example.org", "--list", "readers")


def test_a_consent_by_phone_has_its_clerk(readers: Cli) -> None:
    """How it came and who took it are part of the proof; one without the other is refused."""
    words = ("--consent", "asked when she renewed")
    assert "--by phone" in readers.refused("subscriber", "add", *ANI, *words, "--clerk", "Nare")
    assert "who took" in readers.refused("subscriber", "add", *ANI, *words, "--by", "letter")
    readers("subscriber", "add", *ANI, *words, "--by", "phone", "--clerk", "Nare Saroyan")
    details = readers.json("subscriber", "show", "ani@example.org")["subscriptions"][0]["events"][0][
        "details"
    ]
    assert (details["by"], details["clerk"]) == ("phone", "Nare Saroyan")
    assert details["consent"] == "asked when she renewed"


def test_one_person_or_one_list_is_verified(readers: Cli) -> None:
    """By list or by address, not both; an unknown one is refused."""
    readers("subscriber", "add", *ANI, "--consent", "card")
    for words in ((), ("--list", "readers"), ("--address", "ANI@example.org")):
        assert readers("consent", "verify", *words) == "1 subscriptions, every chain of consent is whole.\n"
    assert "not both" in readers.refused(
        "consent", "verify", "--address", "a@example.org", "--list", "readers"
    )
    assert "Nobody" in readers.refused("consent", "verify", "--address", "eva@example.org")


def test_a_proof_is_a_file_of_its_own(readers: Cli, tmp_path: Path) -> None:
    """On standard output or in a file that only we may read and that replaces no other."""
    readers("subscriber", "add", *ANI, "--consent", "card")
    path = tmp_path / "ani.json"
    assert "ani.json" in readers("consent", "proof", "ani@example.org", "-o", path)
    assert path.stat().st_mode & 0o777 == 0o600
    proof = json.loads(path.read_text("utf-8"))
    assert proof["person"][0]["address"] == "ani@example.org"
    assert proof["chains"][0]["problems"] == []
    assert json.loads(readers("consent", "proof", "ani@example.org"))["chains"] == proof["chains"]
    assert "already" in readers.refused("consent", "proof", "ani@example.org", "-o", path)
    assert "cannot be written" in readers.refused(
        "consent", "proof", "ani@example.org", "-o", tmp_path / "no" / "x"
    )
    assert "ever subscribed" in readers.refused("consent", "proof", "eva@example.org")


def test_the_do_not_mail_list_comes_from_a_file_and_goes_into_one(readers: Cli, tmp_path: Path) -> None:
    """A dry run, the import with its bad lines on standard error, and the export that is read again."""
    path, out = tmp_path / "cleaned.csv", tmp_path / "out.csv"
    path.write_text("value,cause\nani@example.org,bounce\nclosed.test,legal\nwrong\n", encoding="utf-8")
    words = ("suppression", "import", path, "--reason", "old tool")
    assert "would be added" in readers.run(*words, "--dry-run").stdout
    result = readers.run(*words)
    assert result.exit_code == 0
    assert result.stderr == "line 4: This is neither an address nor a domain.\n"
    assert [one["cause"] for one in readers.json("suppression", "list")] == ["legal", "bounce"]
    assert len(readers.json("suppression", "list", "--cause", "legal")) == 1
    readers("suppression", "add", "ani@example.org", "--reason", "asked", "--cause", "never")
    assert "out.csv" in readers("suppression", "export", "-o", out)
    assert out.stat().st_mode & 0o777 == 0o600
    text = out.read_text("utf-8")
    assert text.startswith("kind,value,cause,reason,source,created_at\n")
    assert "domain,closed.test,legal,old tool,import," in text
    assert "ani@" not in text  # no subscriber: the list alone does not know the address
    report = readers.json("suppression", "import", out, "--reason", "x")
    assert (report["known"], report["bad"]) == (2, 0)
    assert readers("suppression", "export").splitlines()[0] == text.splitlines()[0]
    assert "no file" in readers.refused(*words[:2], tmp_path / "none.csv", *words[3:])


def test_the_do_not_mail_file_has_a_report_like_an_import_of_people(readers: Cli, tmp_path: Path) -> None:
    """`--report` names what was refused and what was known; a file that is there stays without `--force`."""
    path, report = tmp_path / "cleaned.csv", tmp_path / "report.csv"
    path.write_text("email\nani@example.org\nANI@Example.org\nexample.org\n", encoding="utf-8")
    words = ("suppression", "import", path, "--reason", "old tool", "--report", report)
    slip = "Here stands a domain where an address is expected; it would bar everybody there."
    known = "3,repeated,stood in the file before,ANI@Example.org"
    dry = readers.json(*words, "--dry-run")
    assert (dry["added"], dry["repeated"], dry["bad_lines"][0]["reason"]) == (1, 1, slip)
    lines = ["file,line,outcome,reason,address", f",4,bad,{slip},", f",{known}"]
    assert report.read_text("utf-8").splitlines() == lines
    assert report.stat().st_mode & 0o777 == 0o600
    assert "already" in readers.refused(*words)
    assert readers.json("suppression", "list") == []  # nothing was done
    assert readers.json(*words, "--force")["added"] == 1
    assert report.read_text("utf-8").splitlines() == lines
    assert readers.json(*words, "--force")["known"] == 1
    assert ",2,known,was on the do-not-mail list already,ani@example.org" in report.read_text("utf-8")
    path.write_bytes("email\nani@example.org\n".encode("utf-16"))
    report.unlink()
    assert "UTF-16" in readers.refused(*words)
    assert not report.exists()  # so that the next try may write it


def test_everything_held_about_a_person_is_given_out(readers: Cli, tmp_path: Path) -> None:
    """On standard output or in a private file; of nobody there is none."""
    readers("subscriber", "add", *ANI, "--consent", "card", "--name", "Անի")
    path = tmp_path / "ani.json"
    readers("subscriber", "data", "ani@example.org", "-o", path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text("utf-8"))["subscriber"]["name"] == "Անի"
    assert "Անի" in readers("subscriber", "data", "ani@example.org")
    readers("subscriber", "erase", "ani@example.org", "--yes")
    assert "Nobody" in readers.refused("subscriber", "data", "ani@example.org")
