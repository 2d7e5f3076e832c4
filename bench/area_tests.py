"""Which slow tests belong to an area's proofs: `python -m bench.area_tests [AREA]` prints their paths."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final

# Folders and files; what is named by itself belongs to that area, though its folder be another's.
AREA_TESTS: Final[Mapping[str, tuple[str, ...]]] = {
    "spine": (
        *("tests/unit/cli", "tests/unit/embedded", "tests/integration/test_canaries.py"),
        *("tests/unit/test_addresses.py", "tests/unit/test_config.py", "tests/unit/test_i18n.py"),
        *("tests/unit/test_keys.py", "tests/unit/test_logs.py", "tests/unit/test_macs.py"),
        *("tests/unit/test_tags.py", "tests/unit/test_tokens.py", "tests/unit/test_western.py"),
    ),
    "delivery": (
        *("tests/process", "tests/unit/mail", "tests/unit/deliveries", "tests/unit/pacing"),
        *("tests/integration/deliveries", "tests/integration/pacing"),
        *("tests/integration/test_journal_faults.py", "tests/integration/test_ledger.py"),
        *("tests/integration/test_copies.py", "tests/integration/test_revisions.py"),
        *("tests/integration/test_uncertain.py",),
    ),
    "audience": (
        *("tests/unit/lists", "tests/integration/lists", "tests/unit/web", "tests/integration/web"),
        "tests/unit/test_segment_builder.py",
        *("tests/browser/test_crawl.py", "tests/browser/test_every_page.py"),
        *("tests/browser/test_reader_pages.py", "tests/browser/test_whole_life.py"),
    ),
    "news": (
        *("tests/unit/feeds", "tests/unit/sources", "tests/unit/editions", "tests/unit/net"),
        *("tests/integration/editions", "tests/integration/test_collect_many.py"),
        *("tests/integration/test_freeze.py", "tests/integration/test_freeze_reasons.py"),
        *("tests/integration/test_fresh_look.py", "tests/integration/test_pictures.py"),
        *("tests/integration/test_recheck.py", "tests/integration/test_unusual_news.py"),
        *("tests/integration/test_feed_memory.py", "tests/integration/test_sudden_news.py"),
        *("tests/integration/test_wordpress.py",),
    ),
    "email": (
        *("tests/unit/rendering", "tests/unit/preflight", "tests/integration/test_spamassassin.py"),
        *("tests/integration/test_trip.py", "tests/browser/test_demo_messages.py"),
        *("tests/browser/test_mail_cases.py", "tests/browser/test_mail_matrix.py"),
        *("tests/browser/test_single_mails.py", "tests/browser/test_thunderbird.py"),
    ),
    "desk": (
        *("tests/integration/web/desk", "tests/browser/test_desk.py", "tests/browser/test_desk_screens.py"),
        *("tests/browser/test_edition_course.py", "tests/browser/test_edition_page.py"),
        *("tests/browser/test_stored_words.py", "tests/browser/test_three_days.py"),
    ),
}


def arguments(areas: Sequence[str]) -> list[str]:
    """What pytest is given for some areas' tests."""
    paths = [path for area in areas for path in AREA_TESTS[area]]
    others = [path for area, found in AREA_TESTS.items() if area not in areas for path in found]
    within = [path for path in others if any(path.startswith(f"{ours}/") for ours in paths)]
    return [*paths, *(f"--ignore={path}" for path in within)]


def main() -> int:
    """Print an area's paths, or nothing for all tests; 2 for an area that there is not."""
    areas = sys.argv[1:]
    if any(area not in AREA_TESTS for area in areas):
        sys.stderr.write(f"The areas are: {', '.join(AREA_TESTS)}.\n")
        return 2
    sys.stdout.write(f"{' '.join(arguments(areas))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
