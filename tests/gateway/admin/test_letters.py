"""An alarm is a mail to the admin: durable, bounded, in no conversation, and never a loop."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from channels.base import Host
from channels.mail_compose import compose
from channels.mail_out import MailOut, bounce_address
from gateway.admin.bell import Bell, heard, rung
from gateway.admin.letters import Letters, written
from gateway.alarm import Alarm, Kind
from gateway.metrics import Metrics
from gateway.rules import admin
from normalizer.message import NULL_SENDER, Address, Message
from tests.corpus.bounces import report
from tests.gateway.delivering import deliver_all
from tests.making import CONFIG, DESK, KEYS, NOON, Desk, mail, opened

ADMIN = "admin@corp.example"
TOLD = f'{CONFIG}\n[alarms]\nnotify = ["{ADMIN}"]\n'
SECOND = """
[[channel]]
name = "second"
type = "lmtp"
listen = "127.0.0.1:2424"
addresses = ["second@example.org"]
send = "maildir:second"
"""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, TOLD) as desk:
        yield desk


def letters(desk: Desk) -> Letters:
    found = admin(desk.config, KEYS)
    assert found
    return found


async def raised(
    desk: Desk, kind: Kind = "channel.silent", about: str = "box", *, over: bool = False
) -> None:
    """A change of state is told."""
    reason = "nothing heard since noon"
    data = {"channel": about} if about else {}
    desk.rules.alarms.report(Alarm(kind, reason, desk.clock(), data, over))
    await desk.rules.alarms.tell(desk.store, Metrics())


async def happen(
    desk: Desk, kind: Kind = "channel.silent", about: str = "box", *, over: bool = False
) -> None:
    """… and what is due leaves."""
    await raised(desk, kind, about, over=over)
    await deliver_all(desk, None, "sent", "failed", "in_doubt")


async def later(desk: Desk, **by: float) -> None:
    desk.clock.advance(**by)
    await letters(desk).look(desk.store, desk.clock(), NOON)
    await deliver_all(desk, None, "sent", "failed", "in_doubt")


def raw(desk: Desk, sent: Message) -> bytes:
    return compose(sent, Address("Example Support", DESK), desk.clock(), "desk.example")


async def test_an_alarm_is_a_mail_that_says_what_it_means_and_what_to_do_first(house: Desk) -> None:
    await happen(house)
    (sent,) = house.wire.sent
    assert sent.to == (Address("", ADMIN),)
    assert sent.subject == "[Example Support] Alarm: a channel is silent (box)"
    assert sent.text.startswith(
        "What happened (Asia/Tokyo)\n2026-11-24 12:00 box: nothing heard since noon\n\nWhat it means\n"
    )
    assert "madoguchi check --connect" in sent.text.partition("What to do first\n")[2]


async def test_it_is_marked_as_automatic_and_goes_from_the_null_path(house: Desk) -> None:
    """RFC 3834: auto-generated, MAIL FROM `<>`; nothing that another robot would answer."""
    await happen(house)
    out = MailOut(house.config.channels[0], Host("desk.example", house.config.gateway.data_dir))  # type: ignore[arg-type]  # this one is for mail
    made = out.mail(house.wire.sent[0], "key")
    assert (made.sender, made.recipients) == ("", (ADMIN,))
    assert b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n" in made.data


async def test_it_stands_in_nobody_s_conversation_and_counts_for_no_budget(house: Desk) -> None:
    await happen(house)
    row = await house.one("SELECT conversation_id, case_id, customer_id, kind FROM messages")
    assert row == {"conversation_id": None, "case_id": None, "customer_id": None, "kind": "notice"}
    for table in ("customers", "conversations", "cases"):
        assert await house.count(table) == 0
    assert (await house.one("SELECT budget_key, domain FROM outbox")) == {
        "budget_key": "",
        "domain": "",
    }


async def test_of_one_kind_one_an_hour_with_what_came_since(house: Desk) -> None:
    for name in ("box", "bot", "chat"):
        await happen(house, about=name)
        house.clock.advance(minutes=5)
    assert len(house.wire.sent) == 1
    await later(house, minutes=40)
    assert len(house.wire.sent) == 1
    await later(house, minutes=10)
    assert [one.subject.rpartition("(")[2] for one in house.wire.sent] == ["box)", "bot, chat)"]
    await later(house, days=3)
    assert len(house.wire.sent) == 2


async def test_a_flood_is_one_letter_that_counts_the_rest(house: Desk) -> None:
    for _ in range(90):
        alarm = Alarm("staff.flood", "too many", house.clock(), {"channel": "mail"})
        for _more in range(10):
            house.rules.alarms.raise_(alarm)
        await house.rules.alarms.tell(house.store, Metrics())
        await later(house, minutes=1)
    assert len(house.wire.sent) == 2
    assert "599 more, not listed here" in house.wire.sent[1].text


async def test_that_it_is_over_is_told(house: Desk) -> None:
    await happen(house)
    house.clock.advance(minutes=7)
    await happen(house, over=True)
    assert house.wire.sent[1].subject == "[Example Support] Over: a channel is silent (box)"
    assert "2026-11-24 12:07 box: over: nothing heard since noon" in house.wire.sent[1].text
    assert "What to do first" not in house.wire.sent[1].text


async def test_a_process_that_dies_again_and_again_tells_it_once_an_hour(tmp_path: Path) -> None:
    """Each life finds the same trouble anew."""
    for life in range(5):
        async with opened(tmp_path, TOLD) as desk:
            desk.clock.advance(minutes=life)
            await happen(desk)
            assert len(desk.wire.sent) == (1 if life == 0 else 0)
    async with opened(tmp_path, TOLD) as desk:
        desk.clock.advance(minutes=61)
        await letters(desk).look(desk.store, desk.clock(), desk.clock())
        await deliver_all(desk, None, "sent", "failed", "in_doubt")
        (sent,) = desk.wire.sent
        assert sent.text.count("nothing heard since noon") == 4


async def test_a_letter_that_was_being_sent_when_we_died_is_not_sent_again(house: Desk) -> None:
    await raised(house)
    lease = timedelta(minutes=5)
    await house.store.settle_and_claim((), "mail", house.clock, "us", lease, 5)
    await house.store.recover(house.clock(), "us")
    await later(house, hours=2)
    assert house.wire.sent == []
    assert (await house.one("SELECT state FROM outbox"))["state"] == "in_doubt"


@pytest.mark.parametrize("way", ["its message-id", "our bounce address"])
async def test_its_bounce_opens_no_case_and_no_other_letter(house: Desk, way: str) -> None:
    await happen(house)
    (sent,) = house.wire.sent
    dead = f"Final-Recipient: rfc822; {ADMIN}\nAction: failed\nStatus: 5.1.1"
    back, to = "Subject: x\n\nx\n", bounce_address(DESK, sent.message_id)
    if way == "its message-id":
        back, to = raw(house, sent).decode().replace("\r\n", "\n"), DESK
    bounce = report(dead, back=back).replace("\n", "\r\n").encode()
    receipt = await house.accept(bounce, NULL_SENDER, to=(to,), peer="192.0.2.200")
    assert receipt.outcome == "accepted"
    await later(house, hours=2)
    assert len(house.wire.sent) == 1
    for table in ("customers", "conversations", "cases"):
        assert await house.count(table) == 0
    assert (await house.one("SELECT state FROM outbox"))["state"] == "failed"
    assert (await house.decision(receipt.message, "alarm"))["outcome"] == "consumed"
    await house.rules.alarms.tell(house.store, Metrics())
    query = "SELECT data FROM events WHERE type = 'alarm.raised' ORDER BY cursor DESC LIMIT 1"
    assert json.loads((await house.one(query))["data"])["kind"] == "alarms.undelivered"
    await later(house, hours=2)
    assert len(house.wire.sent) == 1


async def test_an_absence_notice_to_it_opens_no_case(house: Desk) -> None:
    await happen(house)
    (sent,) = house.wire.sent
    away = mail(
        ADMIN, "Automatic reply: Alarm", "I am away.",
        In_Reply_To=f"<{sent.message_id}>", Auto_Submitted="auto-replied",
    )  # fmt: skip
    await house.accept(away, ADMIN)
    assert await house.count("cases") == 0


async def test_an_answer_of_a_person_is_a_case_like_any_other(house: Desk) -> None:
    """What somebody wrote by hand is never swallowed."""
    await happen(house)
    (sent,) = house.wire.sent
    answer = mail(ADMIN, f"Re: {sent.subject}", "Can you look?", In_Reply_To=f"<{sent.message_id}>")
    await house.accept(answer, ADMIN)
    assert await house.count("cases") == 1


async def test_a_robot_of_a_stranger_cannot_make_us_swallow_mail(house: Desk) -> None:
    """Who was not written to holds no token, whatever Message-ID he names."""
    await happen(house)
    (sent,) = house.wire.sent
    forged = mail(
        "x@evil.example", "Auto", "Hello", In_Reply_To=f"<{sent.message_id}>",
        Auto_Submitted="auto-replied",
    )  # fmt: skip
    await house.accept(forged, "x@evil.example")
    assert await house.count("cases") == 1


async def test_a_channel_in_trouble_is_told_of_by_another_where_there_is_one(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, TOLD + SECOND) as desk:
        await raised(desk, "channel.trouble", "mail")
        assert (await desk.one("SELECT channel FROM outbox"))["channel"] == "second"


async def test_the_channel_that_the_admin_names_goes_first(tmp_path: Path) -> None:
    named = TOLD.replace("[alarms]", '[alarms]\nchannel = "second"') + SECOND
    async with opened(tmp_path, named) as desk:
        await raised(desk)
        assert (await desk.one("SELECT channel FROM outbox"))["channel"] == "second"


async def test_each_admin_has_a_mail_of_their_own(tmp_path: Path) -> None:
    two = TOLD.replace(f'["{ADMIN}"]', f'["{ADMIN}", "boss@corp.example", "{ADMIN}"]')
    async with opened(tmp_path, two) as desk:
        await happen(desk)
        assert [one.to[0].address for one in desk.wire.sent] == [ADMIN, "boss@corp.example"]


async def test_nobody_who_is_not_named_hears_anything(desk: Desk) -> None:
    await happen(desk)
    assert admin(desk.config, KEYS) is None
    assert await desk.count("outbox") == 0


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize(("language", "says"), [("ja", "まずすること"), ("de", "What to do first")])
def test_every_kind_has_words_in_the_gateway_s_language_or_in_english(
    kind: Kind, language: str, says: str
) -> None:
    bell = heard(Bell(), Alarm(kind, "as the test says", NOON, {"channel": "box"}))
    zone = ZoneInfo("Asia/Tokyo")
    subject, body = written(kind, rung(bell, NOON)[1], "Example Support", language, zone)
    assert says in body
    assert subject.startswith("【Example Support】警報：") == (language == "ja")


async def test_the_gateway_s_language_is_the_letter_s(tmp_path: Path) -> None:
    text = TOLD.replace("[gateway]", '[gateway]\nlanguage = "ja"')
    async with opened(tmp_path, text) as desk:
        await happen(desk)
        assert desk.wire.sent[0].subject == "【Example Support】警報：チャネルの応答なし (box)"
        desk.clock.advance(hours=2)
        silent = Alarm("channel.month", "80 of 100 messages of the month are sent", NOON, {})
        desk.rules.alarms.report(silent)
        await desk.rules.alarms.tell(desk.store, Metrics())
        await deliver_all(desk)
        assert (
            "2026-11-24 12:00 今月の上限100通のうち80通を送信しました\n" in desk.wire.sent[1].text
        )


async def test_what_a_server_said_breaks_no_line(house: Desk) -> None:
    """A reason may quote somebody else's server."""
    alarm = Alarm(
        "channel.trouble",
        "NO\r\nBcc: x@evil.example\u2028\x00 bad",
        house.clock(),
        {"channel": "box"},
    )
    house.rules.alarms.report(alarm)
    await house.rules.alarms.tell(house.store, Metrics())
    await deliver_all(house)
    assert "box: NO Bcc: x@evil.example  bad\n" in house.wire.sent[0].text


