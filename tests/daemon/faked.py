"""A wall clock that a test sets, for one process: libfaketime, which leaves monotonic time alone."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tests.daemon.servers import require

_LIBRARIES = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")


class WallClock(NamedTuple):
    """The file that says how far the clock is set off, as `+365d` or `-1h`."""

    file: Path

    @property
    def environment(self) -> dict[str, str]:
        """For the process that shall go by it."""
        return {
            "LD_PRELOAD": str(next(_LIBRARIES)),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: str) -> None:
        """From now on the clock is so much fast or slow."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{offset}\n", encoding="ascii")
        fresh.replace(self.file)


def wall_clock(folder: Path) -> WallClock:
    """A clock that is right so far."""
    require("faketime")
    clock = WallClock(folder / "offset")
    clock.set("+0")
    return clock
