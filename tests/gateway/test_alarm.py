"""An alarm is told once an hour: an event, a line at error level, a number."""

from __future__ import annotations

import io
import json
from datetime import timedelta

from gateway.alarm import Alarm, Alarms, Kind
from gateway.metrics import Metrics
from store.engine import StoreUnavailable
from tests.making import NOON, Desk, mail


def alarm(kind: Kind = "staff.flood", minutes: int = 0) -> Alarm:
    return Alarm(kind, "as the test says", NOON + timedelta(minutes=minutes), {"channel": "mail"})


async def told(desk: Desk) -> list[dict[str, str]]:
    found = await desk.rows("SELECT data FROM events WHERE type = 'alarm.raised' ORDER BY cursor")
    return [json.loads(row["data"]) for row in found]


async def test_an_alarm_is_an_event_a_line_and_a_number(desk: Desk, logged: io.StringIO) -> None:
    alarms, metrics = Alarms(), Metrics()
    alarms.raise_(alarm())
    await alarms.tell(desk.store, metrics)
    (event,) = await told(desk)
    assert event == {"kind": "staff.flood", "reason": "as the test says", "channel": "mail"}
    line = json.loads(logged.getvalue())
    assert (line["event"], line["level"], line["kind"]) == ("alarm.raised", "error", "staff.flood")
    assert metrics.registry.get_sample_value("madoguchi_alarms_total", {"kind": "staff.flood"}) == 1


async def test_of_each_kind_one_an_hour(desk: Desk) -> None:
    alarms = Alarms()
    for minutes in range(0, 120, 5):
        alarms.raise_(alarm(minutes=minutes))
    alarms.raise_(alarm("channel.silent"))
    await alarms.tell(desk.store, Metrics())
    assert [event["kind"] for event in await told(desk)] == [
        "staff.flood",
        "staff.flood",
        "channel.silent",
    ]


async def test_an_alarm_waits_for_the_store(desk: Desk) -> None:
    class Down:
        def change(self, _: object) -> None:
            raise StoreUnavailable

    alarms = Alarms()
    alarms.raise_(alarm())
    await alarms.tell(Down(), Metrics())  # type: ignore[arg-type]  # all that is asked of it
    assert await told(desk) == []
    await alarms.tell(desk.store, Metrics())
    assert len(await told(desk)) == 1


async def test_a_spent_hour_of_strangers_raises_one_l18(desk: Desk) -> None:
    for n in range(62):
        await desk.accept(mail(f"a@d{n}.example", f"Matter {n}"), f"a@d{n}.example")
    await desk.rules.alarms.tell(desk.store, Metrics())
    (event,) = await told(desk)
    assert event["kind"] == "acknowledgements.strangers"


async def test_a_robot_with_new_faces_raises_one_l12(desk: Desk) -> None:
    text = "Thank you for getting in touch. We have your request, and one of us will look at it within a day."
    for n in range(6):
        await desk.accept(mail(f"a{chr(97 + n)}@desk.example", f"Matter {n}", text))
    await desk.rules.alarms.tell(desk.store, Metrics())
    (event,) = await told(desk)
    assert event["kind"] == "acknowledgements.robot"
    assert await desk.count("cases") == 6
    assert await desk.count("outbox") == 4
