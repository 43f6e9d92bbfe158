"""Keeps what libraries would load only to offer what we do not use out of the daemon."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(name: str) -> Iterator[None]:
    """What is imported meanwhile finds this library missing, as where it is not installed."""
    if name in sys.modules:
        yield
        return
    # "The import system", section 5.3.1: None stands for what cannot be found.
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
