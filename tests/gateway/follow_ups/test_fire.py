"""What a due follow-up says and does, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from gateway import rules
from gateway.config.errors import ConfigError
from store import rows, schema
from store.known import Changes
from store.rows import moment
from tests.making import CONFIG, KEYS, NOON, Desk, configure, mail, opened

RULES = """
[calendar]
hours = { mon-fri = ["09:00-18:00"] }
quiet = "21:00-08:00"
[[follow_up]]
name = "remind"
when = "unanswered"
after = "4 business hours"
notify = ["boss@example.com", "desk@example.com"]
[[follow_up]]
name = "nudge"
when = "pending"
after = "2 business days"
send = "nudge"
[[follow_up]]
name = "close"
when = "pending"
after = "4 business days"
set_status = "resolved"
[[follow_up]]
name = "ask"
when = "resolved"
after = "1 day"
send = "survey"
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + RULES) as desk:
        yield desk


async def set_status(desk: Desk, status: str) -> None:
    """As a person does it."""
    follow = rules.firing(desk.config, KEYS).follow

    def plan(connection: Connection, changes: Changes) -> None:
        case = rows.Case(*connection.execute(select(schema.cases)).one())
        now = case._replace(status=status, unanswered_since=None)
        changes.update("cases", case.id, status=status, unanswered_since=None)
        follow.answered(case.id, desk.clock(), changes, "a person answered")
        follow.status_set(case.status, now, desk.clock(), changes, "a person said so")

    await desk.store.change(plan)


async def wait(desk: Desk, **by: float) -> list[dict[str, Any]]:
    """What has been said by ourselves, besides acknowledgements, once so much time has passed."""
    desk.clock.advance(**by)
    await desk.follow_ups().look()
    return await desk.rows(
        "SELECT m.*, o.state, o.conversation_id AS counted FROM messages m"
        " JOIN outbox o ON o.message_id = m.id WHERE m.kind <> 'acknowledgement' ORDER BY m.id"
    )


async def states(desk: Desk) -> dict[str, tuple[str, str]]:
    found = await desk.rows("SELECT rule, state, reason FROM follow_ups ORDER BY id")
    return {row["rule"]: (row["state"], row["reason"]) for row in found}


