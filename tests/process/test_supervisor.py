"""The supervisor keeps its children running and leaves none behind, however it ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process.supervised import Supervised
from tests.servers.waiting import child_of, group_members, process_lives, wait_until

pytestmark = pytest.mark.process

_FOREVER = "import time\nwhile True: time.sleep(60)"
_STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)\n"
    "while True: time.sleep(60)"
)
_PARENT = (
    "import subprocess, sys, time\n"
    "p = subprocess.Popen([sys.executable, '-c', 'import signal, time; signal.signal(15, signal.SIG_IGN); "
    "print(1, flush=True); time.sleep(600)'], stdout=subprocess.PIPE)\n"
    "p.stdout.read(1)\n"
    "open(sys.argv[1], 'w').write(str(p.pid))\n"
    "while True: time.sleep(60)"
)


def _python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-S", "-c", code, *map(str, arguments)]


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    """Starts supervisors, and ends them after the test."""
    started: list[Supervised] = []

    def start(*children: dict[str, Any], **more: Any) -> Supervised:
        started.append(Supervised(tmp_path, {"children": children, **more}))
        return started[-1]

    yield start
    for each in started:
        each.clean()


def test_starts_in_order_and_stops_in_reverse(supervised: Callable[..., Supervised], tmp_path: Path) -> None:
    """A child starts when the one before is ready; on SIGTERM the last one stops first; the status is 0."""
    mark = tmp_path / "ready"
    code = f"import pathlib, time\npathlib.Path({str(mark)!r}).touch()\n{_FOREVER}"
    run = supervised(
        {"name": "one", "argv": _python(code), "ready_file": str(mark)},
        {"name": "two", "argv": _python(_FOREVER)},
    )
    run.wait_for("ready two")
    assert run.end() == 0
    events = [" ".join(line.split()[:2]) for line in run.lines if not line.startswith(("pid", "warden"))]
    assert events == [
        *("starting one", "ready one", "starting two", "ready two"),
        *("stopping two", "stopped two", "stopping one", "stopped one"),
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_each_stop_signal_is_a_clean_stop(supervised: Callable[..., Supervised], number: int) -> None:
    """SIGTERM, Ctrl-C and a closed terminal end every child and the warden, with status 0."""
    run = supervised({"name": "one", "argv": _python(_FOREVER)})
    pids = [run.pid("one"), run.warden()]
    assert run.end(number) == 0
    assert not any(map(process_lives, pids))


def test_children_do_not_get_the_terminals_signals(supervised: Callable[..., Supervised]) -> None:
    """Ctrl-C signals the terminal's foreground group; no child and no warden is in it."""
    run = supervised({"name": "one", "argv": _python(_FOREVER)})
    groups = {os.getpgid(pid) for pid in (run.pid("one"), run.warden())}
    assert os.getpgid(run.process.pid) not in groups
    assert len(groups) == 2


def test_restarts_a_child_that_dies(supervised: Callable[..., Supervised]) -> None:
    """A killed child comes back under a new process id, and the event says how it ended."""
    run = supervised({"name": "one", "argv": _python(_FOREVER)})
    os.kill(run.pid("one"), signal.SIGKILL)
    assert "was ended by SIGKILL" in run.wait_for("ended one")
    run.wait_for("ready one", 2)
    assert run.end() == 0


def test_gives_up_after_quick_deaths_with_a_clear_sentence(supervised: Callable[..., Supervised]) -> None:
    """A child that dies at each start ends the run; the sentence has its status and last words, redacted."""
    code = "import sys; print('no room for redberry@example.org', file=sys.stderr); sys.exit(3)"
    other = {"name": "other", "argv": _python(_FOREVER)}
    run = supervised(other, {"name": "bad", "argv": _python(code)}, limits={"first_pause": 0.01, "deaths": 3})
    other_pid = run.pid("other")
    assert run.finish() == 1
    error = run.wait_for("error")
    assert "The process `bad` ended with status 3 3 times in a row" in error
    assert "no room for ***@***" in error
    assert len([line for line in run.lines if line.startswith("starting bad")]) == 3
    assert not process_lives(other_pid)


def test_gives_up_when_a_child_is_never_ready(supervised: Callable[..., Supervised], tmp_path: Path) -> None:
    """Readiness has a time limit; what was started by then is stopped."""
    late = {
        "name": "late",
        "argv": _python(_FOREVER),
        "ready_file": str(tmp_path / "never"),
        "ready_within": 0.2,
    }
    run = supervised(late)
    assert run.finish() == 1
    assert "was not ready within 0.2 seconds" in run.wait_for("error")
    run.wait_for("stopped late")


def test_program_that_is_not_there_is_one_sentence(supervised: Callable[..., Supervised]) -> None:
    """A missing program does not end in a traceback."""
    run = supervised({"name": "gone", "argv": ["/nowhere/at/all"]})
    assert run.finish() == 1
    assert "The process `gone` cannot be started" in run.wait_for("error")


def test_kills_a_child_that_does_not_stop(supervised: Callable[..., Supervised]) -> None:
    """Past its grace a child gets SIGKILL, and the event says so."""
    run = supervised({"name": "deaf", "argv": _python(_STUBBORN), "stop_grace": 0.3})
    pid = run.pid("deaf")
    wait_until(lambda: any("deaf" in line for line in run.errors))
    assert run.end() == 0
    run.wait_for("killed deaf")
    assert not process_lives(pid)


