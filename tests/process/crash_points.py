"""Where a worker is killed: one table of functions, and whether before or after them.

The product has no hook for this. A worker of the tests (`crashing_worker`) wraps the functions named here and
kills itself at a pass of one of them. A target is named where it is *called from*: `digest.deliveries.turn`
holds its own name for `record`. A name that is no longer there fails loudly.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

OnPass = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Point:
    """A named place: `target` is `module:attribute.path`, `when` is before or after the call.

    `only` looks at the call's arguments. `needs` names a point at which an earlier worker must have been
    killed, for what only happens then.
    """

    name: str
    target: str
    when: str
    only: Callable[[Sequence[Any]], bool] | None = None
    needs: str = ""


def _is_dot(arguments: Sequence[Any]) -> bool:
    """The wire's write of a message with its final dot, and what may follow it."""
    return len(arguments) > 2 and bytes(arguments[-1]).startswith(b".\r\n")


_INTENT = "intent written"

POINTS = (
    # From the plan to the claim.
    Point("before the plan", "digest.tasks.work:plan", "before"),
    Point("amid the plan", "digest.deliveries.plan:_insert_deliveries", "after"),
    Point("after the plan's statements", "digest.tasks.work:plan", "after"),
    Point("stories claimed", "digest.deliveries.handover:claim_stories", "after"),
    Point("edition begun", "digest.deliveries.handover:start_due", "after"),
    Point("before a journal is begun", "digest.tasks.runtime:open_journal", "before"),
    Point("journal's file without its row", "digest.mail.journal:Journal.create", "after"),
    Point("journal begun", "digest.tasks.runtime:open_journal", "after"),
    Point("before the claim", "digest.deliveries.turn:claim", "before"),
    Point("claimed", "digest.deliveries.turn:claim", "after"),
    Point("people read", "digest.deliveries.turn:people_of", "after"),
    # One message.
    Point("before the intent", "digest.mail.journal:Journal.intent", "before"),
    Point(_INTENT, "digest.mail.journal:Journal.intent", "after"),
    Point("before the dot", "digest.mail.smtp_wire:Wire.write", "before", _is_dot),
    Point("dot written", "digest.mail.smtp_wire:Wire.write", "after", _is_dot),
    Point("answered", "digest.mail.journal:Journal.outcome", "before"),
    Point("outcome written", "digest.mail.journal:Journal.outcome", "after"),
    # The ledger.
    Point("before the ledger", "digest.deliveries.turn:Turn._record", "before"),
    Point("amid the ledger", "digest.deliveries.turn:record", "after"),
    Point("before the batch closes", "digest.deliveries.turn:close_if_done", "before"),
    Point("batch closed, not committed", "digest.deliveries.turn:close_if_done", "after"),
    Point("group recorded", "digest.deliveries.turn:Turn._record", "after"),
    Point("before the hand back", "digest.deliveries.turn:hand_back", "before"),
    Point("handed back, not committed", "digest.deliveries.leases:_hand_back", "after"),
    Point("handed back", "digest.deliveries.turn:hand_back", "after"),
    # The end.
    Point("before the next step", "digest.deliveries.send:go_on", "before"),
    Point("edition ended, not committed", "digest.deliveries.handover:finish_served", "after"),
    Point("before the journal is retired", "digest.tasks.runtime:retire_journal", "before"),
    Point("journal retired", "digest.tasks.runtime:retire_journal", "after"),
    # Every transaction of all of them.
    Point("before a commit", "sqlalchemy.engine.default:DefaultDialect.do_commit", "before"),
    Point("after a commit", "sqlalchemy.engine.default:DefaultDialect.do_commit", "after"),
    # The folding of a journal that a worker before left behind, and what follows from it.
    Point("before the fold", "digest.deliveries.recover:_fold", "before", needs=_INTENT),
    Point("amid the fold", "digest.deliveries.recover:_record_folded", "after", needs=_INTENT),
    Point(
        "batches let go, not committed", "digest.deliveries.recover:_release_batches", "after", needs=_INTENT
    ),
    Point("folded, its file still there", "digest.deliveries.recover:_fold", "after", needs=_INTENT),
    Point("folded", "digest.deliveries.recover:_fold_one", "after", needs=_INTENT),
    Point("before sending again", "digest.deliveries.sweep:settle_by_policy", "before", needs=_INTENT),
    Point("sending again, not committed", "digest.deliveries.sweep:settle_by_policy", "after", needs=_INTENT),
)

# Small groups and batches, so that an edition for a few has several of each. Values, not behaviour.
SMALLER = (
    ("digest.deliveries.plan:BATCH_SIZE", 8),
    ("digest.deliveries.turn:GROUP_PEOPLE", 5),
)


def install(points: Sequence[Point], on_pass: OnPass) -> None:
    """Wrap the functions of the points; `on_pass` is called with a point's name at each pass of it."""
    by_target: dict[str, list[Point]] = {}
    for point in points:
        by_target.setdefault(point.target, []).append(point)
    for target, own in by_target.items():
        holder, name, found = _resolve(target)
        setattr(holder, name, _wrapped(found, own, on_pass))


def make_smaller() -> None:
    """Put the smaller values in place."""
    for target, value in SMALLER:
        holder, name, _ = _resolve(target)
        setattr(holder, name, value)


def take_out(target: str) -> None:
    """Make a function do nothing, as a product with that fault would."""
    holder, name, _ = _resolve(target)
    setattr(holder, name, lambda *_, **__: None)


def _resolve(target: str) -> tuple[Any, str, Any]:
    module, _, path = target.partition(":")
    holder: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        holder = getattr(holder, parent)
    return holder, name, inspect.getattr_static(holder, name)


def _wrapped(found: Any, points: Sequence[Point], on_pass: OnPass) -> Any:
    kind = type(found) if isinstance(found, (classmethod, staticmethod)) else None
    function = found.__func__ if kind else found

    def passes(when: str, arguments: Sequence[Any]) -> None:
        for point in points:
            if point.when == when and (point.only is None or point.only(arguments)):
                on_pass(point.name)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            passes("before", args)
            result = await function(*args, **kwargs)
            passes("after", args)
            return result

    else:

        @functools.wraps(function, updated=())
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            passes("before", args)
            result = function(*args, **kwargs)
            passes("after", args)
            return result

    return kind(wrapper) if kind else wrapper
