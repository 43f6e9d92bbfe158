"""Times that people send over HTTP, whatever their year and their zone."""

from __future__ import annotations

import pytest

from tests.gateway.api.test_speaking import Talk, site, talk

__all__ = ["site", "talk"]  # fixtures


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
async def test_a_time_that_no_calendar_reaches_is_a_mistake_of_the_request(
    talk: Talk, at: str
) -> None:
    for method, path, body in (
        ("PATCH", "/v1/follow_ups/1", {"due_at": at}),
        ("POST", "/v1/cases/1/reply", {"saved": "looking", "personal": "x" * 20, "promised": at}),
    ):
        answer = await talk.client.request(method, path, json=body)
        assert answer.status_code == 400
        assert "must lie between 1970 and 2999" in answer.json()["detail"]
    answer = await talk.client.get("/v1/surveys", params={"since": at})
    assert (answer.status_code, answer.json()["detail"]) == (
        400, "since: must lie between 1970 and 2999",
    )  # fmt: skip
