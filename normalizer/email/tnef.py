"""Files inside a winmail.dat (MS-OXTNEF), read by a kept library; what it cannot read stays as it is."""

from __future__ import annotations

MAX_SIZE = 25 * 1024 * 1024
MAX_FILES = 100


def is_tnef(content_type: str, filename: str) -> bool:
    return content_type in {"application/ms-tnef", "application/vnd.ms-tnef"} or (
        filename.lower() == "winmail.dat"
    )


def attachments(data: bytes) -> list[tuple[str, bytes]]:
    """Name and bytes of each file; none when it is no TNEF or a broken one."""
    if not data.startswith(b"\x78\x9f\x3e\x22") or len(data) > MAX_SIZE:
        return []
    # Rarely needed, so loaded only then.
    from tnefparse import TNEF

    try:
        found = TNEF(data, do_checksum=False).attachments[:MAX_FILES]
        return [(str(item.long_filename() or item.name), bytes(item.data)) for item in found]
    except Exception:  # the library raises whatever a broken file makes it stumble on
        return []
