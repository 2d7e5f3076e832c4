"""The worker's app with smaller batches: an edition for a few hundred has several. A value, not behaviour.

`celery -A tests.process.small_batches worker`.
"""

from digest.deliveries import plan
from digest.tasks import app

BATCH = 200

plan.BATCH_SIZE = BATCH

__all__ = ["BATCH", "app"]
