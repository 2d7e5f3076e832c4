"""The moment at which tests happen, unless they say another."""

from __future__ import annotations

import datetime as dt

NOW = dt.datetime(2026, 11, 23, 13, 30, tzinfo=dt.UTC)
