"""What a homeserver left out of a sync is read back to where we were, whatever its pages hold."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import Host, NoPast
from channels.matrix import Matrix
from channels.matrix.cursor import Cursor
from channels.matrix.sync import Room
from tests.making import NOON

PAGES: dict[str, tuple[list[int], str]] = {
    "t9": ([9, 8], "t7"),
    "t7": ([], "t5"),  # somebody is ignored there, or a filter took all
    "t5": ([5], "t4"),
    "t4": ([], "t4"),
}


def _event(number: int) -> dict[str, Any]:
    at = (NOON + timedelta(minutes=number)).timestamp()
    return {"event_id": f"${number}", "type": "m.room.message", "sender": "@yuki:example.org",
            "content": {}, "origin_server_ts": int(at * 1000)}  # fmt: skip


async def read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: datetime) -> list[str]:
    """The events of the gap, for one who looked last at that time."""
    facts = {"name": "m", "type": "matrix", "homeserver": "http://127.0.0.1:1",
             "user": "@desk:example.org", "access_token": "t"}  # fmt: skip
    settings, host = Matrix.Settings.model_validate(facts), Host("desk", tmp_path)
    channel = Matrix(settings, host, clock=lambda: NOON)

    async def before(_: str, token: str) -> tuple[list[Any], str]:
        numbers, end = PAGES[token]
        return [_event(number) for number in numbers], end

    monkeypatch.setattr(channel._api, "before", before)
    cursor, room = Cursor("t10", NOON, last), Room("!r", (), "t9")
    found = [event["event_id"] async for event in channel._events(room, cursor)]
    await channel.close()
    return found


async def test_an_empty_page_does_not_end_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Matrix, "GET /rooms/{roomId}/messages": only a page without an end is the last."""
    assert await read_back(tmp_path, monkeypatch, NOON) == ["$5", "$8", "$9"]


async def test_a_clock_that_was_a_year_ahead_hides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T02: what was written since our last look is not older than it."""
    found = await read_back(tmp_path, monkeypatch, NOON + timedelta(days=365))
    assert found == ["$5", "$8", "$9"]


async def test_a_first_look_of_the_future_makes_no_history_of_what_comes_now() -> None:
    """T02: else nobody would be answered until that day."""
    ahead = NOON + timedelta(days=365)
    cursor = await Cursor("", ahead, ahead).move(NoPast(), "t1", NOON)
    assert not cursor.is_history(NOON)