async def test_people_are_reminded_of_whom_nobody_answered(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    desk.clock.advance(hours=1)
    await desk.accept(mail(body="Hello?", vouched="example.jp"))  # counts from the first
    assert not await wait(desk, hours=2.9)
    said = await wait(desk, hours=0.1)
    assert [row["recipients"] for row in said] == [
        '{"to":[["","boss@example.com"]]}', '{"to":[["","desk@example.com"]]}',
    ]  # fmt: skip
    assert {row["kind"] for row in said} == {"note"}
    assert {row["counted"] for row in said} == {None}  # no word to the customer
    assert "waiting" in said[0]["subject"]
    assert len(await wait(desk, days=30)) == 2


async def test_an_answer_cancels_the_reminder(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    await set_status(desk, "open")
    assert not await wait(desk, days=3)
    assert (await states(desk))["remind"] == ("cancelled", "a person answered")


async def test_the_customer_is_nudged_and_told_when_we_close(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
    await set_status(desk, "pending")
    (nudge,) = await wait(desk, days=2)
    assert nudge["kind"] == "follow_up"
    assert nudge["in_reply_to"] == "q@mail.example"
    assert "On Monday 30 November" in nudge["text"]
    assert "Re: Where is my parcel?" in nudge["subject"]
    await wait(desk, days=4)
    assert (await desk.one("SELECT status FROM cases"))["status"] == "resolved"
    said = await wait(desk, days=1)
    assert [row["kind"] for row in said] == ["follow_up", "survey"]


async def test_a_word_of_the_customer_s_cancels_the_nudge_t07(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
    await set_status(desk, "pending")
    desk.clock.advance(days=2, seconds=-0.001)
    await desk.accept(mail(vouched="example.jp", In_Reply_To="<q@mail.example>"))
    said = await wait(desk, seconds=1)
    assert [row["kind"] for row in said] == ["note"] * 0
    assert (await states(desk))["nudge"] == ("cancelled", "the customer wrote")
    assert (await desk.one("SELECT status FROM cases"))["status"] == "open"


async def test_a_word_beside_the_firing_cancels_it_or_comes_too_late_t07(tmp_path: Path) -> None:
    """In one batch of the writer: cancelled or said, never both and never neither."""
    for n in range(8):
        folder = tmp_path / str(n)
        folder.mkdir()
        async with opened(folder, CONFIG + RULES) as desk:
            await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
            await set_status(desk, "pending")
            desk.clock.advance(days=2)
            word = desk.accept(mail(vouched="example.jp", In_Reply_To="<q@mail.example>"))
            look = desk.follow_ups().look()
            await asyncio.gather(*((word, look) if n % 2 else (look, word)))
            said = await wait(desk, seconds=1)
            state, _ = (await states(desk))["nudge"]
            assert (state, len(said)) in {("cancelled", 0), ("fired", 1)}


async def test_a_robot_s_word_cancels_nothing(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp", Message_ID="<q@mail.example>"))
    await set_status(desk, "pending")
    away = {"Auto_Submitted": "auto-replied", "In_Reply_To": "<q@mail.example>"}
    await desk.accept(mail(vouched="example.jp", **away))
    assert [row["kind"] for row in await wait(desk, days=2)] == ["follow_up"]


async def test_a_stranger_reads_nothing_that_a_stranger_wrote(desk: Desk) -> None:
    await desk.accept(mail(subject="BUY PILLS", References="<old@evil.example>"))
    await set_status(desk, "pending")
    (nudge,) = await wait(desk, days=2)
    assert "PILLS" not in nudge["subject"] + nudge["text"] + nudge["references"]
    assert "old@evil" not in nudge["references"]


async def test_a_case_that_waits_for_us_is_not_closed_by_itself(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    await set_status(desk, "pending")
    await desk.store.write(
        lambda c, _: c.execute(schema.cases.update().values(unanswered_since="2026-11-24"))
    )
    await wait(desk, days=9)
    assert (await states(desk))["close"] == ("skipped", "the customer waits for our answer")


async def test_quiet_hours_and_a_spent_budget_put_it_off(desk: Desk) -> None:
    desk.clock.at = NOON.replace(hour=12, minute=30)  # 21:30 in Tokyo
    await desk.accept(mail(vouched="example.jp"))
    await set_status(desk, "resolved")
    assert not await wait(desk, days=1)
    assert (await states(desk))["ask"] == ("pending", "quiet hours")
    assert [row["kind"] for row in await wait(desk, hours=10.5)] == ["survey"]  # 08:00


async def test_what_is_watched_or_dead_gets_nothing(tmp_path: Path) -> None:
    watched = CONFIG.replace('type = "smtp"', 'type = "smtp"\nmode = "watch"') + RULES
    async with opened(tmp_path, watched) as desk:
        await desk.accept(mail(vouched="example.jp"))
        await set_status(desk, "pending")
        assert not await wait(desk, days=2)
        assert (await states(desk))["nudge"][1] == "watching: nudge would have been sent"


async def test_mail_that_fails_is_not_followed_up(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    await set_status(desk, "pending")
    failing = schema.identities.update().values(failing_since="2026-11-24")
    await desk.store.write(lambda c, _: c.execute(failing))
    assert not await wait(desk, days=2)
    assert (await states(desk))["nudge"] == ("skipped", "mail to this address fails")


async def test_history_is_never_followed_up(desk: Desk) -> None:
    old = NOON - timedelta(days=3)
    await desk.accept(mail(vouched="example.jp"), received_at=old)
    assert not await desk.count("follow_ups")


async def test_one_row_that_we_fall_over_does_not_hold_up_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for sender in ("a@one.example", "b@two.example"):
        await desk.accept(mail(sender=sender))
    await desk.store.write(
        lambda c, _: c.execute(
            schema.cases.update().values(status="pending", unanswered_since=None)
        )
    )
    clock = desk.follow_ups()
    bad = (await desk.rows("SELECT id FROM cases ORDER BY id LIMIT 1"))[0]["id"]
    own = rules.firing(desk.config, KEYS)
    rule = replace(own.follow.rules[0], when="pending")
    clock.fire = replace(own, follow=replace(own.follow, rules=(rule,)))
    await desk.store.write(
        lambda c, _: c.execute(
            schema.cases.update().where(schema.cases.c.id == bad).values(channel="nowhere")
        )
    )
    monkeypatch.setattr(type(own), "_way", lambda _, __, name: own.channels[name])
    desk.clock.advance(days=1)
    await clock.look()
    found = await desk.rows("SELECT state, reason FROM follow_ups ORDER BY case_id")
    assert [row["state"] for row in found] == ["skipped", "fired"]
    assert found[0]["reason"] == "an error of ours: KeyError"


ONLY = """
[[channel]]
name = "other"
type = "smtp"
listen = "127.0.0.1:2526"
addresses = ["other@example.com"]
send = "maildir:other"
[[follow_up]]
name = "nudge"
when = "pending"
after = "1 hour"
send = "nudge"
"""


@pytest.mark.parametrize(
    ("only", "fires"),
    [
        ('channel = "mail"', True),
        ('channel = ["other", "mail"]', True),
        ('channel = "other"', False),
        ('tag = "vip"', True),
        ('tag = "trade"', False),
        ('language = ["ja", "en"]', True),
        ('language = "ja"', False),
        ('attribute = "product"', True),
        ('attribute = "product=LAMP"', True),
        ('attribute = "product=chair"', False),
        ('channel = "mail"\ntag = "trade"', False),
    ],
)
async def test_a_rule_is_for_the_cases_that_it_names(
    tmp_path: Path, only: str, fires: bool
) -> None:
    async with opened(tmp_path, f"{CONFIG}{ONLY}{only}\n") as desk:
        body = "I ordered a lamp three weeks ago, and nothing has arrived since then."
        await desk.accept(mail(vouched="example.jp", body=body))
        await desk.change(
            """UPDATE cases SET tags = '["vip"]', attributes = '{"product": "Lamp"}'"""
        )
        await set_status(desk, "pending")
        said = await wait(desk, hours=2)
        assert len(said) == fires
        (state, reason) = (await states(desk))["nudge"]
        assert (state, reason) == ("fired", "") if fires else state == "cancelled"
        assert fires or reason.startswith("the rule is for cases of another ")


def test_a_rule_for_a_channel_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        configure(tmp_path, f'{CONFIG}{ONLY}channel = "letters"\ntag = []\n')
    told = sorted((problem.key, problem.message) for problem in error.value.problems)
    assert [key for key, _ in told] == ["follow_up[0].channel", "follow_up[0].tag"]
    assert 'no channel is called "letters"' in told[0][1]


KANA = "注文した品がまだ届きません。いつごろ届くでしょうか。"


async def test_a_word_without_a_language_is_answered_in_the_customer_s_earlier_one(
    desk: Desk,
) -> None:
    await desk.accept(mail(body=KANA, vouched="example.jp", Message_ID="<q@mail.example>"))
    await desk.accept(mail(body="12345678", vouched="example.jp", In_Reply_To="<q@mail.example>"))
    await set_status(desk, "pending")
    (nudge,) = await wait(desk, days=2)
    assert nudge["language"] == "ja"
    assert "その後いかがでしょうか" in nudge["text"]


async def test_a_rule_for_a_language_is_for_the_one_in_which_we_write(tmp_path: Path) -> None:
    channel = CONFIG.replace('type = "smtp"', 'type = "smtp"\nlanguage = "ja"', 1)
    async with opened(tmp_path, f'{channel}{ONLY}language = "ja"\n') as desk:
        await desk.accept(mail(subject="12345678", body="12345678", vouched="example.jp"))
        await set_status(desk, "pending")
        (nudge,) = await wait(desk, hours=2)
        assert nudge["language"] == "ja"


@pytest.mark.parametrize("only", ['tag = "trade"', 'language = "ja"', 'channel = "other"'])
async def test_a_nudge_announces_no_end_that_is_for_other_cases(tmp_path: Path, only: str) -> None:
    other = ONLY.partition("[[follow_up]]")[0]
    rules = RULES.replace('set_status = "resolved"', f'set_status = "resolved"\n{only}')
    async with opened(tmp_path, CONFIG + other + rules) as desk:
        await desk.accept(mail(vouched="example.jp"))
        await set_status(desk, "pending")
        (nudge,) = await wait(desk, days=2)
        assert "settled" not in nudge["text"]


async def test_a_nudge_announces_the_day_to_which_the_end_was_put_off(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    await set_status(desk, "pending")
    await desk.change(
        "UPDATE follow_ups SET due_at = '2026-12-07T03:00:00.000000Z' WHERE rule = 'close'"
    )
    (nudge,) = await wait(desk, days=2)
    assert "On Monday 7 December we will mark it as settled" in nudge["text"]


async def test_nothing_is_said_to_be_settled_while_we_owe_an_answer(tmp_path: Path) -> None:
    rules = "".join(
        f'[[follow_up]]\nname = "{name}"\nwhen = "pending"\nafter = "1 hour"\nsend = "{name}"\n'
        for name in ("closing", "survey")
    )
    async with opened(tmp_path, CONFIG + rules) as desk:
        await desk.accept(mail(vouched="example.jp"))
        await set_status(desk, "pending")
        await desk.change("UPDATE cases SET unanswered_since = '2026-11-24T03:00:00.000000Z'")
        assert not await wait(desk, hours=2)
        owed = ("skipped", "the customer waits for our answer")
        assert await states(desk) == {"closing": owed, "survey": owed}


async def test_a_name_on_record_is_said_to_an_authenticated_customer_alone(desk: Desk) -> None:
    await desk.accept(mail("ゆき🌸 <yuki@example.jp>", body=KANA, vouched="example.jp"))
    await desk.change("UPDATE customers SET name = '田中'")
    await desk.accept(mail("ゆき🌸 <yuki@example.jp>", "二つ目", KANA, vouched="example.jp"))
    desk.clock.advance(days=2)
    await desk.accept(mail("ゆき🌸 <yuki@example.jp>", "三つ目", KANA))  # unvouched
    said = await desk.rows("SELECT text FROM messages WHERE kind = 'acknowledgement' ORDER BY id")
    assert [row["text"].startswith("田中様\n") for row in said] == [False, True, False]
    assert not [row for row in said if "ゆき" in row["text"]]


async def test_a_nudge_greets_a_customer_by_the_name_on_record(desk: Desk) -> None:
    await desk.accept(mail("Yuki <yuki@example.jp>", vouched="example.jp"))
    await desk.change("UPDATE customers SET name = 'Ms Tanaka'")
    await set_status(desk, "pending")
    (nudge,) = await wait(desk, days=2)
    assert nudge["text"].startswith("Hello Ms Tanaka,\n")


TELEGRAM = """
[[channel]]
name = "bot"
type = "telegram"
token = { file = "token" }
"""


async def test_a_colleague_is_reminded_on_a_messenger_too(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("123456:" + "a" * 35)
    rules = RULES.replace('"desk@example.com"', '"telegram:4711"')
    async with opened(tmp_path, CONFIG + TELEGRAM + rules) as desk:
        await desk.accept(mail(vouched="example.jp"))
        by_mail, by_chat = await wait(desk, hours=5)
        assert (by_mail["channel"], by_chat["channel"]) == ("mail", "bot")
        assert by_chat["recipients"] == '{"to":[["","4711"]]}'
        assert (by_chat["subject"], by_chat["kind"]) == ("", "note")
        assert by_chat["text"].startswith("A customer is waiting.")
        assert by_chat["counted"] is None


def test_a_colleague_on_a_messenger_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        configure(tmp_path, CONFIG + RULES.replace("desk@example.com", "telegram:4711"))
    (problem,) = error.value.problems
    assert problem.key == "follow_up[0].notify[1]"
    assert 'no channel of ours reaches "telegram:"; possible: "email"' in problem.message


async def test_what_was_missed_waits_for_the_morning_and_comes_one_by_one(desk: Desk) -> None:
    """A day asleep, waking in the night: 130 nudges, in two looks, and each once."""
    for n in range(130):
        await desk.accept(mail(sender=f"c{n}@one{n}.example"))
    await desk.change("DELETE FROM follow_ups")
    await desk.change("UPDATE cases SET status = 'pending', unanswered_since = NULL")
    await desk.change(
        "INSERT INTO follow_ups (id, case_id, conversation_id, rule, cause, state, due_at, reason)"
        " SELECT 1000000 + id, id, conversation_id, 'nudge', 'pending@2026-11-24T03:00:00.000000Z',"
        " 'pending', '2026-11-24T04:00:00.000000Z', '' FROM cases"
    )
    clock = desk.follow_ups()
    desk.clock.advance(hours=11)  # 23 h in Tokyo
    for _ in range(140):
        await clock.look()
        desk.clock.advance(seconds=1)
    found = await desk.rows("SELECT state, reason, due_at FROM follow_ups ORDER BY due_at")
    assert {(row["state"], row["reason"]) for row in found} == {("pending", "quiet hours")}
    times = [moment(row["due_at"]) for row in found]
    morning = NOON + timedelta(hours=20)  # 8 h in Tokyo
    assert times == [morning + timedelta(seconds=n) for n in range(130)]
