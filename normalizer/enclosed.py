"""A file that came within a message, as a part of it."""

from __future__ import annotations

import hashlib

from normalizer.message import Part


def enclosed(filename: str, content_type: str, data: bytes) -> Part:
    return Part(
        role="attachment",
        content_type=content_type,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        data=data,
        filename=filename,
    )
