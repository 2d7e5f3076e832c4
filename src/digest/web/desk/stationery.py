"""What mails to people of the desk are made with."""

from __future__ import annotations

from digest.lists.stationery import Stationery
from digest.web.desk.visit import Visit
from digest.web.reader_answers import stationery_of


def stationery(visit: Visit) -> Stationery:
    """Keys, public address and templates of this installation."""
    return stationery_of(visit.services)
