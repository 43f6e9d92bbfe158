"""What waits for a person is sent with other words, or dropped, and says when it is too late."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from tests.gateway.api.v1.test_speaking import Talk, site, talk

__all__ = ["site", "talk"]  # fixtures


async def _drafted(talk: Talk, sender: str) -> dict[str, Any]:
    """The acknowledgement of a new case, made to wait for a person."""
    case = await talk.mail(sender)
    await talk.store.write(
        lambda c, _: c.execute(
            text(
                "UPDATE outbox SET state = 'draft' WHERE message_id ="
                f" (SELECT max(id) FROM messages WHERE direction = 'out' AND case_id = {case['id']})"
            )
        )
    )
    listed = (await talk.client.get("/v1/drafts?limit=200")).json()["items"]
    (draft,) = [one for one in listed if one["case_id"] == case["id"]]
    return {**draft}


async def test_a_draft_is_sent_with_other_words_and_only_once(talk: Talk) -> None:
    draft = await _drafted(talk, "d1@example.jp")
    assert (draft["kind"], draft["to"], draft["outdated"]) == (
        "acknowledgement",
        "d1@example.jp",
        "",
    )
    path = f"/v1/drafts/{draft['id']}/send"
    sent = await talk.client.post(path, json={"text": "We have it, dear.", "by": "Aiko"})
    assert (sent.status_code, sent.json()["text"]) == (200, "We have it, dear.")
    (row,) = await talk.rows(f"SELECT state FROM outbox WHERE message_id = {draft['id']}")
    assert row["state"] == "queued"
    assert (await talk.client.post(path, json={})).status_code == 404
    (event,) = await talk.told(draft["case_id"], "draft.sent")
    assert event["by"] == "Aiko"


async def test_a_dropped_draft_is_kept_and_never_sent(talk: Talk) -> None:
    draft = await _drafted(talk, "d2@example.jp")
    path = f"/v1/drafts/{draft['id']}/drop"
    assert (await talk.client.post(path, json={"reason": "we rang him up"})).status_code == 200
    (row,) = await talk.rows(f"SELECT state, error FROM outbox WHERE message_id = {draft['id']}")
    assert row == {"state": "failed", "error": "tests: we rang him up"}
    assert (await talk.client.post(path, json={})).status_code == 404


async def test_a_draft_says_when_its_case_has_moved_on(talk: Talk) -> None:
    draft = await _drafted(talk, "d3@example.jp")
    await talk.post(f"/{draft['case_id']}/reply", {"text": "I answered."})
    listed = (await talk.client.get(f"/v1/drafts?after={draft['id'] - 1}&limit=1")).json()["items"]
    assert listed[0]["outdated"] == "a person has answered meanwhile"
    await talk.patch(draft["case_id"], {"status": "resolved"})
    listed = (await talk.client.get(f"/v1/drafts?after={draft['id'] - 1}&limit=1")).json()["items"]
    assert listed[0]["outdated"] == "the case is resolved"
