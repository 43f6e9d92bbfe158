"""Places where a test may kill the daemon: `MADOGUCHI_FAILPOINT="F2:17"` dies at the 17th F2."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from threading import Lock


def failpoint(env: Mapping[str, str]) -> Callable[[str], None]:
    """A function that does nothing, unless the environment names a place and a count."""
    wanted, _, times = env.get("MADOGUCHI_FAILPOINT", "").partition(":")
    if not wanted:
        return lambda _: None
    left = int(times or 1)
    lock = Lock()

    def passed(name: str) -> None:
        nonlocal left
        if name != wanted:
            return
        with lock:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return passed
