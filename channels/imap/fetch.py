"""Fetching mails by UID: small ones together, large ones in pieces into a synced file."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from channels.imap.folder import Facts
from channels.imap.wire import Connection
from channels.spool import SPOOLED_FROM, Spool
from normalizer.message import Spooled

_PIECE = 2**20
_PER_MAIL = 1024  # octets around a mail in the server's answer, at most


class Unobtainable(Exception):
    """The server does not give this mail out."""


def facts(connection: Connection, uids: Sequence[int]) -> list[Facts]:
    """What the server says of these mails, in their order; one that is gone is left out."""
    connection.expect(_PER_MAIL * len(uids))
    found = connection.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
    return [_facts(uid, found[uid]) for uid in uids if b"RFC822.SIZE" in found.get(uid, {})]


def _facts(uid: int, said: dict[bytes, Any]) -> Facts:
    came, size = said.get(b"INTERNALDATE"), said[b"RFC822.SIZE"]
    aware = came.astimezone(UTC) if isinstance(came, datetime) and came.tzinfo else None
    return Facts(uid, size if isinstance(size, int) else 0, aware)


def beginnings(connection: Connection, uids: Sequence[int]) -> dict[int, bytes]:
    """Each mail up to one octet more than is carried in memory; BODY.PEEK leaves it unread.

    The server's idea of a size is not believed: it says only what it gives out.
    """
    connection.expect((SPOOLED_FROM + _PER_MAIL) * len(uids))
    found = connection.fetch(uids, [f"BODY.PEEK[]<0.{SPOOLED_FROM + 1}>"])
    said = {uid: _content(found.get(uid, {})) for uid in uids}
    return {uid: content for uid, content in said.items() if content}


def whole(connection: Connection, mail: Facts, beginning: bytes, folder: Path) -> Spooled:
    """A large mail as a file; it costs the memory of one piece. Raises Unobtainable, OSError."""
    spool = Spool(folder / f"{secrets.token_hex(12)}.eml")
    try:
        _copy(connection, mail, beginning, spool)
        return spool.finish()
    except BaseException:
        spool.discard()
        raise


def _copy(connection: Connection, mail: Facts, beginning: bytes, spool: Spool) -> None:
    """Until the server has no more; its idea of the size is asked only where a piece is short."""
    offset, piece, wanted = 0, beginning, len(beginning)
    while piece:
        spool.write([piece])
        offset += len(piece)
        if offset >= mail.size and len(piece) < wanted:
            return
        piece, wanted = _piece(connection, mail.uid, offset), _PIECE
    if offset < mail.size // 2:  # some servers estimate sizes, but none so badly
        raise Unobtainable(f"{offset} of {mail.size} octets")


def _piece(connection: Connection, uid: int, offset: int) -> bytes:
    connection.expect(_PIECE)
    found = connection.fetch([uid], [f"BODY.PEEK[]<{offset}.{_PIECE}>"])
    if uid not in found:
        raise Unobtainable("it is gone")
    return _content(found[uid])


def _content(said: dict[bytes, Any]) -> bytes:
    """BODY[]<origin> as the server calls it; b"" for NIL."""
    content = next((said[key] for key in said if key.startswith(b"BODY[]")), None)
    return content if isinstance(content, bytes) else b""
