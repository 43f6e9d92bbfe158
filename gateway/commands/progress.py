"""How an import stands: a live line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

from gateway.commands.importing import Tally

_PLAIN_EVERY = 5.0  # seconds between lines where nobody watches


class Progress:
    """Shows a Tally as it grows."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._status: Status | None = None
        self._began = self._said = time.monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("reading …")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()

    def show(self, tally: Tally) -> None:
        now = time.monotonic()
        done = sum(tally)
        line = (
            f"{done} mails, {done / max(now - self._began, 0.001):.0f}/s: imported {tally.imported}, "
            f"known {tally.known}, quarantined {tally.quarantined}"
        )
        if self._status:
            self._status.update(line)
        elif now - self._said > _PLAIN_EVERY:
            self._said = now
            self._console.print(line, highlight=False)
