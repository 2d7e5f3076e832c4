"""Which of the two databases a test is run on where it would be run on both.

A run of everything need not prove each sentence of a page twice: every function of the tests meets both
databases, but where it is given several cases, they take turns. The doors (web pages, commands) hold no
statements of their own: what each of them does is tried on one database, about half of it on either. So is
what is tried in the files of `ALIKE`, whose many tests run the same statements again and again. The other
half of it all is slow, and run by `make proof`.

A file that is asked for by its name is run on both.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

_DOORS = ("tests/integration/cli/", "tests/integration/web/")
ALIKE = (
    *("tests/integration/editions/", "tests/integration/lists/"),
    *("tests/integration/deliveries/test_control.py", "tests/integration/test_canaries.py"),
    *("tests/integration/deliveries/test_why.py", "tests/integration/test_collect_many.py"),
    *("tests/integration/test_copies.py", "tests/integration/test_freeze.py"),
    *("tests/integration/test_freeze_reasons.py", "tests/integration/test_fresh_look.py"),
    *("tests/integration/test_pictures.py", "tests/integration/test_recheck.py"),
    *("tests/integration/test_revisions.py", "tests/integration/test_uncertain.py"),
    *("tests/integration/test_unusual_news.py", "tests/integration/test_wordpress.py"),
)
# The fixture of `tests/integration/conftest.py` that is the one database or the other.
_FIXTURE = "kept"


def is_run_of_everything(config: pytest.Config) -> bool:
    """Whether no file or folder was asked for, or the slow tests of some, as `make proof ARGS=AREA` does.

    The workers of a run are told by its controller.
    """
    given = getattr(config, "workerinput", {}).get("digest_everything")
    if given is not None:
        return bool(given)
    asks_for_slow = "slow" in config.option.markexpr.replace("not slow", "")
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS or asks_for_slow


def take_turns(items: Iterable[pytest.Item]) -> None:
    """Mark as slow what the other database proves in this run."""
    functions: dict[str, dict[str, dict[str, pytest.Item]]] = defaultdict(lambda: defaultdict(dict))
    for item in items:
        database = _database_of(item)
        if database and not item.get_closest_marker("slow") and not item.get_closest_marker("both_databases"):
            function, _, case = item.nodeid.partition("[")
            parts = case.removesuffix("]").split("-")
            parts.remove(database)
            functions[function]["-".join(parts)][database] = item
    seen: Counter[str] = Counter()  # functions of each file: one after another begins with the other database
    for function, cases in functions.items():
        pairs = [pair for pair in cases.values() if len(pair) == 2]
        if len(pairs) > 1 or function.startswith((*_DOORS, *ALIKE)):
            file = function.partition("::")[0]
            seen[file] += 1
            for number, pair in enumerate(pairs, zlib.crc32(file.encode()) + seen[file]):
                sorted(pair.items())[number % 2][1].add_marker("slow")


def _database_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    found = callspec.params.get(_FIXTURE, "") if callspec else ""
    return found if isinstance(found, str) and found in getattr(callspec, "id", "").split("-") else ""
