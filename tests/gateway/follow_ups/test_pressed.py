"""A button does what it says, in the presser's own conversation, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from normalizer.message import Identity
from tests.gateway.incoming.test_messenger import YUKI, say
from tests.making import CONFIG, Desk, opened

HANA = Identity("pager", "4712")
NUDGE = """
[[follow_up]]
name = "nudge"
when = "pending"
after = "2 days"
send = "nudge"
[[follow_up]]
name = "remind"
when = "unanswered"
after = "1 day"
notify = ["boss@example.com"]
"""


async def press(desk: Desk, word: str, who: Identity = YUKI, **more: Any) -> int:
    desk.clock.advance(minutes=5)
    return (await say(desk, f"[{word}] {desk.clock()}", who=who, pressed=word, **more)).message


async def a_case(desk: Desk, status: str = "pending", who: Identity = YUKI) -> int:
    """A case in which we have answered."""
    await say(desk, f"help {desk.clock()}", who=who)
    row = await desk.one("SELECT max(id) AS id FROM cases")
    await desk.change(
        "UPDATE cases SET status = :s, unanswered_since = NULL WHERE id = :id", s=status, **row
    )
    return int(row["id"])


async def case(desk: Desk, id_: int) -> dict[str, Any]:
    return await desk.one(
        "SELECT status, tags, resolved_at, unanswered_since FROM cases WHERE id = :id", id=id_
    )


async def events(desk: Desk, kind: str) -> list[dict[str, Any]]:
    found = await desk.rows("SELECT data FROM events WHERE type = :k ORDER BY cursor", k=kind)
    return [json.loads(row["data"]) for row in found]


async def thanks(desk: Desk) -> list[str]:
    found = await desk.rows(
        "SELECT text FROM messages WHERE direction = 'out' AND text LIKE '%letting us know%'"
    )
    return [row["text"] for row in found]


async def test_solved_ends_the_case_with_thanks_once(desk: Desk) -> None:
    id_ = await a_case(desk)
    pressed = await press(desk, "solved")
    after = await case(desk, id_)
    assert (after["status"], after["unanswered_since"]) == ("resolved", None)
    assert after["resolved_at"]
    assert await events(desk, "button.pressed") == [
        {"case_id": id_, "message_id": pressed, "pressed": "solved"}
    ]
    (changed,) = await events(desk, "case.changed")
    assert (changed["by"], changed["after"]) == ("customer", {"status": "resolved"})
    await press(desk, "solved")
    assert len(await thanks(desk)) == 1
    assert await desk.count("cases") == 1
    assert await desk.count("v_messages") == 5, "help, ours, two presses, thanks"


async def test_solved_keeps_what_we_still_owed(desk: Desk) -> None:
    id_ = await a_case(desk)
    by = "2026-11-26T03:00:00.000000Z"
    await desk.change("UPDATE cases SET next_update_by = :by, waiting_for = 'it'", by=by)
    await press(desk, "solved")
    after = await desk.one("SELECT * FROM cases WHERE id = :id", id=id_)
    assert (after["status"], after["next_update_by"], after["waiting_for"]) == (
        "resolved",
        None,
        "",
    )
    (changed,) = await events(desk, "case.changed")
    assert changed["before"] == {"status": "pending", "next_update_by": by, "waiting_for": "it"}


async def test_solved_never_ends_what_we_owe_an_answer_to(desk: Desk) -> None:
    id_ = await a_case(desk)
    await say(desk, "one more question", reply_text="one more question")
    await press(desk, "solved")
    after = await case(desk, id_)
    assert (after["status"], after["unanswered_since"] is None) == ("open", False)
    assert await thanks(desk) == []


async def test_solved_opens_and_reopens_nothing(desk: Desk) -> None:
    await press(desk, "solved")
    assert await desk.count("cases") == 0
    id_ = await a_case(desk, "resolved")
    await press(desk, "solved")
    assert (await case(desk, id_))["status"] == "resolved"
    assert await desk.count("cases") == 1
    assert await thanks(desk) == []


async def test_stuck_opens_the_case_again(desk: Desk) -> None:
    for status in ("pending", "resolved", "on_hold"):
        id_ = await a_case(desk, status)
        await press(desk, "stuck", in_reply_to="")
        after = await case(desk, id_)
        if status != "resolved":  # long ago nothing was said, and it is not warm
            assert (after["status"], after["unanswered_since"] is None) == ("open", False)
        desk.clock.advance(days=2)


async def test_person_is_flagged_and_told_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, CONFIG + NUDGE) as desk:
        id_ = await a_case(desk)
        await desk.change("DELETE FROM follow_ups")
        await press(desk, "person")
        await press(desk, "person")
        assert json.loads((await case(desk, id_))["tags"]) == ["person"]
        now = await desk.rows("SELECT rule, due_at FROM follow_ups WHERE cause LIKE 'wanted%'")
        assert [row["rule"] for row in now] == ["remind"], "asked twice, told once"
        await desk.follow_ups().look()
        told = await desk.rows("SELECT recipients FROM messages WHERE kind = 'note'")
        assert [json.loads(row["recipients"])["to"][0][1] for row in told] == ["boss@example.com"]


async def test_after_that_nobody_asks_anything(tmp_path: Path) -> None:
    async with opened(tmp_path, CONFIG + NUDGE) as desk:
        id_ = await a_case(desk)
        await press(desk, "person")
        await desk.change("DELETE FROM follow_ups")
        await desk.change(
            "INSERT INTO follow_ups (id, case_id, conversation_id, rule, cause, state, due_at, reason)"
            " SELECT 1000000, id, conversation_id, 'nudge', 'pending@2026-11-24T03:00:00.000000Z',"
            " 'pending', '2026-11-24T03:00:00.000000Z', '' FROM cases WHERE id = :id",
            id=id_,
        )
        await desk.change("UPDATE cases SET status = 'pending' WHERE id = :id", id=id_)
        await desk.follow_ups().look()
        row = await desk.one("SELECT state, reason FROM follow_ups WHERE id = 1000000")
        assert row == {
            "state": "skipped", "reason": "the customer asked for a person, who speaks here",
        }  # fmt: skip


@pytest.mark.parametrize("word", ["", "vote:99", "delete", "solved:1", "person "])
async def test_another_word_is_a_word_like_any_other(desk: Desk, word: str) -> None:
    id_ = await a_case(desk)
    await press(desk, word)
    after = await case(desk, id_)
    assert (after["status"], json.loads(after["tags"])) == ("open", [])
    assert await events(desk, "button.pressed") == []


async def test_a_press_touches_no_case_of_somebody_else(desk: Desk) -> None:
    """Whatever message of ours it says that the button stood below."""
    hers = await a_case(desk)
    await desk.change("UPDATE outbox SET peer_id = 'pager:1', state = 'sent', domain = 'pager'")
    before = await case(desk, hers)
    for word in ("solved", "stuck", "person"):
        await press(desk, word, HANA, in_reply_to="pager:1")
    assert await case(desk, hers) == before
    told = await events(desk, "button.pressed")
    assert all(one["case_id"] != hers for one in told)


async def test_the_message_of_ours_chooses_the_case(desk: Desk) -> None:
    """A swipe to what we said in one matter answers that, though another is warmer."""
    first = await a_case(desk)
    await desk.change("UPDATE outbox SET peer_id = 'pager:1', state = 'sent', domain = 'pager'")
    desk.clock.advance(days=2)
    second = await a_case(desk)
    assert first != second
    desk.clock.advance(minutes=1)
    answer = await say(desk, "about the first", in_reply_to="pager:1")
    row = await desk.one("SELECT case_id FROM messages WHERE id = :id", id=answer.message)
    assert row["case_id"] == first
    assert (await desk.decision(answer.message, "case"))[
        "reason"
    ] == "an answer to a message of ours"
    await desk.change("UPDATE cases SET unanswered_since = NULL, status = 'pending'")
    await press(desk, "solved", in_reply_to="pager:1")
    assert (await case(desk, first))["status"] == "resolved"
    assert (await case(desk, second))["status"] == "pending"


async def test_an_answer_on_another_channel_s_id_chooses_nothing(desk: Desk) -> None:
    first = await a_case(desk)
    await desk.change("UPDATE outbox SET peer_id = 'x', channel = 'other', domain = 'pager'")
    desk.clock.advance(days=2)
    answer = await say(desk, "new", in_reply_to="x")
    row = await desk.one("SELECT case_id FROM messages WHERE id = :id", id=answer.message)
    assert row["case_id"] != first
