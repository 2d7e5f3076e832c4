"""A supervisor in a process of its own, for tests that signal or kill it.

`python -m tests.process.supervised_main FILE`: FILE is JSON with `children` (name, argv, and whatever else
Child takes), `limits`, `data` (locked, if given), `broker` (a folder for a real one). Each event is a line.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

from digest.embedded import broker
from digest.embedded.child import Child, Event, Limits
from digest.embedded.lock import sole_use
from digest.embedded.supervisor import Supervisor
from digest.errors import DigestError


def main() -> int:
    spec = json.loads(Path(sys.argv[1]).read_text())
    children = [_child(each) for each in spec["children"]]
    if "broker" in spec:
        folder = Path(spec["broker"])
        children.insert(0, broker.child(socket=folder / "broker.sock", folder=folder / "data"))
    with contextlib.ExitStack() as stack:
        lock = stack.enter_context(sole_use(Path(spec["data"]))) if "data" in spec else None
        supervisor = Supervisor(children, on_event=_tell, limits=Limits(**spec.get("limits", {})), lock=lock)
        with supervisor:
            supervisor.start()
            for each in children:
                _say("pid", each.name, supervisor.process_of(each.name))
            _say("warden", supervisor._lifeline.process)
            while not supervisor.stop_wanted:
                supervisor.step(0.5)
    return 0


def _child(given: dict[str, object]) -> Child:
    known = dict(given)
    ready_file = known.pop("ready_file", None)
    ready = Path(str(ready_file)).exists if ready_file else None
    return Child(argv=tuple(known.pop("argv")), ready=ready, **known)


def _tell(event: Event) -> None:
    _say(event.kind, event.child, event.text)


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DigestError as error:
        _say("error", error)
        sys.exit(1)
