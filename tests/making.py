"""Small builders for tests: a mail, what it reads as, an arrival, and a whole desk on SQLite."""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import json
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, cast

from sqlalchemy import text as sql

from channels.base import DeliveryError, Receipt, Sent
from gateway import rules as made
from gateway import worker
from gateway.admit import Admission
from gateway.authenticate import Keys
from gateway.config import Config, load
from gateway.deliver import Deliver
from gateway.desk import staffing
from gateway.ingest import Ingest
from gateway.metrics import Metrics
from gateway.outgoing.crowd import Crowd, remember
from gateway.readers import Readers
from gateway.retries.backlog import Backlog
from gateway.sender.resolver import Resolver
from gateway.sender.trust import Trust
from gateway.spam import screen
from gateway.worker import Reading
from normalizer import normalize
from normalizer.message import Address, Claim, Envelope, Identity, Message, Spooled, Transport
from scheduler.clock import Clock as FollowUps
from store.known import Arrival, Author, Changes, Known, Raw
from store.store import Store, prepare

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # a Tuesday, noon in Tokyo
DESK = "support@example.com"
OWN = frozenset({Identity("email", DESK)})
RELAY = "192.0.2.7"
KEYS = Keys(b"k" * 32)
CONFIG = """
[gateway]
name = "Example Support"
timezone = "Asia/Tokyo"
[store]
url = "sqlite:///desk.db"
[[channel]]
name = "mail"
type = "smtp"
listen = "127.0.0.1:2525"
addresses = ["support@example.com", "sales@example.com"]
send = "maildir:sent"
trusted_relays = ["192.0.2.7"]
"""
_numbers = count(1)