async def test_a_channel_that_sends_nothing_is_not_told_of_by_itself_until_it_is_over(
    house: Desk,
) -> None:
    """Such a letter would wait behind what it tells of."""
    await raised(house, "channel.sending", "mail")
    await later(house, hours=3)
    assert house.wire.sent == []
    await happen(house, "channel.sending", "mail", over=True)
    (sent,) = house.wire.sent
    assert sent.subject == "[Example Support] Over: nothing leaves on a channel (mail)"
    assert sent.text.count("mail: ") == 2


async def test_another_channel_tells_of_one_that_sends_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, TOLD + SECOND) as desk:
        await raised(desk, "channel.sending", "mail")
        assert (await desk.one("SELECT channel FROM outbox"))["channel"] == "second"


async def test_that_mail_to_the_admin_fails_is_never_told_by_mail(house: Desk) -> None:
    for _ in range(5):
        await raised(house, "alarms.undelivered", "mail")
        await later(house, hours=2)
    assert house.wire.sent == []
    assert await house.count("outbox") == 0


async def test_what_a_restart_put_right_is_over_an_hour_later(house: Desk) -> None:
    """Nobody reports the end of what a new process has never seen."""
    await happen(house, "channel.trouble")
    await happen(house, "delivery.in_doubt", "")
    house.clock.advance(minutes=10)
    since = house.clock()
    for minutes in (59, 2, 500):
        house.clock.advance(minutes=minutes)
        await letters(house).look(house.store, house.clock(), since)
    await deliver_all(house)
    subjects = [one.subject.partition("] ")[2] for one in house.wire.sent]
    assert subjects[2:] == ["Over: a channel needs a person (box)"]
    assert "not seen since the restart" in house.wire.sent[2].text


