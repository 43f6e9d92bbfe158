"""Large bytes as files by SHA-256: synced before any row points to them."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from normalizer.message import Spooled
from store.known import Raw

SMALL = 256 * 1024  # octets; up to here bytes live in the database, with the row's own fsync


class Blobs:
    """A folder `blobs/ab/cdef…`, one file per content.

    A file appears under its name only when all its bytes are on the disk: it is written and synced
    elsewhere in `data_dir`, renamed, and the folder synced. What a crash leaves behind is in
    `spool/` and named by nobody.
    """

    def __init__(self, data_dir: Path, failpoint: Callable[[str], None]) -> None:
        self.spool = data_dir / "spool"
        self.folder = data_dir / "blobs"
        self._failpoint = failpoint
        self.spool.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        _sync_folder(data_dir)

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256[2:]

    def keep(self, spooled: Spooled) -> Raw:
        """Take over a synced spool file."""
        target = self.path(spooled.sha256)
        if target == Path(spooled.path):
            return Raw(spooled.sha256, spooled.size, None)
        self._failpoint("F13")
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            Path(spooled.path).replace(target)
        else:
            Path(spooled.path).unlink(missing_ok=True)
        # Also for a file that was there: whoever put it there may not have come to this yet.
        _sync_folder(target.parent)
        _sync_folder(self.folder)
        self._failpoint("F13")
        return Raw(spooled.sha256, spooled.size, None)

    def write(self, data: bytes) -> Spooled:
        """Bytes that we were given as a synced file, for `keep`."""
        path = self.spool / f"given-{secrets.token_hex(8)}"
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return Spooled(str(path), len(data), hashlib.sha256(data).hexdigest())

    def remove(self, sha256: str) -> None:
        """Delete a content that nobody has any more."""
        target = self.path(sha256)
        if target.exists():
            target.unlink()
            _sync_folder(target.parent)

    def clear_spool(self) -> int:
        """Remove what an earlier process left half written; returns how many files."""
        left = [path for path in self.spool.iterdir() if path.is_file()]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
