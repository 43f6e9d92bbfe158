"""Which version of ours this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """The installed version; empty when we run without being installed."""
    try:
        return version("madoguchi")
    except PackageNotFoundError:
        return ""
