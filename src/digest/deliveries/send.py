"""Send what is due: the flow of one task, and the answers that come after it."""

from __future__ import annotations

import math
from collections.abc import Callable

from digest import clock
from digest.db import Database
from digest.deliveries.group import Late, Sender
from digest.deliveries.handover import go_on
from digest.deliveries.ledger import Result, record_heard
from digest.deliveries.turn import Turn
from digest.logs import get_logger

log = get_logger(__name__)


def send_batch(
    database: Database,
    batch_id: int,
    sender: Sender,
    *,
    lease_seconds: int,
    stop: Callable[[], bool],
    waits_until: Callable[[], float] = lambda: math.inf,
    between: Callable[[], None] = lambda: None,
    others: bool = False,
) -> bool:
    """Send what a batch holds, for at most 30 s; true if it is done, false if something is left.

    With `others`, go on with whatever else is due as long as there is time. Does nothing for a batch that is
    not due, is held by another worker, or is closed. Raises nothing for a mail service that cannot be
    reached: what is left goes back and is tried later, and nobody's attempt is burnt. `between` is called
    between groups, every one or two seconds: for single mails, which must not wait. Once `stop` is true
    nobody is begun and nothing is done between, and no answer is waited for after the moment of the monotonic
    clock that `waits_until` gives. If this was its last batch, the edition is `sent` at the end. After any
    other error the caller must give up its journal (`Journal.close`), so that it is folded in.
    """
    record_late(database, sender.late)
    turn = Turn(
        database,
        sender,
        lease_seconds=lease_seconds,
        stop=stop,
        waits_until=waits_until,
        between=between,
        others=others,
    )
    with database.staying():
        done = turn.run(batch_id)
    if turn.has_worked:
        with database.write() as session:
            # One hint for one task: more would multiply, for each that is taken for nothing hints as well.
            go_on(session, now=clock.utc_now(), hints=1)
    return batch_id in done


def record_late(database: Database, late: Late) -> None:
    """Bring answers into the ledger that came when nobody waited for them any more."""
    results: dict[int, list[Result]] = {}
    while late:
        edition_id, result = late.popleft()
        results.setdefault(edition_id, []).append(result)
    for edition_id, some in results.items():
        with database.write() as session:
            record_heard(session, edition_id, some, now=clock.utc_now())
        log.info("late answers recorded", edition=edition_id, answers=len(some))
