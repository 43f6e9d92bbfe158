"""Where a channel's tokens are kept: one file, replaced whole, that only we may read."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from channels.oauth_grant import Grant

_MOMENTS = ("ends_at", "since", "refresh_ends_at", "refused_at")


class GrantFile:
    """The grant of one channel. Raises OSError when it cannot be kept."""

    def __init__(self, folder: Path, channel: str) -> None:
        self.path = folder / f"{quote(channel, safe='')}.json"

    def load(self) -> Grant | None:
        """What was saved last; None if nothing was, or if somebody damaged it."""
        try:
            return _read(self.path.read_bytes())
        except FileNotFoundError:
            return None

    def save(self, grant: Grant) -> None:
        """Once this returns, the grant survives the power; before, the one before it does."""
        self._make_folder()
        draft = self.path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(grant), default=datetime.isoformat, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        _sync(self.path.parent)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this holds, nobody else refreshes: no thread of ours, and no other process."""
        self._make_folder()
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_folder(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _read(text: bytes) -> Grant | None:
    try:
        kept = json.loads(text)
        kept |= {name: _moment(kept[name]) for name in _MOMENTS}
        return Grant(**kept)
    except (ValueError, TypeError, KeyError):
        return None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
