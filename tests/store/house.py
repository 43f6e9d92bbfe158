"""A store to test with: real rules, small mails, and either database."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from gateway.admit import Admission
from gateway.matching.place import Place
from gateway.outgoing.acknowledge import Decision, Limits
from normalizer.message import Address, Claim, Identity, Message, Transport
from store import rows
from store.known import Arrival, Author, Raw
from store.rows import instant
from store.store import Store

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class Site(NamedTuple):
    """Where a database and its large bytes are."""

    url: str
    folder: Path


def _never(_: str) -> None:
    """A failpoint that is off."""


@asynccontextmanager
async def opened(site: Site, failpoint: Callable[[str], None] = _never) -> AsyncIterator[Store]:
    """A store on a database that is migrated."""
    store = Store(site.url, site.folder, admission(), failpoint)
    try:
        yield store
    finally:
        await store.close()


def admission() -> Admission:
    """Every author is answered, without limits."""
    return Admission(
        own=frozenset({Identity("email", "support@example.com")}),
        enabled=True,
        to_blind_copies=True,
        limits=Limits(0, 0, 0, 0, 0, 0),
        write_acknowledgement=_acknowledgement,
        check=lambda _text, _address: None,
    )


def _acknowledgement(
    arrival: Arrival, message: Message, where: Place, decision: Decision, id_: int
) -> rows.Message:
    ids = (where.conversation_id, where.case.id, where.case.customer_id, None)
    return rows.Message(
        id_, *ids, "mail", "out", "acknowledgement", "stored", f"{id_}@example.com",
        message.message_id, "[]", None, "Re: parcel", "We have it.", None, "en", "{}",
        f'{{"to": [["", "{decision.to}"]]}}', "", "", "{}", "[]", None, None,
        instant(arrival.received_at),
    )  # fmt: skip


def arrival(name: str, author: str = "yuki@example.jp", **changes: Any) -> Arrival:
    """A mail by its name: the same name is the same mail, by another transaction."""
    raw = f"Message-ID: <{name}@example.jp>\r\n\r\nWhere is my parcel?\r\n".encode()
    message = Message(
        message_id=f"{name}@example.jp",
        from_=(Address("Yuki", author),),
        claims=(Claim("from", Identity("email", author), "Yuki"),),
        subject="parcel",
        base_subject="parcel",
        text="Where is my parcel?",
        reply_text="Where is my parcel?",
        language="en",
        fingerprint=f"print of {name}",
    )
    given: dict[str, Any] = {
        "channel": "mail",
        "unit": name,
        "received_at": NOON,
        "transport": Transport(sender=author, recipients=("support@example.com",)),
        "raw": Raw(hashlib.sha256(raw).hexdigest(), len(raw), raw),
        "message": message,
        "author": Author(Identity("email", author), "Yuki", True, "dkim"),
        "budget": (author, author.rpartition("@")[2]),
    }
    return Arrival(**given | changes)


async def ask(store: Store, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    return await store.read(lambda connection: answer(connection, query))


def answer(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(query))]
