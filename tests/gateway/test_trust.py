"""Whatever a route's mode holds back, it holds back every word that we say by ourselves."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway import rules
from gateway.desk import acts
from gateway.desk.speak import Refused, Who
from gateway.desk.wanted import Approval, Change
from gateway.notices.acts import start
from gateway.notices.wanted import Announce
from store import drafts
from store.promises import recent
from tests.gateway.follow_ups.test_pressed import a_case, press
from tests.gateway.links.test_proofs import BOTH, chats, writes
from tests.gateway.notices.many import loop
from tests.making import KEYS, Desk, opened

ROUTE = """
[calendar]
hours = { mon-fri = ["09:00-18:00"] }
[promise]
notice = "15 minutes"
[notices]
on = ["resolved"]
sender = "Example Ltd."
sender_address = "Tokyo"
[[ask]]
name = "order_number"
channel = "bot"
[[ask]]
name = "product"
values = ["sofa", "lamp"]
channel = "bot"
[[follow_up]]
name = "nudge"
when = "pending"
after = "1 hour"
send = "nudge"
[[follow_up]]
name = "how"
when = "resolved"
after = "1 hour"
send = "survey"
[[route]]
name = "all"
mode = "MODE"
"""


@pytest.fixture(params=["watch", "approve"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "token").write_text("4711:abc")
    async with opened(tmp_path, BOTH + ROUTE.replace("MODE", request.param)) as desk:
        yield desk


@pytest.fixture
async def drafting(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "token").write_text("4711:abc")
    async with opened(tmp_path, BOTH + ROUTE.replace("MODE", "approve")) as desk:
        yield desk


def is_watched(desk: Desk) -> bool:
    return desk.config.route[0].mode == "watch"


async def texts(desk: Desk) -> list[dict[str, Any]]:
    """What waits for a person, or was watched; there is nothing else of ours to a customer."""
    query = (
        "SELECT kind, text, channel, at, message_id FROM watched ORDER BY id"
        if is_watched(desk)
        else "SELECT m.kind, m.text, m.channel, m.id FROM messages m JOIN outbox o"
        " ON o.message_id = m.id WHERE o.state = 'draft' ORDER BY m.id"
    )
    found = await desk.rows(query)
    others = "SELECT * FROM outbox" + ("" if is_watched(desk) else " WHERE state <> 'draft'")
    assert not await desk.rows(others)
    return found


async def kinds(desk: Desk) -> list[str]:
    return [row["kind"] for row in await texts(desk)]


async def alter(desk: Desk, **wanted: Any) -> None:
    case = (await desk.one("SELECT min(id) AS id FROM cases"))["id"]
    who = Who("Aiko", "desk", desk.clock())
    done = await desk.store.change(
        acts.alter(rules.desk(desk.config, KEYS), case, Change(**wanted), who)
    )
    assert not isinstance(done, Refused), done


async def later(desk: Desk, **by: float) -> list[str]:
    desk.clock.advance(**by)
    await desk.follow_ups().look()
    return await kinds(desk)


async def test_what_follows_a_mail(desk: Desk) -> None:
    await writes(desk)
    assert await kinds(desk) == ["acknowledgement"]
    assert await later(desk, hours=4) == ["acknowledgement", "notice"], "of a later answer"
    await desk.change("UPDATE cases SET unanswered_since = NULL")
    await alter(desk, status="pending")
    assert (await later(desk, hours=2))[2:] == ["follow_up"]
    await alter(desk, status="resolved")
    assert (await later(desk, minutes=2))[3:] == ["notice"]
    assert (await later(desk, hours=2))[4:] == ["survey"]


async def test_the_next_question_on_a_messenger(desk: Desk) -> None:
    await chats(desk, "My parcel is lost")
    (first,) = await texts(desk)
    assert "order number" in first["text"]
    await chats(desk, "A-20417")
    assert (await kinds(desk))[1:] == ([] if is_watched(desk) else ["follow_up"])


async def test_what_is_said_of_two_addresses_that_are_one(desk: Desk) -> None:
    """Nobody has a code that nobody was sent; one that was sent counts whatever the mode is now."""
    await writes(desk)
    (offer,) = await texts(desk)
    code = re.search(r"MG(?:-\w{5}){3}", offer["text"])
    assert code
    await chats(desk, f"/start {code[0]}")
    assert await desk.count("links") == (0 if is_watched(desk) else 1)
    notices = [row["channel"] for row in await texts(desk) if row["kind"] == "notice"]
    assert notices == ([] if is_watched(desk) else ["bot", "mail"])


async def test_a_code_that_was_sent_before_counts_and_its_words_are_held_back(
    desk: Desk, tmp_path: Path
) -> None:
    async with opened(tmp_path, BOTH) as live:
        await writes(live)
        (said,) = await live.rows("SELECT text FROM messages WHERE direction = 'out'")
    code = re.search(r"MG(?:-\w{5}){3}", said["text"])
    assert code
    mode = desk.config.route[0].mode
    await desk.change("UPDATE cases SET mode = :mode", mode=mode)
    await desk.change("DELETE FROM outbox")
    await chats(desk, f"/start {code[0]}")
    assert await desk.count("links") == 1
    assert [row["channel"] for row in await texts(desk)] == ["bot", "mail"]


async def test_a_notice_to_many(desk: Desk) -> None:
    await writes(desk)
    customer = (await desk.one("SELECT id FROM customers"))["id"]
    wanted = Announce(kind="service", text={"en": "Late."}, customers=[customer])
    who = Who("Aiko", "desk", desk.clock())
    await desk.store.change(start(rules.announcing(desk.config, KEYS), wanted, who))
    await loop(desk).look()
    assert (await kinds(desk))[1:] == ["notice"]


async def test_thanks_for_a_matter_that_is_settled(desk: Desk) -> None:
    case = await a_case(desk)
    await desk.change("UPDATE cases SET mode = :mode", mode=desk.config.route[0].mode)
    await press(desk, "solved")
    assert (await kinds(desk))[1:] == ["notice"]
    row = await desk.one("SELECT status FROM cases WHERE id = :id", id=case)
    assert row == {"status": "resolved"}


async def test_a_promise_counts_once_somebody_was_told(desk: Desk) -> None:
    await writes(desk)
    who = Who("Aiko", "desk", desk.clock())

    async def promised() -> int:
        return len(await desk.store.read(lambda c: recent(c, 9))) + await desk.count("v_promises")

    (row,) = await texts(desk)
    assert await promised() == 0
    if not is_watched(desk):
        await desk.store.change(acts.approve(row["id"], Approval(), who))
        assert await promised() == 2


async def test_a_person_sends_each_draft_or_other_words(desk: Desk) -> None:
    await writes(desk)
    who = Who("Aiko", "desk", desk.clock())
    (row,) = await texts(desk)
    given = row["message_id"] if is_watched(desk) else row["id"]
    done = await desk.store.change(acts.approve(given, Approval(text="Better words."), who))
    if is_watched(desk):
        assert isinstance(done, Refused)
        assert not await desk.rows("SELECT * FROM outbox")
    else:
        assert await desk.rows("SELECT o.state, m.text FROM outbox o, messages m WHERE m.id = o.message_id") == [
            {"state": "queued", "text": "Better words."}
        ]  # fmt: skip


async def outdated(desk: Desk) -> dict[str, str]:
    found = await desk.store.read(lambda c: drafts.page(c, desk.clock()))
    return {draft.kind: draft.outdated for draft in found.items}


async def test_a_draft_says_when_it_is_true_no_more(drafting: Desk) -> None:
    await writes(drafting)
    assert await outdated(drafting) == {"acknowledgement": ""}
    drafting.clock.advance(hours=5)
    assert await outdated(drafting) == {"acknowledgement": "the time that it promises has passed"}
    await drafting.change("UPDATE cases SET unanswered_since = NULL")
    await alter(drafting, status="resolved")
    assert "survey" in await later(drafting, hours=2)
    assert await outdated(drafting) == {
        "acknowledgement": "the case is resolved", "notice": "", "survey": "",
    }  # fmt: skip
    await alter(drafting, status="open")
    assert (await outdated(drafting))["survey"] == "the case is open again"


async def test_a_draft_without_a_case_is_sent_like_any_other(tmp_path: Path) -> None:
    """An opt-out is nobody's matter, and is confirmed all the same."""
    (tmp_path / "token").write_text("4711:abc")
    held = BOTH.replace('type = "smtp"', 'type = "smtp"\nmode = "approve"')
    sender = '[notices]\nsender = "Example Ltd."\nsender_address = "Tokyo"\n'
    async with opened(tmp_path, held + sender) as desk:
        await writes(desk, subject="", body="STOP")
        (draft,) = (await desk.store.read(lambda c: drafts.page(c, desk.clock()))).items
        assert (draft.kind, draft.case_id, draft.reference) == ("notice", None, "")
        done = await desk.store.change(
            acts.approve(draft.id, Approval(), Who("Aiko", "desk", desk.clock()))
        )
        assert not isinstance(done, Refused)
        assert await desk.rows("SELECT state FROM outbox") == [{"state": "queued"}]
