"""What messengers send and mail does not: no subjects, albums, edits, stickers, reports."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from normalizer.message import Claim, Identity, Message, Part, Report
from store.known import Accepted, Arrival, Raw
from tests.making import Desk, arrival

GAP = timedelta(hours=24)
YUKI = Identity("pager", "4711")


async def say(desk: Desk, text: str = "", *, who: Identity = YUKI, **more: Any) -> Accepted:
    """A message that the platform vouches for, at the desk's time."""
    return await desk.store.commit_inbound(_said(desk, text, who=who, **more))


async def say_unread(desk: Desk, text: str = "", *, who: Identity = YUKI, **more: Any) -> Accepted:
    """The same, stored before anybody had time to read it."""
    said = _said(desk, text, who=who, **more)
    unread = await desk.store.commit_inbound(replace(said, message=None))
    return await desk.store.commit_inbound(replace(said, rereads=unread.message))


def _said(desk: Desk, text: str = "", *, who: Identity = YUKI, **more: Any) -> Arrival:
    content = Message(
        claims=(Claim("platform", who, "Yuki"),),
        text=text,
        fingerprint=f"{who} {text} {more}",
        **more,
    )
    said = arrival(
        content, author=who.address, known=True, gap=GAP, received_at=desk.clock(),
        budget=(str(who), who.kind),
    )  # fmt: skip
    author = said.author._replace(identity=who)
    raw = Raw(f"{desk.clock()} {text} {more}", 1, b"x")
    return replace(said, author=author, raw=raw)


async def cases(desk: Desk) -> int:
    return await desk.count("cases")


async def test_lines_in_a_row_are_one_case_and_one_acknowledgement(desk: Desk) -> None:
    for n in range(5):
        await say(desk, f"line {n}")
        desk.clock.advance(hours=23)
    assert await cases(desk) == 1
    assert await desk.count("outbox") == 1
    (sent,) = await desk.rows("SELECT * FROM messages WHERE direction = 'out'")
    assert sent["recipients"] == '{"to":[["","4711"]]}'


async def test_thanks_open_no_case_and_reopen_none(desk: Desk) -> None:
    await say(desk, "ありがとうございます!")
    assert (await cases(desk), await desk.count("outbox")) == (0, 0)
    await say(desk, "届きません")
    await desk.change("UPDATE cases SET status = 'resolved', resolved_at = opened_at")
    desk.clock.advance(hours=1)
    await say(desk, "届きました。ありがとうございました")
    assert (await desk.one("SELECT status FROM cases"))["status"] == "resolved"
    assert (await cases(desk), await desk.count("outbox")) == (1, 1)
    assert await desk.count("messages WHERE direction = 'in' AND case_id IS NOT NULL") == 2


async def test_thanks_in_a_case_that_goes_on_are_a_word_like_any_other(desk: Desk) -> None:
    await say(desk, "届きません")
    await desk.change("UPDATE cases SET status = 'pending'")
    desk.clock.advance(hours=1)
    await say(desk, "ありがとうございます")
    assert (await desk.one("SELECT status FROM cases"))["status"] == "open"


async def test_after_a_day_of_silence_it_is_another_case(desk: Desk) -> None:
    await say(desk, "one")
    desk.clock.advance(hours=24, seconds=1)
    await say(desk, "two")
    assert await cases(desk) == 2


async def test_the_same_number_on_two_platforms_is_two_people(desk: Desk) -> None:
    await say(desk, "one")
    await say(desk, "two", who=Identity("other", "4711"))
    assert await desk.count("conversations") == 2
    keys = await desk.rows("SELECT DISTINCT budget_key FROM outbox")
    assert {row["budget_key"] for row in keys} == {"pager:4711", "other:4711"}


async def test_a_sticker_opens_no_case_and_reopens_none(desk: Desk) -> None:
    alone = await say(desk, "👋", aside=True)
    assert await cases(desk) == 0
    assert (await desk.one("SELECT case_id FROM messages WHERE id = :id", id=alone.message)) == {
        "case_id": None
    }
    await say(desk, "help")
    await desk.store.write(lambda c, _: c.exec_driver_sql("UPDATE cases SET status = 'resolved'"))
    await say(desk, "👍", aside=True)
    row = await desk.one("SELECT c.status, count(m.id) AS n FROM cases c JOIN messages m"
                         " ON m.case_id = c.id WHERE m.direction = 'in' GROUP BY c.status")  # fmt: skip
    assert row == {"status": "resolved", "n": 2}
    assert await desk.count("outbox") == 1


def picture(name: str) -> Part:
    return Part(role="attachment", content_type="image/jpeg", size=1, sha256=name, data=b"x")


async def test_an_album_is_one_message(desk: Desk) -> None:
    ends = [
        await say(desk, text, message_id="album-9", group="album-9", parts=(picture(name),))
        for name, text in (("a", "look"), ("b", ""), ("c", "and this"))
    ]
    assert {end.message for end in ends} == {ends[0].message}
    row = await desk.one("SELECT text FROM messages WHERE direction = 'in'")
    assert row["text"] == "look\nand this"
    assert await desk.count("parts") == 3
    assert await desk.count("ledger") == 3


async def test_a_caption_below_a_second_picture_begins_no_empty_line(desk: Desk) -> None:
    for name, text in (("1.jpg", ""), ("2.jpg", "It is broken."), ("3.jpg", "And this.")):
        await say(desk, text, message_id="album-9", group="album-9", parts=(picture(name),))
    row = await desk.one("SELECT text FROM messages WHERE direction = 'in'")
    assert row["text"] == "It is broken.\nAnd this."


