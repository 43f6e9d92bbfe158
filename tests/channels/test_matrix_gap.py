"""What a homeserver left out of a sync is read back to where we were, whatever its pages hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import Host
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


async def test_an_empty_page_does_not_end_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Matrix, "GET /rooms/{roomId}/messages": only a page without an end is the last."""
    facts = {"name": "m", "type": "matrix", "homeserver": "http://127.0.0.1:1",
             "user": "@desk:example.org", "access_token": "t"}  # fmt: skip
    channel = Matrix(Matrix.Settings.model_validate(facts), Host("desk", tmp_path))

    async def before(_: str, token: str) -> tuple[list[Any], str]:
        numbers, end = PAGES[token]
        return [_event(number) for number in numbers], end

    monkeypatch.setattr(channel._api, "before", before)
    cursor = Cursor("t10", NOON, NOON)
    found = [event["event_id"] async for event in channel._events(Room("!r", (), "t9"), cursor)]
    await channel.close()
    assert found == ["$5", "$8", "$9"]
