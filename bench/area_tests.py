"""Which tests belong to an area: `python -m bench.area_tests [AREA]` prints their paths.

`make proof ARGS=AREA` runs the slow ones among them. `--without AREA` prints what leaves an area out of a run
of everything, which tells by how much that area lengthens it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[1]

# Folders and files; what is named by itself belongs to that area, though its folder be another's.
AREA_TESTS: Final[Mapping[str, tuple[str, ...]]] = {
    "spine": (
        *(
            "tests/architecture",
            "tests/process",
            "tests/integration",
            "tests/unit",
            "tests/browser/test_browser.py",
        ),
        "tests/browser/test_public_pages.py",
        *(f"tests/unit/web/test_{name}.py" for name in ("answers", "forms", "memory")),
        *(
            f"tests/integration/web/test_{name}.py"
            for name in ("busy", "editions", "favicon", "inbox", "safety", "serve")
        ),
    ),
    "delivery": (
        *("tests/unit/mail", "tests/unit/deliveries", "tests/unit/pacing", "tests/unit/queueing"),
        *("tests/unit/bench/test_delivery.py", "tests/unit/bench/test_delivery_kills.py"),
        *("tests/unit/bench/test_delivery_power.py", "tests/unit/tasks", "tests/unit/test_macs.py"),
        *("tests/integration/deliveries", "tests/integration/pacing", "tests/integration/notices"),
        *(
            f"tests/integration/cli/test_{name}.py"
            for name in ("bad_mailings", "dkim", "ramp_up", "revisions", "sending", "transports", "uncertain")
        ),
        *(
            f"tests/integration/test_{name}.py"
            for name in (
                *(
                    "copies",
                    "dead_database",
                    "delivery_faults",
                    "dns",
                    "full_journal",
                    "journal_faults",
                    "ledger",
                ),
                *(
                    "opendkim",
                    "plan",
                    "postfix",
                    "recover",
                    "relays",
                    "reply_classes",
                    "revisions",
                    "sender_facts",
                ),
                *("sending", "smtp_abandon", "smtp_client", "smtp_judge", "smtp_judge_faults"),
                *("smtp_odd_servers", "smtp_pace", "smtp_pipelining", "uncertain", "upgrade_half_sent"),
                *("failover", "plain_loop", "single_mails_first"),
            )
        ),
        *(
            f"tests/process/test_{name}.py"
            for name in (
                *("checker", "crash_points", "dead_host", "drain", "full_disk", "lost_broker"),
                "pace_processes",
                *("power_loss", "send_faults", "stalled_worker", "upgrade_processes"),
            )
        ),
        "tests/integration/web/test_stop.py",
    ),
    "audience": (
        *("tests/unit/lists", "tests/integration/lists", "tests/unit/web", "tests/integration/web"),
        *("tests/unit/bench/test_load_generator.py", "tests/unit/bench/test_audience.py"),
        "tests/unit/test_segment_builder.py",
        *(
            f"tests/integration/cli/test_{name}.py"
            for name in (
                "consent",
                "files",
                "person_set",
                "retention",
                "segments",
                "sign_up",
                "stopped_cadence",
            )
        ),
        *("tests/browser/test_crawl.py", "tests/browser/test_every_page.py"),
        *("tests/browser/test_reader_pages.py", "tests/browser/test_sign_up_pages.py"),
        "tests/browser/test_whole_life.py",
    ),
    "news": (
        *("tests/unit/feeds", "tests/unit/sources", "tests/unit/editions", "tests/unit/net"),
        *("tests/unit/bench/test_news_fuzz.py", "tests/integration/editions"),
        *(
            f"tests/integration/cli/test_{name}.py"
            for name in ("last_look", "posts", "schedules", "shaping", "sources")
        ),
        *(
            f"tests/integration/test_{name}.py"
            for name in (
                *("bad_input", "collect_many", "collecting_wordpress", "feed_memory", "find", "freeze"),
                *(
                    "freeze_faults",
                    "freeze_reasons",
                    "fresh_look",
                    "http_guard",
                    "mutations",
                    "pictures",
                    "recheck",
                ),
                *("remote_look", "slots", "source_keep", "sudden_news", "unusual_news", "wordpress"),
                "wordpress_site",
            )
        ),
        "tests/process/test_documented_examples.py",
    ),
    "email": (
        *("tests/unit/rendering", "tests/unit/preflight"),
        *(
            f"tests/integration/cli/test_{name}.py"
            for name in ("after_sending", "links", "look", "preflight", "preview", "topics", "words")
        ),
        *(f"tests/integration/editions/test_{name}.py" for name in ("checks", "correct", "links", "topics")),
        *("tests/integration/test_spamassassin.py", "tests/integration/test_trip.py"),
        *("tests/integration/web/test_archive.py", "tests/integration/web/test_links.py"),
        *(
            f"tests/browser/test_{name}.py"
            for name in (
                *(
                    "demo_messages",
                    "email_looks",
                    "mail_cases",
                    "mail_matrix",
                    "preview_pictures",
                    "single_mails",
                ),
                "thunderbird",
            )
        ),
    ),
    "desk": (
        *("tests/integration/web/desk", "tests/integration/cli/test_approvals.py"),
        *(
            f"tests/integration/editions/test_{name}.py"
            for name in ("amend", "approval_histories", "approve", "edit_while_locked", "meanwhile", "proofs")
        ),
        *(
            "tests/unit/bench/test_desk.py",
            "tests/unit/db/test_remembered.py",
            "tests/architecture/test_styles.py",
        ),
        *(
            f"tests/unit/web/test_{name}.py"
            for name in (
                *(
                    "act_words",
                    "desk_files",
                    "desk_words",
                    "drafts",
                    "jumps",
                    "live",
                    "settings_words",
                    "stands",
                ),
            )
        ),
        *(
            f"tests/browser/test_{name}.py"
            for name in (
                "desk",
                "desk_screens",
                "edition_course",
                "edition_page",
                "stored_words",
                "three_days",
            )
        ),
    ),
}


def area_of(file: str) -> str:
    """The area of a test file, named from the project's root; LookupError where there is none."""
    found = [(len(path), area) for area, paths in AREA_TESTS.items() for path in paths if _holds(path, file)]
    if not found:
        raise LookupError(f"{file} belongs to no area of bench/area_tests.py")
    return max(found)[1]


def arguments(areas: Sequence[str]) -> list[str]:
    """What pytest is given for some areas' tests."""
    paths = [path for area in areas for path in AREA_TESTS[area]]
    others = [path for area, found in AREA_TESTS.items() if area not in areas for path in found]
    within = [path for path in others if any(path.startswith(f"{ours}/") for ours in paths)]
    return [*paths, *(f"--ignore={path}" for path in within)]


def others(areas: Sequence[str]) -> list[str]:
    """What pytest is given for a run of everything but some areas."""
    files = (file.relative_to(_ROOT).as_posix() for file in sorted((_ROOT / "tests").rglob("test_*.py")))
    return [f"--ignore={file}" for file in files if area_of(file) in areas]


def _holds(path: str, file: str) -> bool:
    return file == path or file.startswith(f"{path}/")


def main() -> int:
    """Print an area's paths, or nothing for all tests; 2 for an area that there is not."""
    areas = [given for given in sys.argv[1:] if given != "--without"]
    if any(area not in AREA_TESTS for area in areas):
        sys.stderr.write(f"The areas are: {', '.join(AREA_TESTS)}.\n")
        return 2
    sys.stdout.write(f"{' '.join(others(areas) if '--without' in sys.argv else arguments(areas))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
