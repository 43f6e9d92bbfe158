"""What somebody and we said to each other, as a channel shows it to whoever comes to fetch it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from normalizer.message import Button, Kind


class Enclosed(NamedTuple):
    """A file of a message, by its SHA-256 (hex); its size in octets."""

    filename: str
    content_type: str
    size: int
    sha256: str


class Said(NamedTuple):
    """One message; `reference` is its case's, "" where it has none."""

    message_id: str
    ours: bool
    kind: Kind
    text: str
    at: datetime
    reference: str = ""
    buttons: tuple[Button, ...] = ()
    files: tuple[Enclosed, ...] = ()
