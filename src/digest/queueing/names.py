"""Every queue and every task, by name. Names outlive the files that hold the tasks."""

from __future__ import annotations

from enum import StrEnum


class QueueName(StrEnum):
    """Queues are split by what must never wait for what."""

    UPKEEP = "upkeep"  # the tick: must run while everything else is busy
    SOURCES = "sources"  # fetching: a source that was just added holds a slot for up to 30 s; imports
    EDITIONS = "editions"  # freeze and plan: bound to a slot
    DELIVERIES = "deliveries"  # batches: each holds a slot for up to 30 s
    NOTICES = "notices"  # a confirmation never waits behind a digest


class TaskName(StrEnum):
    """Tasks are named stage.verb."""

    TICK = "upkeep.tick"
    COLLECT = "sources.collect"
    COLLECT_DUE = "sources.collect_due"
    MIRROR = "sources.mirror"
    FREEZE = "editions.freeze"
    PLAN = "deliveries.plan"
    FALL_BACK = "deliveries.fall_back"
    SEND_BATCH = "deliveries.send_batch"
    SEND_NOTICES = "notices.send"
    TRY_IMPORT = "lists.try_import"
    IMPORT = "lists.import"
    UNDO_IMPORT = "lists.undo_import"

    @property
    def queue(self) -> QueueName:
        return _QUEUES[self]


_QUEUES = {
    TaskName.TICK: QueueName.UPKEEP,
    TaskName.COLLECT: QueueName.SOURCES,
    TaskName.COLLECT_DUE: QueueName.SOURCES,
    TaskName.MIRROR: QueueName.SOURCES,
    TaskName.FREEZE: QueueName.EDITIONS,
    TaskName.PLAN: QueueName.EDITIONS,
    TaskName.FALL_BACK: QueueName.EDITIONS,
    TaskName.SEND_BATCH: QueueName.DELIVERIES,
    TaskName.SEND_NOTICES: QueueName.NOTICES,
    TaskName.TRY_IMPORT: QueueName.SOURCES,
    TaskName.IMPORT: QueueName.SOURCES,
    TaskName.UNDO_IMPORT: QueueName.SOURCES,
}
