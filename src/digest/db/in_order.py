"""Reading rows along an index that has them in the order that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Session


@contextmanager
def in_order_of_index(session: Session) -> Iterator[None]:
    """Within the block PostgreSQL does not sort what an index has in order.

    For a page of a long list: where it thinks that few rows fit, it would rather read them all and sort.
    """
    if session.get_bind().dialect.name != "postgresql":
        yield
        return
    session.execute(sa.text("SELECT set_config('enable_sort', 'off', true)"))
    yield
    session.execute(sa.text("SELECT set_config('enable_sort', 'on', true)"))
