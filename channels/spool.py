"""The file of one large mail, durable before anybody is told of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from normalizer.message import Spooled

SPOOLED_FROM = 256 * 1024


class Spool:
    """The file of one large mail; `.part` until it is whole and synced. Blocks: call in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_suffix(".part")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("xb", buffering=0)
        self._digest = sha256()
        self._size = 0

    def write(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:  # an unbuffered file may take less than it is given
                rest = rest[self._file.write(rest) :]
            self._digest.update(piece)
            self._size += len(piece)

    def finish(self) -> Spooled:
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.rename(self._path)
        _sync_folder(self._path.parent)
        return Spooled(str(self._path), self._size, self._digest.hexdigest())

    def discard(self) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
