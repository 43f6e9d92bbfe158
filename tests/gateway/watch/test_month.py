"""A month that a platform counts: told before it is used up, and when it is."""

from __future__ import annotations

import pytest

from gateway.alarm import Alarms
from gateway.metrics import Metrics
from gateway.watch.month import Months, stage
from tests.making import Clock, Desk


@pytest.mark.parametrize(
    ("used", "limit", "expected"),
    [(0, 0, 0), (999, 0, 0), (0, 10, 0), (7, 10, 0), (8, 10, 80), (9, 10, 80), (10, 10, 100), (11, 10, 100)],
)  # fmt: skip
def test_the_stages_of_a_month(used: int, limit: int, expected: int) -> None:
    assert stage(used, limit) == expected


async def test_each_stage_is_told_once_and_the_next_month_clears_it(desk: Desk) -> None:
    alarms, metrics = Alarms(), Metrics()
    months = Months({}, alarms, Clock(), metrics)
    for used in (0, 79, 80, 81, 100, 101, 0, 1):
        months.look("talk", used, 100)
    await alarms.tell(desk.store, metrics)
    found = await desk.rows("SELECT type, json_extract(data, '$.reason') AS said FROM events")
    assert [(row["type"], row["said"].split()[0]) for row in found] == [
        ("alarm.raised", "80"),
        ("alarm.raised", "100"),
        ("alarm.cleared", "0"),
    ]
    figure = metrics.registry.get_sample_value
    assert figure("madoguchi_channel_month_messages", {"channel": "talk"}) == 1
    assert figure("madoguchi_channel_month_limit", {"channel": "talk"}) == 100
