"""The Celery door: thin tasks that call one flow or step. `celery -A digest.tasks worker` finds `app`.

The tasks themselves, and all they stand on, are loaded by a worker only (`digest.tasks.process`): beat, which
sends names, stays at half the memory.
"""

from digest.queueing.app import app as _make_app
from digest.tasks import process

app = _make_app()

__all__ = ["app", "process"]
