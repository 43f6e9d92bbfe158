"""A store with a little of everything in it, filled the way mail comes in."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, insert

from channels.mail import MailSettings
from gateway import worker
from gateway.admit import Admission
from gateway.api.app import ApiState, Readiness
from gateway.authenticate import Keys
from gateway.desk.speak import Desk
from gateway.follow_ups.follow import Follow
from gateway.matching.place import Place
from gateway.notices import decide
from gateway.notices.acts import Announcing
from gateway.notices.draw import Drawing
from gateway.notices.text import Letters
from gateway.outgoing.acknowledge import Decision, Limits
from gateway.promises.word import Promising
from gateway.record import to_json
from gateway.team.calendars import Calendars, Times
from gateway.words import Words
from normalizer.message import Envelope, Identity, Message, Spooled, Transport
from scheduler.calendar import Calendar
from scheduler.duration import Duration
from scheduler.rules import UPDATE, Rule
from store import rows, schema, tokens
from store.known import Accepted, Arrival, Author, Changes, Raw
from store.rows import instant
from store.store import Store, prepare

MAIL = MailSettings(
    name="mail", type="smtp", addresses=("support@example.com",), send="maildir:sent"
)
_WEEK = Duration.parse("7 days")
FOLLOW = Follow(
    (
        Rule("late", "unanswered", _WEEK),
        Rule("nudge", "pending", _WEEK),
        Rule("new", "new", _WEEK),
        Rule("owed", UPDATE, _WEEK, notify=("desk@example.com",)),
    ),
    Promising(
        Calendars(Times(Calendar.build("Asia/Tokyo", {"mon-fri": ["09:00-18:00"]}, "JP"))),
        Duration.parse("4 business hours"),
    ),
)
SECRET = "the-only-token-of-these-tests"
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HTML = """<p>Hello <b>there</b></p><script>alert(1)</script><img src="https://spy.example/pixel.gif">
<img src="cid:logo@shop"><a href="javascript:alert(1)">x</a><p onclick="x()">end</p>"""
LARGE = b"0123456789abcdef" * 20_000


class Site(NamedTuple):
    """A database that is migrated and filled, and the folder of its large bytes."""

    url: str
    data_dir: Path


@dataclass(frozen=True)
class Seeded:
    """The ids of what was stored."""

    yuki: int
    large: int
    unread: int
    quarantined: int
    acknowledgement: int


def mail(subject: str, sender: str = "Yuki <yuki@example.jp>") -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = sender, "support@example.com", subject
    letter["Message-ID"] = f"<{uuid4()}@example.jp>"
    letter["Date"] = NOON
    letter.set_content("Where is my parcel?\n")
    return letter


def decorated() -> EmailMessage:
    """A mail with HTML, and with attachments whose names and types are up to something."""
    letter = mail("注文について")
    letter.add_alternative(HTML, subtype="html")
    letter.add_attachment(b"<script>1</script>", "text", "html", filename="見積\u202e.html")
    letter.add_attachment(b"%PDF-1.7", "application", "pdf", filename='../../etc/a"b.pdf')
    return letter


async def deliver(
    store: Store, raw: bytes, sender: str, unit: str, *, read: bool = True
) -> Accepted:
    """One mail on its way in, as `gateway.ingest` does it."""
    envelope = Envelope(channel="mail", format="rfc5322", raw=raw, unit=unit, received_at=NOON)
    messages = worker.read(envelope, store.blobs.spool) if read else (None,)
    for part in messages[0].parts if messages[0] else ():
        if isinstance(part.data, Spooled):
            await store.keep(part.data)
    arrival = Arrival(
        channel="mail",
        unit=unit,
        received_at=NOON,
        transport=Transport(peer="192.0.2.7", sender=sender, recipients=("support@example.com",)),
        raw=await _kept(store, raw),
        message=messages[0],
        author=Author(Identity("email", sender), sender, True, "dkim"),
        budget=(sender, sender.rpartition("@")[2]),
    )
    return await store.commit_inbound(arrival)


async def _kept(store: Store, raw: bytes) -> Raw:
    sha256 = hashlib.sha256(raw).hexdigest()
    if len(raw) <= worker.SMALL:
        return Raw(sha256, len(raw), raw)
    path = store.blobs.spool / sha256
    path.write_bytes(raw)
    return await store.keep(Spooled(str(path), len(raw), sha256))


def acknowledged(
    arrival: Arrival, message: Message, where: Place, decision: Decision, id_: int
) -> rows.Message:
    person = where.person.identity_id if where.person else None
    ids = (where.conversation_id, where.case.id, where.case.customer_id, person)
    return rows.Message(
        id_, *ids, "mail", "out", "acknowledgement", "stored", f"{id_}@example.com",
        message.message_id, "[]", None, f"Re: {message.subject}", "We have it.", "We have it.",
        "en", "{}", to_json({"to": [["", decision.to]]}), "", "", "{}", "[]", None, None,
        instant(arrival.received_at),
    )  # fmt: skip


def state(
    store: Any, ready: Callable[[], Readiness], metrics: CollectorRegistry, name: str
) -> ApiState:
    """What the API works with, as far as a test does not say otherwise."""
    channels = {"mail": MAIL}
    desk = Desk(channels, MAIL.own(), Keys(b"k" * 32), FOLLOW)
    return ApiState(
        store,
        ready,
        metrics,
        name,
        desk,
        lambda: NOON,
        lambda _: None,
        announcing=announcing(desk, name),
    )


def announcing(desk: Desk, name: str) -> Announcing:
    """How people tell many customers at once."""
    rules = decide.Rules(
        channels=desk.channels, own=desk.own, modes={"mail": "live"}, at_most="live",
        per_conversation_day=0,
    )  # fmt: skip
    letters = Letters(
        words=Words(), keys=desk.keys, name=name, sender="Example Ltd.", sender_address="Tokyo",
        public_url="https://help.example.com",
    )  # fmt: skip
    return Announcing(Drawing(rules, letters, "en"), 60)


def admission(follow: Follow | None = None) -> Admission:
    return Admission(
        own=frozenset({Identity("email", "support@example.com")}),
        enabled=True,
        to_blind_copies=True,
        limits=Limits(0, 0, 0, 0, 0, 0),
        write_acknowledgement=acknowledged,
        follow=follow,
        check=lambda _text, _address: None,
    )


async def fill(store: Store) -> Seeded:
    """Three customers: two cases, a large mail, one that nobody read and one that nobody could."""
    first = decorated()
    yuki = await deliver(store, bytes(first), "yuki@example.jp", "1")
    again = mail("Re: 注文について")
    again["In-Reply-To"] = first["Message-ID"]
    await deliver(store, bytes(again), "yuki@example.jp", "2")
    await deliver(store, bytes(first), "yuki@example.jp", "3")
    large = mail("large", "bob@example.com")
    large.add_attachment(LARGE, "application", "zip", filename="large.zip")
    bob = await deliver(store, bytes(large), "bob@example.com", "4")
    unread = await deliver(store, bytes(mail("unread")), "eve@example.com", "5", read=False)
    broken = await store.commit_inbound(_unreadable())
    await store.write(_more)
    await store.write(lambda c, ch: tokens.create(c, ch, "tests", SECRET, NOON))
    last = await store.read(lambda c: c.execute(_acknowledgements()).scalar_one())
    return Seeded(yuki.message, bob.message, unread.message, broken.message, last)


def _acknowledgements() -> Any:
    m = schema.messages.c
    return schema.messages.select().with_only_columns(m.id).where(m.direction == "out").limit(1)


def _unreadable() -> Arrival:
    raw = b"\x00 no mail"
    sha256 = hashlib.sha256(raw).hexdigest()
    return Arrival(
        channel="mail",
        unit="6",
        received_at=NOON,
        transport=Transport(),
        raw=Raw(sha256, len(raw), raw),
        message=Message(unreadable="it is no mail"),
        author=Author(Identity("email", "mallory@example.net")),
    )


def _more(connection: Connection, changes: Changes) -> None:
    """What mail alone does not make: a participant, a follow-up."""
    case = connection.execute(schema.cases.select().limit(1)).one()
    i = schema.identities.c
    others = schema.identities.select().where(i.customer_id != case.customer_id).limit(1)
    person = connection.execute(others).one()
    at, due = instant(NOON), instant(NOON + timedelta(days=2))
    connection.execute(
        insert(schema.participants).values(
            id=changes.new_id(), case_id=case.id, identity_id=person.id,
            evidence="a person said so", added_at=at,
        )
    )  # fmt: skip
    connection.execute(
        insert(schema.follow_ups).values(
            id=changes.new_id(), case_id=case.id, conversation_id=case.conversation_id,
            rule="nudge", cause="1", state="pending", due_at=due, settled_at=None, reason="",
        )
    )  # fmt: skip
    m = schema.messages.c
    asked = connection.execute(schema.messages.select().where(m.case_id == case.id)).first()
    assert asked
    connection.execute(
        insert(schema.watched).values(
            id=changes.new_id(), message_id=asked.id, kind="follow_up", rule="nudge",
            reason="the case is pending", channel="mail", recipients=asked.recipients,
            language="en", subject="Re: <b>parcel</b>", text="<script>alert(1)</script>",
            buttons='[["Solved", "solved", ""]]', authenticated=True, budget_key="", domain="",
            at=at,
        )
    )  # fmt: skip


async def with_store(site: Site, use: Callable[[Store], Awaitable[Seeded]]) -> Seeded:
    store = Store(site.url, site.data_dir, admission())
    try:
        return await use(store)
    finally:
        await store.close()


def seeded(site: Site) -> Seeded:
    """Migrate a database and fill it."""
    prepare(site.url)
    return asyncio.run(with_store(site, fill))


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Site]:
    """An empty database of a kind."""
    if kind == "sqlite":
        yield Site(f"sqlite:///{folder / 'madoguchi.db'}", folder)
        return
    from tests.daemon.servers import postgres, require

    require("postgres")
    with postgres() as server:
        yield Site(server.create("api"), folder)