def test_second_signal_cuts_the_grace_short(supervised: Callable[..., Supervised]) -> None:
    """Ctrl-C twice does not wait for a child that takes its time."""
    run = supervised({"name": "deaf", "argv": _python(_STUBBORN), "stop_grace": 600})
    wait_until(lambda: any("deaf" in line for line in run.errors))
    run.process.send_signal(signal.SIGINT)
    run.wait_for("stopping deaf")
    assert run.end(signal.SIGINT) == 0
    run.wait_for("killed deaf")


def test_grandchildren_end_with_a_stop(supervised: Callable[..., Supervised], tmp_path: Path) -> None:
    """What a child started, and what ignores SIGTERM, is gone after a clean stop."""
    mark = tmp_path / "grandchild"
    run = supervised(
        {"name": "one", "argv": _python(_PARENT, mark), "stop_grace": 0.3, "ready_file": str(mark)}
    )
    run.pid("one")
    assert run.end() == 0
    assert not process_lives(int(mark.read_text()))


def test_kill_9_leaves_no_orphans(supervised: Callable[..., Supervised], tmp_path: Path) -> None:
    """If the supervisor is killed, children, grandchildren and the warden end, the deaf ones too."""
    mark = tmp_path / "grandchild"
    run = supervised(
        {"name": "one", "argv": _python(_FOREVER)},
        {"name": "deaf", "argv": _python(_STUBBORN), "stop_grace": 0.3},
        {"name": "parent", "argv": _python(_PARENT, mark), "stop_grace": 0.3, "ready_file": str(mark)},
    )
    pids = [run.pid(name) for name in ("one", "deaf", "parent")] + [run.warden(), int(mark.read_text())]
    assert run.end(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: not any(map(process_lives, pids)), what="the end of all")


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_kill_9_of_supervisor_and_warden_still_ends_the_children(
    supervised: Callable[..., Supervised],
) -> None:
    """On Linux the death signal is a second line behind the warden."""
    run = supervised({"name": "one", "argv": _python(_FOREVER)})
    pid = run.pid("one")
    os.kill(run.process.pid, signal.SIGSTOP)  # so that it does not start another warden in between
    os.kill(run.warden(), signal.SIGKILL)
    assert run.end(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: not process_lives(pid), what="the end of the child")


def test_killed_warden_is_replaced(supervised: Callable[..., Supervised]) -> None:
    """A new warden knows the children that were started before it."""
    run = supervised({"name": "deaf", "argv": _python(_STUBBORN), "stop_grace": 0.2})
    pid, first = run.pid("deaf"), run.warden()
    wait_until(lambda: any("deaf" in line for line in run.errors))
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: child_of(run.process.pid, b"warden.py") not in {None, first}, what="another warden")
    assert run.end(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: not process_lives(pid), what="the end of the child")


def test_orphaned_grandchildren_of_a_dead_child_are_ended(
    supervised: Callable[..., Supervised], tmp_path: Path
) -> None:
    """If a child dies and what it started lives on, that ends within the child's grace."""
    mark = tmp_path / "grandchild"
    run = supervised(
        {"name": "one", "argv": _python(_PARENT, mark), "stop_grace": 0.2, "ready_file": str(mark)}
    )
    pid, grandchild = run.pid("one"), int(mark.read_text())
    os.kill(pid, signal.SIGKILL)
    run.wait_for("ended one")
    wait_until(lambda: not process_lives(grandchild), what="the end of the grandchild")
    wait_until(lambda: not group_members(pid), what="the end of the group")


def test_second_start_on_a_data_folder_is_refused(
    supervised: Callable[..., Supervised], tmp_path: Path
) -> None:
    """The refusal names the folder and the process that holds it, and does not disturb the first."""
    data = tmp_path / "data"
    first = supervised({"name": "one", "argv": _python(_FOREVER)}, data=str(data))
    first.pid("one")
    second = supervised({"name": "one", "argv": _python(_FOREVER)}, data=str(data))
    assert second.finish() == 1
    assert f"already runs on the data folder {data} (process {first.process.pid})" in second.wait_for("error")
    assert process_lives(first.pid("one"))


def test_start_after_kill_9_waits_for_the_cleaning(
    supervised: Callable[..., Supervised], tmp_path: Path
) -> None:
    """A new run begins when the last process of the killed one is gone, and not before."""
    data = tmp_path / "data"
    first = supervised({"name": "deaf", "argv": _python(_STUBBORN), "stop_grace": 1.0}, data=str(data))
    pid = first.pid("deaf")
    wait_until(lambda: any("deaf" in line for line in first.errors))
    first.end(signal.SIGKILL)
    second = supervised({"name": "one", "argv": _python(_FOREVER)}, data=str(data))
    second.wait_for("starting one")
    assert not process_lives(pid)
    assert second.end() == 0


def test_outputs_carry_the_childs_name(supervised: Callable[..., Supervised]) -> None:
    """Both outputs of a child come through on standard error, each line under its name."""
    code = (
        f"import sys; print('to out', flush=True); print('to err', file=sys.stderr, flush=True)\n{_FOREVER}"
    )
    run = supervised({"name": "one", "argv": _python(code)}, {"name": "longer", "argv": _python(_FOREVER)})
    wait_until(lambda: len(run.errors) >= 2)
    assert run.end() == 0
    assert run.errors == ["one    | to out\n", "one    | to err\n"]