async def test_an_album_of_the_same_name_elsewhere_is_another(desk: Desk) -> None:
    await say(desk, "a", message_id="9", group="9")
    await say(desk, "b", message_id="9", group="9", who=Identity("pager", "42"))
    assert await desk.count("messages WHERE direction = 'in'") == 2


async def test_another_wording_is_kept_beside_the_first(desk: Desk) -> None:
    first = await say(desk, "at 5", message_id="m1")
    second = await say(desk, "at 6", edits="m1")
    shown = await desk.rows(
        "SELECT id, case_id, text FROM messages WHERE direction = 'in' ORDER BY id"
    )
    assert [row["text"] for row in shown] == ["at 5", "at 6"]
    assert len({row["case_id"] for row in shown}) == 1
    event = await desk.one("SELECT data FROM events WHERE type = 'message.edited'")
    assert f'"edits":{first.message}' in event["data"]
    assert f'"message_id":{second.message}' in event["data"]
    assert await desk.count("outbox") == 1


@pytest.mark.parametrize(("dead", "failing"), [(True, 1), (False, 0)])
async def test_a_report_ends_on_the_message_that_it_is_about(
    desk: Desk, dead: bool, failing: int
) -> None:
    await say(desk, "help")
    await desk.store.write(
        lambda c, _: c.exec_driver_sql("UPDATE outbox SET state = 'sent', peer_id = 'p-1'")
    )
    reported = Report("p-1", "failed", "blocked by the user", address_dead=dead)
    ours = await desk.one("SELECT id FROM messages WHERE direction = 'out'")
    assert await say(desk, report=reported) == Accepted(ours["id"], "accepted")
    assert await desk.rows("SELECT state, error FROM outbox") == [
        {"state": "failed", "error": "blocked by the user"}
    ]
    assert await desk.count("identities WHERE failing_since IS NOT NULL") == failing
    stray = await say(desk, report=Report("p-2", "read"))
    assert (stray.message, stray.outcome) == (0, "refused")
    assert await cases(desk) == 1


async def test_a_reading_is_told_and_changes_nothing(desk: Desk) -> None:
    await say(desk, "help")
    await desk.store.write(
        lambda c, _: c.exec_driver_sql("UPDATE outbox SET state = 'sent', peer_id = 'p-1'")
    )
    await say(desk, report=Report("p-1", "read"))
    assert await desk.rows("SELECT state FROM outbox") == [{"state": "sent"}]
    assert await desk.count("events WHERE type = 'delivery.read'") == 1


async def test_a_customer_who_shuts_us_out_is_failing_until_we_are_let_in_again(desk: Desk) -> None:
    await say(desk, "help")
    shut = Report("", "failed", "blocked", address_dead=True)
    await say(desk, "🚫", aside=True, report=shut)
    await say(desk, "🚫", aside=True, report=shut, message_id="again")
    (row,) = await desk.rows("SELECT failing_since FROM identities")
    assert row["failing_since"]
    await say(desk, "✅", aside=True, report=Report("", "delivered"))
    (row,) = await desk.rows("SELECT failing_since FROM identities")
    assert row["failing_since"] is None
    told = await desk.rows("SELECT type FROM events WHERE type LIKE 'address.%' ORDER BY cursor")
    assert [event["type"] for event in told] == ["address.failing", "address.alive"]
    assert await cases(desk) == 1


async def test_who_shuts_us_out_before_a_word_becomes_no_customer(desk: Desk) -> None:
    shut = Report("", "failed", "blocked", address_dead=True)
    accepted = await say(desk, "🚫", aside=True, report=shut)
    assert accepted.outcome == "refused"
    assert await desk.count("customers") == 0


async def test_lines_in_the_same_moment_are_one_case_and_one_acknowledgement(desk: Desk) -> None:
    """Also of somebody who never wrote before: the lines of one batch know of each other."""
    said = await asyncio.gather(*(say(desk, f"line {n}") for n in range(5)))
    assert len({one.message for one in said}) == 5
    assert (await cases(desk), await desk.count("conversations")) == (1, 1)
    assert await desk.count("outbox") == 1
    found = await desk.rows("SELECT DISTINCT case_id FROM messages")
    assert len(found) == 1


BESIDE: dict[str, dict[str, Any]] = {
    "a sticker": {"aside": True},
    "thanks": {"text": "Thanks!"},
    "another wording": {"text": "better", "edits": "m-1"},
    "an album's next picture": {"parts": (picture("2"),), "group": "m-1"},
    "a report about nothing of ours": {"report": Report("x-9", "failed")},
    "a report about somebody who blocks us": {"report": Report("", "failed", address_dead=True)},
    "a report about a stranger": {
        "report": Report("", "failed", address_dead=True),
        "who": Identity("pager", "nobody"),
    },
}


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
async def test_what_is_no_matter_of_its_own_can_be_read_later(
    desk: Desk, beside: dict[str, Any]
) -> None:
    await say(desk, "first", message_id="m-1")
    desk.clock.advance(hours=25)
    await say_unread(desk, **{"text": "", "message_id": "m-2"} | beside)
    assert await desk.count("messages WHERE status = 'unread'") == 0
    assert await desk.count("ledger") == 2
    assert await desk.count("ledger WHERE outcome = 'duplicate'") == 0
    assert (await cases(desk), await desk.count("outbox")) == (1, 1)
