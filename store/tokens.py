"""API tokens: kept as their SHA-256, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from store import schema
from store.known import Changes
from store.rows import instant

_t = schema.tokens.c


class Token(NamedTuple):
    """A token that may be used; the secret itself is nowhere in the store."""

    id: int
    name: str
    sha256: str


def new_secret() -> str:
    """256 random bits, as something that can be copied: guessing it needs no slow hash to fail."""
    return f"mado_{secrets.token_urlsafe(32)}"


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def create(connection: Connection, changes: Changes, name: str, secret: str, at: datetime) -> Token:
    """Let a secret in from now on; one that is known already keeps its row and its name."""
    sha256 = digest(secret)
    known = connection.execute(select(_t.id, _t.name).where(_t.sha256 == sha256)).first()
    if known is not None:
        connection.execute(update(schema.tokens).where(_t.id == known.id).values(revoked_at=None))
        return Token(known.id, known.name, sha256)
    token = Token(changes.new_id(), name, sha256)
    connection.execute(insert(schema.tokens).values(**token._asdict(), created_at=instant(at)))
    return token


def active(connection: Connection) -> tuple[Token, ...]:
    """All tokens that may be used."""
    query = select(_t.id, _t.name, _t.sha256).where(_t.revoked_at.is_(None)).order_by(_t.id)
    return tuple(Token(*row) for row in connection.execute(query))


def find(tokens: Iterable[Token], secret: str) -> Token | None:
    """The token of a secret; how long this takes says nothing about how near a guess came."""
    sha256 = digest(secret)
    found = None
    for token in tokens:
        if hmac.compare_digest(token.sha256, sha256):
            found = token
    return found


def revoke(connection: Connection, id_: int, at: datetime) -> bool:
    """Let a token in no more; False when none such was active."""
    query = update(schema.tokens).where(_t.id == id_, _t.revoked_at.is_(None))
    return connection.execute(query.values(revoked_at=instant(at))).rowcount == 1