def mail(
    sender: str = "Yuki <yuki@example.jp>",
    subject: str = "Where is my parcel?",
    body: str = "It has been a week.",
    *,
    vouched: str = "",
    **headers: str,
) -> bytes:
    """A mail as it comes over the wire; `vouched` is the domain that our relay speaks for."""
    fields = {
        "From": sender,
        "To": DESK,
        "Subject": subject,
        "Message-ID": f"<{next(_numbers)}@mail.example>",
        "Date": "Tue, 24 Nov 2026 12:00:00 +0900",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    trace = f"Authentication-Results: mx; dmarc=pass header.from={vouched}\r\n" if vouched else ""
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"{trace}{lines}\r\n{body}\r\n".encode()


def read(raw: bytes) -> Message:
    """What a mail reads as."""
    return normalize(envelope(raw))[0]


def envelope(raw: bytes | Spooled = b"", *, unit: str = "", **more: Any) -> Envelope:
    facts: dict[str, Any] = {
        "channel": "mail",
        "format": "rfc5322",
        "received_at": NOON,
        "transport": Transport(peer=RELAY, sender="yuki@example.jp", recipients=(DESK,)),
    }
    return Envelope(raw=raw, unit=unit or f"unit-{next(_numbers)}", **(facts | more))


def message(sender: str = "yuki@example.jp", **more: Any) -> Message:
    """A message whose From makes one claim; every other field as a keyword."""
    facts: dict[str, Any] = {
        "message_id": f"{next(_numbers)}@mail.example",
        "from_": (Address("", sender),),
        "to": (Address("", DESK),),
        "claims": (Claim("from", Identity("email", sender), ""),),
        "fingerprint": f"print-{next(_numbers)}",
    }
    return Message(**(facts | more))


def arrival(
    content: Message | None = None, *, known: bool = False, author: str | None = None, **more: Any
) -> Arrival:
    """An arrival of `content` by `author` (From, unless told); `known` means authenticated."""
    content = content if content is not None else message()
    address = author or next((c.identity.address for c in content.claims), "")
    identity = Identity("email", address) if address else None
    raw = f"{next(_numbers)}".encode()
    facts: dict[str, Any] = {
        "channel": "mail",
        "unit": f"unit-{next(_numbers)}",
        "received_at": NOON,
        "transport": Transport(peer=RELAY, sender=address, recipients=(DESK,)),
        "raw": Raw(hashlib.sha256(raw).hexdigest(), len(raw), raw),
        "author": Author(identity, "", known, "as the test says"),
        "budget": (address, address.rpartition("@")[2]),
    }
    return Arrival(message=content, **(facts | more))


def empty() -> tuple[Known, Changes]:
    """A store that knows nothing yet, and no changes."""
    return Known(), Changes(0)


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


class InlineReaders:
    """Reads in this process, at once; `troubles` are raised instead, one for each reading."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.troubles: list[Exception] = []
        self.unreadable = b""

    async def read(self, envelope: Envelope, *, patient: bool = False) -> Reading:
        if self.troubles:
            raise self.troubles.pop(0)
        loaded, sha256 = worker._load(envelope)
        assert isinstance(loaded.raw, bytes)
        if self.unreadable and self.unreadable in loaded.raw:
            return Reading(0, (Message(unreadable="a defect of the reader"),), sha256)
        return Reading(0, worker.read(loaded, self.spool), sha256)


class Wire:
    """A channel that keeps what it is given; `answers` are raised instead, one for each try."""

    def __init__(self, name: str = "mail") -> None:
        self.name = name
        self.ready = True
        self.sent: list[Message] = []
        self.answers: list[BaseException] = []

    async def receive(self, accept: Any) -> None:
        raise DeliveryError("nothing is received here")

    async def send(self, message: Message, key: str) -> Sent:
        if self.answers:
            raise self.answers.pop(0)
        self.sent.append(message)
        return Sent(f"peer-{len(self.sent)}")


@dataclass
class Desk:
    """The gateway's parts on one store, without sockets."""

    config: Config
    store: Store
    inline: InlineReaders
    ingest: Ingest
    backlog: Backlog
    clock: Clock
    wire: Wire
    rules: Admission
    woken: list[str] = field(default_factory=list)

    async def accept(
        self, raw: bytes, sender: str = "yuki@example.jp", *, peer: str = RELAY, **more: Any
    ) -> Receipt:
        """One mail by the one path in, at the clock's time."""
        to = more.pop("to", (DESK,))
        facts: dict[str, Any] = {
            "received_at": self.clock(),
            "transport": Transport(peer=peer, sender=sender, recipients=to),
        }
        return await self.ingest.accept(envelope(raw, **(facts | more)))

    async def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        def ask(connection: Any) -> list[dict[str, Any]]:
            return [dict(row._mapping) for row in connection.execute(sql(query), values)]

        return await self.store.read(ask)

    async def one(self, query: str, **values: Any) -> dict[str, Any]:
        (row,) = await self.rows(query, **values)
        return row

    async def change(self, statement: str, **values: Any) -> None:
        """What a person would have done by another way."""

        def work(connection: Any, _: Changes) -> None:
            connection.execute(sql(statement), values)

        await self.store.write(work)

    async def count(self, table: str) -> int:
        return int((await self.one(f"SELECT count(*) AS n FROM {table}"))["n"])

    async def decision(self, message: int, about: str = "acknowledgement") -> dict[str, str]:
        """What was decided about a message."""
        row = await self.one(
            "SELECT d.value AS d FROM messages m, json_each(m.decisions) d WHERE m.id = :id "
            "AND json_extract(d.value, '$.about') = :about",
            id=message,
            about=about,
        )
        return cast("dict[str, str]", json.loads(row["d"]))

    def follow_ups(self) -> FollowUps:
        """The clock loop, to be looked at by hand."""
        return FollowUps(
            self.store,
            self.config.rules(),
            made.firing(self.config, KEYS),
            self.clock,
            lambda: self.woken.append("fired"),
            lambda kind, _: self.woken.append(kind),
        )

    def deliver(self, owner: str = "us", **more: Any) -> Deliver:
        facts: dict[str, Any] = {
            "channels": {"mail": self.wire}, "clock": self.clock, "failpoint": lambda _: None,
            "metrics": Metrics(),
        }  # fmt: skip
        return Deliver(store=self.store, owner=owner, **(facts | more))


@cache
def empty_database() -> Path:
    """One migrated database to copy: migrating takes longer than a test."""
    folder = tempfile.mkdtemp(prefix="madoguchi-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "empty.db"
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        prepare(f"sqlite:///{path}")  # its lock file closes with the process
    return path


def configure(folder: Path, text: str = CONFIG) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, {})


_rules: dict[str, Admission] = {}


def rules(config: Config, text: str) -> Admission:
    """The rules of a configuration; compiling the templates takes longer than a test."""
    if text not in _rules:
        _rules[text] = made.admission(config, KEYS)
    limits = config.acknowledge.limits
    fresh = Crowd(limits.same_words_week, limits.similar_week, limits.newcomers_domain_hour)
    return replace(_rules[text], crowd=fresh, alarms=made.alarms(config, KEYS))


@asynccontextmanager
async def opened(
    folder: Path,
    text: str = CONFIG,
    readers: Readers | None = None,
    *,
    trusted: bool = True,
    resolver: Resolver | None = None,
) -> AsyncIterator[Desk]:
    """A desk in `folder`; with real readers and a resolver if some are given."""
    config = configure(folder, text)
    if not (folder / "desk.db").exists():
        shutil.copy(empty_database(), folder / "desk.db")
    plan = rules(config, text)
    store = Store(config.store.dsn, folder, plan)
    await remember(plan.crowd, store, NOON)
    inline, clock, woken = InlineReaders(store.blobs.spool), Clock(), list[str]()
    sealers = config.authentication.trusted_arc
    stack, metrics = AsyncExitStack(), Metrics()
    ingest = Ingest(
        store=store,
        readers=readers or cast("Readers", inline),
        keys=KEYS,
        own=made.own(config),
        trust={
            s.name: Trust(*s.trusted(), sealers) if trusted else Trust() for s in config.channels
        },
        max_age=config.acknowledge.max_age.span,
        clock=clock,
        committed=woken.append,
        metrics=metrics,
        forms=config.form_mail,
        staff=staffing.staff(config),
        marks=plan.marks,
        gaps={s.name: s.gap for s in config.channels if s.gap},
        screen=screen.build(config, "desk.example", metrics, stack),
        resolver=resolver,
    )
    try:
        yield Desk(
            config, store, inline, ingest, Backlog(store, ingest), clock, Wire(), plan, woken
        )
    finally:
        await stack.aclose()
        await shut(store)


async def shut(store: Store) -> None:
    """Close a store and the lock file that it leaves to the process's end."""
    await store.close()
    if (lock := store._writer._lock._file) is not None:
        lock.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that happens elsewhere; it is asked again until it holds."""
    async with asyncio.timeout(60):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.005)


def with_header(raw: bytes, headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> bytes:
    """The same mail with more lines on top, as another hop would add them."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return "".join(f"{name}: {value}\r\n" for name, value in pairs).encode() + raw
