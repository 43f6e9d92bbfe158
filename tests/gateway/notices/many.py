"""Customers who are told of something, and who looks whose turn it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from gateway import rules
from gateway.desk.speak import Who
from gateway.notices import acts
from gateway.notices.wanted import Agreement, Announce
from gateway.team.calendars import quiet_until
from scheduler.notices import Notices
from store import shapes_notices as shapes
from tests.making import KEYS, Desk, mail

MORE = """
[calendar]
quiet = "21:00-08:00"
[notices]
per_minute = 120
sender = "Example Ltd."
sender_address = "1-2-3 Kanda, Tokyo"
[http]
public_url = "https://help.example.com"
"""


TEXT = {"en": "Parcels are a day late.", "ja": "お荷物が一日遅れております。"}


def who(desk: Desk) -> Who:
    return Who("Aiko", "desk", desk.clock())


def loop(desk: Desk, failpoint: Callable[[str], None] = lambda _: None) -> Notices:
    """What the daemon runs, to be looked at by hand."""
    made = rules.announcing(desk.config, KEYS)
    quiet = partial(quiet_until, desk.config.calendar.quiet, ZoneInfo("Asia/Tokyo"))
    queued = partial(desk.woken.append, "queued")
    return Notices(desk.store, made.drawing, made.per_minute, quiet, desk.clock, queued, failpoint)


async def begin(desk: Desk, kind: Any = "service", **wanted: Any) -> shapes.Notice:
    asked = Announce(kind=kind, text=wanted.pop("text", TEXT), **wanted)
    started = await desk.store.change(
        acts.start(rules.announcing(desk.config, KEYS), asked, who(desk))
    )
    assert isinstance(started, shapes.Notice), started
    return started


async def now(desk: Desk, id_: int) -> shapes.Notice:
    from store import notices

    found = await desk.store.read(lambda c: notices.get(c, id_))
    assert found is not None
    return found


async def said(desk: Desk) -> list[dict[str, Any]]:
    return await desk.rows(
        "SELECT m.*, o.state, o.error FROM messages m JOIN outbox o ON o.message_id = m.id"
        " WHERE m.kind = 'notice' ORDER BY m.id"
    )


async def customers(desk: Desk, count: int, **more: Any) -> list[int]:
    """So many people who wrote to us, each surely who they say."""
    for n in range(count):
        name = f"c{n}@example.jp"
        await desk.accept(mail(sender=f"<{name}>", vouched="example.jp", **more), name)
    return [row["id"] for row in await desk.rows("SELECT id FROM customers ORDER BY id")]


async def agree(desk: Desk, customer: int, *, promotion: bool = True) -> shapes.Consents:
    asked = Agreement(promotion=promotion, source="shop checkout")
    done = await desk.store.change(acts.consent(customer, asked, who(desk)))
    assert isinstance(done, shapes.Consents), done
    return done


async def drain(desk: Desk, notices: Notices) -> int:
    """Look once a second until nothing more is queued."""
    total = 0
    while (count := await notices.look()) or total == 0:
        total += count
        desk.clock.advance(seconds=1)
        if not count:
            break
    return total
