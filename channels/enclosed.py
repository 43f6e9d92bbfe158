"""A file that goes out with a message, as its octets."""

from __future__ import annotations

from pathlib import Path

from channels.base import Retry
from normalizer.message import Part, Spooled


def octets(part: Part) -> bytes:
    """All of them. Blocks where they lie in a file. Raises Retry while it cannot be read."""
    try:
        return Path(part.data.path).read_bytes() if isinstance(part.data, Spooled) else part.data
    except OSError as error:
        raise Retry(f"an attachment cannot be read: {error.strerror}") from error
