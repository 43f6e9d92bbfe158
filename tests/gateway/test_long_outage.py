"""W07: a consumer that is away for a day gets everything afterwards, in order, and costs little."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from channels.base import ChannelDown, Sent
from channels.limits import Limits
from gateway.deliver import UNDER_WAY
from gateway.outgoing.letter import outbox_row
from store import rows
from store.bulk import insert
from store.known import Changes
from store.rows import instant
from tests.making import NOON, Desk, Wire, mail, opened

PEOPLE, EACH = 60, 50
LIMITS = Limits(in_order=True)


class Consumer(Wire):
    """What is called; away until it is told to be there."""

    def __init__(self) -> None:
        super().__init__()
        self.away = True

    async def send(self, message: object, key: str) -> Sent:
        if self.away:
            raise ChannelDown("the consumer does not answer")
        return await super().send(message, key)  # type: ignore[arg-type]


async def talk(desk: Desk) -> None:
    """So many answers to so many customers, one after the other."""
    for n in range(PEOPLE):
        await desk.accept(
            mail(f"<c{n}@x{n}.example>", vouched=f"x{n}.example"), f"c{n}@x{n}.example"
        )
    await desk.change("UPDATE outbox SET state = 'sent'")
    cases = await desk.rows("SELECT id, conversation_id, customer_id FROM cases ORDER BY id")

    def write(connection: Connection, changes: Changes) -> None:
        said, waiting = [], []
        for turn in range(EACH):
            for case in cases:
                to = json.dumps({"to": [["", f"c{case['id']}@x.example"]]})
                row = rows.Message(
                    changes.new_id(), case["conversation_id"], case["id"], case["customer_id"],
                    None, "mail", "out", "reply", "stored", f"{turn}.{case['id']}@example.com", "",
                    "[]", None, "", str(turn), None, "en", "{}", to, "", "", "{}", "[]", None,
                    None, instant(NOON + timedelta(seconds=turn)),
                )  # fmt: skip
                said.append(row)
                at = NOON + timedelta(seconds=turn)
                waiting.append(
                    outbox_row(changes.new_id(), row, at=at, budget=("", ""), authenticated=True)
                )
        insert(connection, said)
        insert(connection, waiting)

    await desk.store.change(write)


async def test_w07_a_day_away_and_all_arrives_once_in_the_order_of_each_conversation(
    tmp_path: Path,
) -> None:
    wire, most = Consumer(), 0
    async with opened(tmp_path) as desk:
        await talk(desk)
        by = desk.deliver(channels={"mail": wire}, limits={"mail": LIMITS})
        sending, settled = set(), []  # type: ignore[var-annotated]
        for hour in range(24):
            desk.clock.at = NOON + timedelta(hours=hour, minutes=1)
            await by._claim("mail", sending, settled)
            most = max(most, len(sending))
            settled += [await one for one in sending]
            sending.clear()
        wire.away = False
        desk.clock.at = NOON + timedelta(hours=30)
        while True:
            await by._claim("mail", sending, settled)
            if not sending:
                break
            most = max(most, len(sending))
            settled += [await one for one in sending]
            sending.clear()
        states = await desk.rows(
            "SELECT o.state, count(*) AS n FROM outbox o JOIN messages m ON m.id = o.message_id "
            "WHERE m.kind = 'reply' GROUP BY o.state"
        )
    heard = defaultdict(list)
    for message in wire.sent:
        turn, _, case = message.message_id.partition("@")[0].partition(".")
        heard[case].append(int(turn))
    assert states == [{"state": "sent", "n": PEOPLE * EACH}]
    assert len(heard) == PEOPLE
    assert all(turns == list(range(EACH)) for turns in heard.values())
    assert 0 < most <= UNDER_WAY, "what is not under way stays in the store"
