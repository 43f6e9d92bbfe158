"""A case with rules for follow-ups: what a person does with it, and what time makes of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from gateway import rules
from store import rows, schema
from store.known import Changes
from tests.making import KEYS, Desk

RULES = """
[calendar]
hours = { mon-fri = ["09:00-18:00"] }
quiet = "21:00-08:00"
[[follow_up]]
name = "remind"
when = "unanswered"
after = "4 business hours"
notify = ["boss@example.com", "desk@example.com"]
[[follow_up]]
name = "nudge"
when = "pending"
after = "2 business days"
send = "nudge"
[[follow_up]]
name = "close"
when = "pending"
after = "4 business days"
set_status = "resolved"
[[follow_up]]
name = "ask"
when = "resolved"
after = "1 day"
send = "survey"
"""


async def set_status(desk: Desk, status: str) -> None:
    """As a person does it."""
    follow = rules.firing(desk.config, KEYS).follow

    def plan(connection: Connection, changes: Changes) -> None:
        case = rows.Case(*connection.execute(select(schema.cases)).one())
        now = case._replace(status=status, unanswered_since=None)
        changes.update("cases", case.id, status=status, unanswered_since=None)
        follow.answered(case.id, desk.clock(), changes, "a person answered")
        follow.status_set(case.status, now, desk.clock(), changes, "a person said so")

    await desk.store.change(plan)


async def wait(desk: Desk, **by: float) -> list[dict[str, Any]]:
    """What has been said by ourselves, besides acknowledgements, once so much time has passed."""
    desk.clock.advance(**by)
    await desk.follow_ups().look()
    return await desk.rows(
        "SELECT m.*, o.state, o.conversation_id AS counted FROM messages m"
        " JOIN outbox o ON o.message_id = m.id WHERE m.kind <> 'acknowledgement' ORDER BY m.id"
    )


async def states(desk: Desk) -> dict[str, tuple[str, str]]:
    found = await desk.rows("SELECT rule, state, reason FROM follow_ups ORDER BY id")
    return {row["rule"]: (row["state"], row["reason"]) for row in found}
