"""Small functions that make rows; each gives what is left out a plain value and flushes."""

from tests.factories.accounts import make_account
from tests.factories.audience import make_list, make_readers, make_subscriber, make_subscription
from tests.factories.digests import make_cadence, make_digest
from tests.factories.revisions import make_revision

__all__ = [
    "make_account",
    "make_cadence",
    "make_digest",
    "make_list",
    "make_readers",
    "make_revision",
    "make_subscriber",
    "make_subscription",
]
