"""Where we only watch, everything is written as it would be said, and nothing can be sent."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway import rules
from gateway.desk import acts
from gateway.desk.speak import Refused, Who
from gateway.desk.wanted import Approval, Refusal
from gateway.links import acts as links
from gateway.notices.acts import start
from gateway.notices.wanted import Announce
from store import watched
from store.promises import recent
from store.surveys import asked
from store.watched import Filter
from tests.docs.pages import ROOT, modules
from tests.gateway.follow_ups.waiting import set_status
from tests.gateway.notices.many import loop
from tests.making import CONFIG, KEYS, NOON, Desk, mail, opened

WATCHES = CONFIG.replace('type = "smtp"', 'type = "smtp"\nmode = "watch"')
RULES = """
[calendar]
hours = { mon-fri = ["09:00-18:00"] }
[promise]
warn = "1 business hour"
notify = ["boss@example.com"]
notice = "15 minutes"
[[follow_up]]
name = "nudge"
when = "pending"
after = "2 business days"
send = "nudge"
[[follow_up]]
name = "ask"
when = "resolved"
after = "1 hour"
send = "survey"
[survey]
recent = "30 days"
[http]
public_url = "https://help.example.com"
"""
SENT = "SELECT * FROM outbox WHERE conversation_id IS NOT NULL"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, WATCHES + RULES) as desk:
        yield desk


async def kept(desk: Desk) -> list[dict[str, Any]]:
    return await desk.rows("SELECT * FROM watched ORDER BY id")


async def look(desk: Desk, **by: float) -> list[str]:
    """The kinds and rules of all that was watched, once so much time has passed."""
    desk.clock.advance(**by)
    await desk.follow_ups().look()
    assert not await desk.rows(SENT)
    assert not await desk.rows("SELECT id FROM messages WHERE direction = 'out' AND kind <> 'note'")
    return [f"{row['kind']} {row['rule']}" for row in await kept(desk)]


def known(**more: Any) -> bytes:
    return mail(vouched="example.jp", **more)


async def test_an_acknowledgement_is_written_as_it_would_be_sent(
    desk: Desk, tmp_path: Path
) -> None:
    receipt = await desk.accept(known())
    (row,) = await kept(desk)
    case = await desk.one("SELECT * FROM cases")
    assert (row["kind"], row["rule"], row["reason"]) == ("acknowledgement",) * 2 + ("a new case",)
    assert (row["message_id"], row["channel"]) == (receipt.message, "mail")
    assert json.loads(row["recipients"]) == {"to": [["", "yuki@example.jp"]]}
    assert row["authenticated"] == 1
    folder = tmp_path / "live"
    folder.mkdir()
    async with opened(folder, CONFIG + RULES) as live:
        await live.accept(known())
        said = await live.one("SELECT * FROM messages WHERE direction = 'out'")
        other = await live.one("SELECT * FROM cases")
        assert not await kept(live)
    assert row["subject"] == said["subject"].replace(other["reference"], case["reference"])
    assert row["text"] == said["text"].replace(other["reference"], case["reference"])
    assert (await desk.decision(receipt.message))["reason"].startswith("watching:")


async def test_a_nudge_and_a_survey_are_written_with_what_makes_them(desk: Desk) -> None:
    await desk.accept(known())
    await set_status(desk, "pending")
    assert "follow_up nudge" in await look(desk, days=3)
    await set_status(desk, "resolved")
    assert "survey ask" in await look(desk, hours=2)
    assert {row["reason"] for row in await kept(desk)} >= {
        "the case is pending",
        "the case is resolved",
    }
    assert not await desk.rows("SELECT * FROM surveys")
    state = await desk.one("SELECT state, reason FROM follow_ups WHERE rule = 'nudge'")
    assert state == {"state": "skipped", "reason": "watching: nudge would have been sent"}


async def test_a_case_would_be_surveyed_once_and_is_when_it_goes_live(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.accept(known())
    await set_status(desk, "resolved")
    await look(desk, hours=2)
    await set_status(desk, "open")
    await set_status(desk, "resolved")
    assert (await look(desk, hours=2)).count("survey ask") == 1
    async with opened(tmp_path, CONFIG + RULES) as live:
        live.clock.at = desk.clock()
        await set_status(live, "open")
        await set_status(live, "resolved")
        live.clock.advance(hours=2)
        await live.follow_ups().look()
        assert await live.count("surveys") == 1


async def test_the_link_of_a_survey_that_nobody_was_sent_leads_nowhere(desk: Desk) -> None:
    await desk.accept(known())
    await set_status(desk, "resolved")
    await look(desk, hours=2)
    (row,) = (one for one in await kept(desk) if one["kind"] == "survey")
    found = re.search(r"/v/(\S+)", row["text"])
    assert found
    token = rules.surveys(desk.config, KEYS).keys.check(found[1], "\nvote")
    assert token
    assert token.message_id == row["id"]
    assert await desk.store.read(lambda c: asked(c, token.message_id)) is None


async def test_a_promise_that_nobody_read_is_none(desk: Desk) -> None:
    """The customer would hear before it passes; our people are not warned, nor is it counted."""
    await desk.accept(known())
    said = await look(desk, hours=24)
    assert said == ["acknowledgement acknowledgement", "notice promise.notice"]
    assert not await desk.rows("SELECT * FROM outbox")
    assert await desk.store.read(lambda c: recent(c, 10)) == []
    assert not await desk.rows("SELECT * FROM v_promises")
    assert {row["rule"] for row in await desk.rows("SELECT rule FROM follow_ups")} == {
        "promise.notice"
    }


async def test_what_goes_with_an_unread_promise_is_moot_once_we_speak(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.accept(known())
    async with opened(tmp_path, CONFIG + RULES) as live:
        live.clock.advance(days=2)
        await live.follow_ups().look()
        assert not await live.rows("SELECT * FROM outbox")
        row = await live.one("SELECT state, reason FROM follow_ups")
        assert row == {"state": "skipped", "reason": "nobody was sent the promise"}


async def test_nothing_old_is_sent_once_we_speak(desk: Desk, tmp_path: Path) -> None:
    await desk.accept(known())
    await set_status(desk, "pending")
    assert len(await look(desk, days=3)) == 2
    async with opened(tmp_path, CONFIG + RULES) as live:
        live.clock.advance(days=9)
        await live.follow_ups().look()
        assert not await live.rows("SELECT * FROM outbox")
        assert len(await kept(live)) == 2


async def test_a_watched_word_is_no_draft(desk: Desk) -> None:
    await desk.accept(known())
    (row,) = await kept(desk)
    who = Who("Aiko", "desk", NOON)
    for act in (acts.approve(row["id"], Approval(), who), acts.refuse(row["id"], Refusal(), who)):
        assert isinstance(await desk.store.change(act), Refused)
    assert not await desk.rows(SENT)


async def test_budgets_hold_as_if_it_had_been_sent(desk: Desk, tmp_path: Path) -> None:
    for number in range(7):
        await desk.accept(known(subject=f"Matter {number}"))
    assert len(await kept(desk)) == 5
    await desk.accept(mail(sender="eve@example.org"), "eve@example.org")
    await desk.accept(mail(sender="eve@example.org", subject="More"), "eve@example.org")
    assert len(await kept(desk)) == 6
    async with opened(tmp_path, CONFIG + RULES) as live:
        await live.accept(known(subject="Now it counts"))
        assert len(await live.rows(SENT)) == 1


async def test_erasing_a_customer_takes_what_would_have_been_said(desk: Desk) -> None:
    await desk.accept(known())
    await desk.accept(known(sender="Bob <bob@example.jp>"), "bob@example.jp")
    row = await desk.one(
        "SELECT customer_id FROM identities WHERE address = 'email:yuki@example.jp'"
    )
    who = Who("Aiko", "desk", NOON)
    await desk.store.change(links.erase(row["customer_id"], desk.store.blobs, who))
    (left,) = await kept(desk)
    assert "bob@example.jp" in left["recipients"]


async def test_pages_of_it_go_both_ways_and_can_be_narrowed(desk: Desk) -> None:
    for number in range(4):
        await desk.accept(known(subject=f"Matter {number}"))
    read = desk.store.read
    first = await read(lambda c: watched.page(c, Filter(), limit=3))
    assert [one.message_id for one in first.items] == sorted(one.message_id for one in first.items)
    assert len(first.items) == 3
    rest = await read(lambda c: watched.page(c, Filter(), after=first.next))
    assert len(rest.items) == 1
    assert rest.next is None
    assert not (await read(lambda c: watched.page(c, Filter("other")))).items
    assert not (await read(lambda c: watched.page(c, Filter("", "survey")))).items
    newest, more = await read(lambda c: watched.beside(c, Filter("mail"), limit=1))
    assert (newest[0].said.id, more) == (rest.items[0].id, rest.items[0].id)
    assert newest[0].wrote.strip() == "It has been a week."
    (count,) = await read(lambda c: watched.tally(c, NOON))
    assert count == ("acknowledgement", "mail", 4, 4)


async def test_a_notice_that_was_started_while_we_watched_tells_nobody_later(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.accept(known())
    customer = (await desk.one("SELECT id FROM customers"))["id"]
    wanted = Announce(kind="service", text={"en": "Late."}, customers=[customer])
    who = Who("Aiko", "desk", NOON)
    await desk.store.change(start(rules.announcing(desk.config, KEYS), wanted, who))
    async with opened(tmp_path, CONFIG + RULES) as live:
        await loop(live).look()
        *_, last = await kept(live)
        assert (last["kind"], last["reason"]) == ("notice", "a service notice to many")
        assert not await live.count("outbox")
        (recipient,) = await live.rows("SELECT state, reason FROM notice_recipients")
        assert recipient == {"state": "left_out", "reason": "watching: it would have been sent"}


async def test_a_new_notice_is_told_once_we_speak(desk: Desk, tmp_path: Path) -> None:
    await desk.accept(known())
    customer = (await desk.one("SELECT id FROM customers"))["id"]
    async with opened(tmp_path, CONFIG + RULES) as live:
        wanted = Announce(kind="service", text={"en": "Late."}, customers=[customer])
        act = start(rules.announcing(live.config, KEYS), wanted, Who("Aiko", "desk", NOON))
        await live.store.change(act)
        await loop(live).look()
        assert await live.count("outbox") == 1


def test_everything_automatic_that_customers_read_goes_by_one_function() -> None:
    """Whoever else makes a delivery speaks to people of ours; a person's own words have theirs."""
    makes = {
        str(path.relative_to(ROOT)) for path in modules()
        if re.search(r"outbox_row\(|rows\.Outbox\(\n", path.read_text("utf-8"))
    }  # fmt: skip
    to_colleagues = {
        "gateway/follow_ups/fire.py",
        "gateway/desk/notify.py",
        "gateway/admin/letters.py",
    }
    assert makes - to_colleagues == {"gateway/outgoing/letter.py", "gateway/desk/speak.py"}
    for path in to_colleagues:
        text = (ROOT / path).read_text("utf-8")
        assert text.count("outbox_row(") == text.count("counted=False"), path
