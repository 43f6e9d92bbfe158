"""A customer of several channels, an answer that fails on one, and who looks for another way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from channels.base import DeliveryError
from gateway import rules as made
from gateway.desk import acts
from gateway.desk.speak import Who
from gateway.desk.wanted import Reply
from gateway.notices.elsewhere import Elsewhere
from gateway.retries.reroute import Reroute
from gateway.team.calendars import quiet_until
from normalizer.message import Claim, Identity, Message
from store import shapes
from tests.making import CONFIG, KEYS, Desk, Wire, arrival, opened

TWO = (
    CONFIG
    + """
[[channel]]
name = "shop"
type = "http"
url = "http://127.0.0.1:1/hook"
secret = { file = "secret" }
[[channel]]
name = "club"
type = "http"
url = "http://127.0.0.1:1/hook"
secret = { file = "secret" }
"""
)


SHOP, CLUB = Identity("http-shop", "u-17"), Identity("http-club", "c-1")


MAIL = Identity("email", "yuki@example.jp")


@asynccontextmanager
async def several_ways(folder: Path, more: str = "") -> AsyncIterator[Desk]:
    """A desk with a mailbox, a shop and a club."""
    (folder / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", encoding="utf-8")
    async with opened(folder, TWO + more) as desk:
        yield desk


async def wrote(desk: Desk, who: Identity, *, known: bool = True, channel: str = "") -> int:
    """Somebody writes; the case."""
    desk.clock.advance(minutes=1)
    content = Message(
        claims=(Claim("platform", who, ""),), text="help", fingerprint=f"{who} {desk.clock()}"
    )
    said = arrival(
        content, author=who.address, known=known, gap=timedelta(days=1),
        received_at=desk.clock(), budget=(str(who), who.kind),
        channel=channel or {"email": "mail"}.get(who.kind, who.kind.removeprefix("http-")),
    )  # fmt: skip
    author = said.author._replace(identity=who)
    got = await desk.store.commit_inbound(replace(said, author=author))
    row = await desk.one("SELECT case_id FROM messages WHERE id = :id", id=got.message)
    return int(row["case_id"])


async def join(desk: Desk, case: int, but: int = 0) -> None:
    """Everybody is the customer of this case, except for one."""
    for table in ("identities", "messages"):
        await desk.change(
            f"UPDATE {table} SET customer_id = (SELECT customer_id FROM cases WHERE id = :case)"
            " WHERE customer_id <> :but", case=case, but=but,
        )  # fmt: skip
    await desk.change(
        "UPDATE messages SET conversation_id ="
        " (SELECT id FROM conversations c WHERE c.customer_id = messages.customer_id)"
    )


async def one_customer(desk: Desk, *others: Identity, known: bool = True) -> int:
    """Somebody who wrote by each of these, and last by the shop; the case there."""
    for other in others:
        await wrote(desk, other, known=known)
    case = await wrote(desk, SHOP)
    await join(desk, case)
    await desk.change("UPDATE outbox SET state = 'sent'")
    return case


async def answer(desk: Desk, case: int, text: str = "Here is how.") -> int:
    act = acts.reply(made.desk(desk.config, KEYS), case, Reply(text=text), (),
                     Who("Aiko", "desk", desk.clock()))  # fmt: skip
    queued = await desk.store.change(act)
    assert isinstance(queued, shapes.Queued)
    return queued.id


async def deliver(desk: Desk, *answers: DeliveryError, channel: str = "shop") -> Wire:
    """One try of all that is due on a channel."""
    wire = Wire(channel)
    wire.answers = list(answers)
    by = desk.deliver(channels={channel: wire}, owner=channel)
    sending: set[Any] = set()
    settled: list[Any] = []
    await by._claim(channel, sending, settled)
    settled += [await one for one in list(sending)]
    sending.clear()
    await by._claim(channel, sending, settled)
    return wire


def reroute(desk: Desk, **more: Any) -> Reroute:
    facts: dict[str, Any] = {
        "channels": {}, "speaks": frozenset({"mail", "shop", "club"}), "clock": desk.clock,
        "wake": desk.woken.append, "after": timedelta(hours=1), "paid": False,
        "failpoint": lambda _: None,
    }  # fmt: skip
    quiet = partial(quiet_until, desk.config.calendar.quiet, ZoneInfo("Asia/Tokyo"))
    elsewhere = Elsewhere(made.announcing(desk.config, KEYS), quiet)
    return Reroute(
        desk.store, made.desk(desk.config, KEYS), made.firing(desk.config, KEYS), elsewhere,
        **facts | more,
    )  # fmt: skip


async def instead(desk: Desk) -> list[dict[str, Any]]:
    return await desk.rows(
        "SELECT channel, recipients, text, instead_of FROM messages WHERE instead_of IS NOT NULL"
        " ORDER BY id"
    )
