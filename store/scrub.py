"""Let nothing be left of what was deleted: not in free pages of the file, not in its write-ahead log."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from store.engine import PATIENCE, StoreUnavailable, WriteLock

LARGEST = 2**30  # octets; a larger file is made anew by its admin, at a quiet hour


def scrub(path: Path) -> bool:
    """Make an SQLite file anew and empty its log; whether nothing can be left now.

    Mail that comes meanwhile waits, for a few seconds at most, and is then told to come again.
    A reader that stays open keeps the log: False, as for a file above `LARGEST`.
    """
    lock = WriteLock(path)
    try:
        with lock.held(), closing(sqlite3.connect(path, timeout=PATIENCE)) as connection:
            connection.isolation_level = None
            is_small = path.stat().st_size <= LARGEST
            if is_small:
                connection.execute("VACUUM")
            (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return is_small and not is_busy
    except (sqlite3.OperationalError, StoreUnavailable):
        return False
    finally:
        lock.close()
