"""The database: engine, scopes, column types, what differs between dialects, migrations."""

from digest.db.base import Base
from digest.db.engine import Database, after_commit
from digest.db.types import BigId, Json, UtcDateTime, choice

__all__ = ["Base", "BigId", "Database", "Json", "UtcDateTime", "after_commit", "choice"]
