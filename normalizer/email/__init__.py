"""Mail (RFC 5322, MIME) into a Message."""

from __future__ import annotations

from normalizer.message import Envelope, Message


def read(envelope: Envelope) -> tuple[Message, ...]:
    raise NotImplementedError
