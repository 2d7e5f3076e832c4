"""People of the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from digest.db import Database
    from digest.models import Account


@pytest.fixture
def nare(database: Database) -> Account:
    """An admin with a password."""
    from digest.models import AccountRole
    from tests.factories import make_account
    from tests.factories.moments import NOW
    from tests.integration.web.desk.hands import CHEAP

    with database.write() as session:
        return make_account(
            session,
            "nare@courier.example",
            role=AccountRole.ADMIN,
            password_hash=CHEAP,
            credentials_at=NOW,
        )
