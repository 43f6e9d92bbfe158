"""Times that people send over HTTP, whatever their year and their zone."""

from __future__ import annotations

import pytest

from tests.gateway.api.v1.test_speaking import Talk, site, talk

__all__ = ["site", "talk"]  # fixtures


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        ("9999-12-31T23:59:59-12:00", "9998-12-31T00:00:00.000000Z"),
        ("0001-01-01T00:00:00+14:00", "0002-01-01T00:00:00.000000Z"),
        ("2999-12-31T23:59:59-12:00", "3000-01-01T11:59:59.000000Z"),
    ],
)
async def test_a_time_at_the_end_of_all_calendars_is_kept_as_one_that_can_be_told(
    talk: Talk, at: str, kept: str
) -> None:
    case = (await talk.mail("late@example.jp"))["id"]
    await talk.client.patch(f"/v1/cases/{case}", json={"status": "pending"})
    waiting = (await talk.client.get(f"/v1/follow_ups?case_id={case}&status=pending")).json()
    path = f"/v1/follow_ups/{waiting['items'][0]['id']}"
    answer = await talk.client.patch(path, json={"due_at": at})
    assert (answer.status_code, answer.json()["due_at"]) == (200, kept)
    assert (await talk.client.get("/v1/surveys", params={"since": at})).status_code == 200
