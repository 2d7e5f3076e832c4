"""The life of a worker and its children: its tasks, logs, the schema check, a clean end."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Any, Final

from celery import signals
from sqlalchemy import orm

from digest import i18n, logs
from digest.config import settings
from digest.errors import DigestError
from digest.memory import collect_rarely

# What each child would load for itself: a reader of C, by which Celery's pool (billiard) has a child end with
# its parent (1.5 MB), what reads feeds, and the names of hosts in other letters.
_LOADED_BY_CHILDREN: Final = ("cffi.cparser", "digest.feeds.markup", "encodings.idna", "xml.sax.expatreader")


@signals.setup_logging.connect
def set_up_logs(**_: Any) -> None:
    config = settings()
    logs.set_up(level=config.log_level, json=config.log_json)


@signals.celeryd_init.connect
def load_tasks(**_: Any) -> None:
    """Before the fork, so that the children share what was loaded."""
    importlib.import_module("digest.tasks.work")
    # The collector writes into every object that it looks at, and each page written to is no longer shared:
    # what lives as long as the process is taken out of its sight (gc.freeze: 20 MB a process).
    collect_rarely()


@signals.worker_before_create_process.connect
def load_what_children_share(**_: Any) -> None:
    """What is loaded at the first use, where the tasks run in children: once in the parent instead."""
    from digest.memory import few_arenas, give_back  # noqa: PLC0415
    from digest.net.http import load_certificates  # noqa: PLC0415
    from digest.rendering.inline import load_inliner  # noqa: PLC0415

    for module in _LOADED_BY_CHILDREN:
        importlib.import_module(module)
    load_inliner()
    load_certificates()
    orm.configure_mappers()
    few_arenas()
    # These too, and all that Celery has made since: see above.
    gc.collect()
    give_back()
    gc.freeze()


@signals.worker_init.connect
def refuse_what_cannot_work(**_: Any) -> None:
    """Before anything is consumed: schema, keys, the newsroom's words. One sentence, and the process ends."""
    from digest import keys  # noqa: PLC0415
    from digest.db import Database  # noqa: PLC0415
    from digest.db.schema import require_head  # noqa: PLC0415

    config = settings()
    database = Database(config.database)
    try:
        require_head(database)
        keys.load(config.secrets_folder)
        i18n.use_words(config.templates)
        i18n.check_words()
    except DigestError as error:
        sys.stderr.write(f"digest: {error}\n")
        # Celery swallows the exceptions of signal handlers; only this one it lets through.
        raise SystemExit(2) from None
    finally:
        database.close()


@signals.worker_shutting_down.connect
def tell_children(**_: Any) -> None:
    from digest.tasks.runtime import stop_children  # noqa: PLC0415

    stop_children()


@signals.worker_process_shutdown.connect
@signals.worker_shutdown.connect
def end_cleanly(**_: Any) -> None:
    from digest.tasks.runtime import close_runtime  # noqa: PLC0415

    close_runtime()
