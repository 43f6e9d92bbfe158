"""What came of a day in the zoo: the most that anybody got from us, by sender, case and hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.matching.author import fold
from tests.zoo.world import DAY, HOUR, House, World


class Figures(NamedTuple):
    """The worst of each promise; `mails` came, `said` went."""

    mails: int
    said: int
    unauthenticated_day: int
    authenticated_day: int
    conversation_day: int
    unauthenticated_hour: int


async def figures(world: World) -> Figures:
    """Counted from the outboxes of all houses, over every window and not by the calendar."""
    out = [row for house in world.houses for row in await _outbox(house, world.now)]
    strangers = [row for row in out if not row.authenticated]
    return Figures(
        mails=len(world.came),
        said=len(out),
        unauthenticated_day=most(((fold(r.to), r.at) for r in strangers), DAY),
        authenticated_day=most(((fold(r.to), r.at) for r in out if r.authenticated), DAY),
        conversation_day=most(((r.conversation, r.at) for r in out), DAY),
        unauthenticated_hour=most((("", r.at) for r in strangers), HOUR),
    )


class Row(NamedTuple):
    """An automatic message of ours in the outbox."""

    at: datetime
    to: str
    conversation: Hashable
    authenticated: bool


async def _outbox(house: House, at: datetime) -> list[Row]:
    await house.open(at)
    found = await house.desk.rows(
        "SELECT o.created_at, json_extract(m.recipients, '$.to[0][1]') AS recipient,"
        " o.conversation_id, o.authenticated FROM outbox o JOIN messages m ON m.id = o.message_id"
        " WHERE o.automatic ORDER BY o.created_at"
    )
    await house.close()
    return [
        Row(
            datetime.fromisoformat(row["created_at"]), row["recipient"],
            (house.name, row["conversation_id"]), bool(row["authenticated"]),
        )
        for row in found
    ]  # fmt: skip


def most(events: Iterable[tuple[Hashable, datetime]], window: timedelta) -> int:
    """The most events of one key within any window of that length."""
    times: dict[Hashable, list[datetime]] = defaultdict(list)
    worst = 0
    for key, at in events:
        recent = [t for t in times[key] if t > at - window]
        times[key] = [*recent, at]
        worst = max(worst, len(times[key]))
    return worst
