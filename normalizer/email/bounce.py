"""Delivery reports (RFC 3464): who was not reached, for good or for now, and which mail it was."""

from __future__ import annotations

from normalizer.email.structure import Entity
from normalizer.message import Bounce


def read(root: Entity, subject: str, sender: str, text: str) -> Bounce | None:
    """The report, when the mail is one."""
    return None
