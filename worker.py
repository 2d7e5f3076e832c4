"""The Celery entry point: `celery -A worker worker` and `celery -A worker beat`."""

from digest.tasks import app

__all__ = ["app"]