async def test_what_is_in_trouble_again_after_a_restart_is_not_over(house: Desk) -> None:
    await happen(house, "channel.trouble")
    house.clock.advance(minutes=10)
    since = house.clock()
    house.clock.advance(minutes=1)
    await raised(house, "channel.trouble")
    house.clock.advance(minutes=65)
    await letters(house).look(house.store, house.clock(), since)
    await deliver_all(house)
    assert [one.subject.partition("] ")[2].partition(":")[0] for one in house.wire.sent] == [
        "Alarm",
        "Alarm",
    ]


async def test_a_message_that_nobody_can_read_is_told_once_not_at_each_retry(house: Desk) -> None:
    house.inline.unreadable = b"poison"
    for n in range(3):
        await house.accept(mail(subject=f"poison {n}"))
    await house.rules.alarms.tell(house.store, Metrics())
    for line in await house.backlog.retry("quarantined"):
        assert line
    await house.rules.alarms.tell(house.store, Metrics())
    found = await house.rows("SELECT data FROM events WHERE type = 'alarm.raised'")
    assert [json.loads(row["data"])["kind"] for row in found] == ["message.quarantined"]


async def test_what_another_version_noted_silences_nothing(house: Desk) -> None:
    await happen(house)
    await house.change("UPDATE notes SET value = '{}' WHERE name = 'alarm channel.silent'")
    await happen(house, about="bot")
    assert len(house.wire.sent) == 2
