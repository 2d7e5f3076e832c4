"""A Celery app with Digest's settings and a task that does nothing: `-A bench.delivery_noop worker`."""

from bench.delivery_fleet import NOOP
from digest.config import settings
from digest.queueing.app import make_app

app = make_app(settings())


@app.task(name=NOOP, ignore_result=True)  # type: ignore[untyped-decorator]
def noop(_number: int) -> None:
    """Nothing."""
