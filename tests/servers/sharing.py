"""Which worker of a run gets which tests."""

from __future__ import annotations

from typing import ClassVar

from xdist.scheduler import LoadScopeScheduling


class Scheduler(LoadScopeScheduling):
    """Gives each worker the next test when it is done, so that all of them end at the same time.

    An installed wheel, a demo that ran, a Postfix or a year of quarter hours is made for a file, a browser
    and what is read of the code for a folder: their tests stay on one worker. So do all trials of workers
    (`tests/process/crash_trials.py`): a process that has learnt to make such workers is made once.
    """

    _WHOLE_FOLDERS: ClassVar = ("tests/architecture/", "tests/browser/")
    _WHOLE_FILES: ClassVar = (
        *("tests/process/", "tests/integration/test_postfix.py", "tests/integration/test_trip.py"),
        "tests/unit/editions/test_schedule.py",
    )
    _TRIALS: ClassVar = tuple(
        f"tests/process/test_{name}.py"
        for name in ("crash_points", "dead_host", "full_disk", "power_loss", "stalled_worker")
    )

    def _split_scope(self, nodeid: str) -> str:
        for folder in self._WHOLE_FOLDERS:
            if nodeid.startswith(folder):
                return folder
        if nodeid.startswith(self._TRIALS):
            return "trials"
        return nodeid.partition("::")[0] if nodeid.startswith(self._WHOLE_FILES) else nodeid
