"""The channel `slack` as Slack calls it: what is let in, and what becomes of it."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from channels.base import Host, NoPast, Receipt, Unavailable
from channels.slack import Slack
from channels.testing import call
from normalizer import normalize
from normalizer.message import Envelope, Identity, Message
from tests.channels.slack_double import (
    BOT,
    HANA,
    LOBBY,
    TALK,
    TEAM,
    YUKI,
    Workspace,
    event_call,
    press,
    request,
    said,
    settings,
    workspace,
)
from tests.making import until


class Desk(NoPast):
    """Takes envelopes as the gateway does: each unit, and each message, once."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Envelope] = []
        self.down = False

    async def __call__(self, envelope: Envelope) -> Receipt:
        if self.down:
            raise Unavailable
        (message,) = normalize(envelope)
        if envelope.unit in {one.unit for one in self.taken} or message.fingerprint in {
            one.fingerprint for one in self.messages
        }:
            return Receipt(1, "duplicate")
        self.taken.append(envelope)
        return Receipt(len(self.taken), "accepted")

    @property
    def messages(self) -> list[Message]:
        return [normalize(envelope)[0] for envelope in self.taken]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]


@asynccontextmanager
async def running(slack: Workspace, desk: Desk, folder: Path, **more: Any) -> AsyncIterator[Slack]:
    channel = Slack(settings(slack, **more), Host("desk", folder, past=lambda _: desk))
    task = asyncio.create_task(channel.receive(desk))

    async def known() -> bool:
        return bool(channel._team)

    try:
        await until(known)
        yield channel
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await channel.close()


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with workspace() as running:
        yield running


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def told(channel: Slack, event: dict[str, Any], id_: str = "", **more: str) -> int:
    return await call(channel, request(event_call(event, id_), None, **more))


async def test_a_message_is_taken_with_its_writer_s_name(
    slack: Workspace, desk: Desk, tmp_path: Path
) -> None:
    async with running(slack, desk, tmp_path) as channel:
        assert await told(channel, said("Hello &amp; good day")) == 200
        assert await told(channel, said("once more")) == 200
    first = desk.messages[0]
    assert first.text == "Hello & good day"
    assert first.claims[0].identity == Identity("slack", f"{TEAM}/{YUKI}")
    assert (first.claims[0].name, first.language) == ("ゆき", "ja")
    assert [method for method, _ in slack.calls].count("users.info") == 1


async def test_the_address_is_proved_by_its_challenge(
    slack: Workspace, desk: Desk, tmp_path: Path
) -> None:
    async with running(slack, desk, tmp_path) as channel:
        asked = request(b'{"type":"url_verification","challenge":"3eZb"}')
        answer = await channel.answer(asked)
    assert (answer.status, answer.body) == (200, b"3eZb")
    assert desk.taken == []


@pytest.mark.parametrize("age", [-310, 301, 10**9])  # what is early comes nearer meanwhile
async def test_w01_a_call_that_is_old_or_early_is_refused(
    slack: Workspace, desk: Desk, tmp_path: Path, age: int
) -> None:
    async with running(slack, desk, tmp_path) as channel:
        body = event_call(said("again"))
        assert await call(channel, request(body, at=abs(time.time() - age))) == 401
        assert await call(channel, request(body, at=time.time() - 200)) == 200
    assert desk.texts == ["again"]


async def test_i18_a_first_try_that_was_lost_is_made_up_for(
    slack: Workspace, desk: Desk, tmp_path: Path
) -> None:
    """Only the second try arrives, and says so in its header."""
    async with running(slack, desk, tmp_path) as channel:
        retry = {"x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"}
        assert await told(channel, said("hello"), "Ev1", **retry) == 200
    assert desk.texts == ["hello"]


async def test_i19_a_second_try_after_the_first_is_nothing_new(
    slack: Workspace, desk: Desk, tmp_path: Path
) -> None:
    event = said("hello")
    async with running(slack, desk, tmp_path) as channel:
        for retry in ({}, {"x-slack-retry-num": "2"}):
            assert await told(channel, event, "Ev1", **retry) == 200
    assert desk.texts == ["hello"]


async def test_i22_while_the_store_is_down_slack_is_asked_to_come_again(
    slack: Workspace, desk: Desk, tmp_path: Path
) -> None:
    event = said("x" * 300_000)
    async with running(slack, desk, tmp_path) as channel:
        desk.down = True
        assert await told(channel, event, "Ev1") == 503
        assert not list((tmp_path / "spool").iterdir()), "nothing half stored"
        desk.down = False
        assert await told(channel, event, "Ev1") == 200
    assert await call(channel, request(event_call(said("late")))) == 503, "we have stopped"


@pytest.mark.parametrize(
    "event",
    [
        said("us", BOT, bot_id="B1"),
        said("us", BOT),
        said("a bot", "U0OTHER", bot_id="B2"),
        said("a bot", subtype="bot_message", bot_id="B3"),
        said("joined", subtype="channel_join"),
        said("", subtype="message_changed", message={"user": BOT, "bot_id": "B1", "text": "x"},
             previous_message={"text": "y"}),
        said("", subtype="message_changed", message={"user": YUKI, "text": "a link"},
             previous_message={"user": YUKI, "text": "a link"}),
        said("", subtype="message_deleted", previous_message={"user": BOT, "bot_id": "B1"}),
        {"type": "reaction_added", "user": YUKI},
        said("hi", "U; DROP"),
        {},
    ],
    ids=lambda event: f"{event.get('subtype', '')} {event.get('user', '')} {event.get('text', '')}",
)  # fmt: skip
async def test_bots_and_ourselves_are_not_heard(
    slack: Workspace, desk: Desk, tmp_path: Path, event: dict[str, Any]
) -> None:
    async with running(slack, desk, tmp_path) as channel:
        assert await told(channel, event) == 200
    assert desk.taken == []


async def test_another_workspace_s_calls_are_not_ours(
    slack: Workspace, desk: Desk, tmp_path: Path
) -> None:
    async with running(slack, desk, tmp_path) as channel:
        body = event_call(said("hello"), team_id="T0OTHER")
        assert await call(channel, request(body)) == 200
    assert desk.taken == []


async def test_in_a_channel_only_who_calls_us_is_heard(
    slack: Workspace, desk: Desk, tmp_path: Path
) -> None:
    """Both kinds of event tell of one mention; what bystanders say in the thread is not ours."""
    mention = said(f"<@{BOT}> my parcel?", channel=LOBBY)
    root = mention["ts"]
    async with running(slack, desk, tmp_path) as channel:
        assert await told(channel, said("good morning all", channel=LOBBY)) == 200
        assert await told(channel, mention | {"type": "app_mention"}) == 200
        assert await told(channel, mention) == 200
        for who, words in ((HANA, "I know them"), (YUKI, "number 7")):
            assert await told(channel, said(words, who, LOBBY, thread_ts=root)) == 200
        too = said(f"me too <@{BOT}>", HANA, LOBBY, thread_ts=root, type="app_mention")
        assert await told(channel, too) == 200
        elsewhere = said("not for us", channel=LOBBY, thread_ts="1.1")
        assert await told(channel, elsewhere) == 200
        change = {"user": YUKI, "text": "number 8", "ts": "9.1", "thread_ts": root}
        edit = said(
            "", channel=LOBBY, subtype="message_changed", message=change, previous_message={}
        )
        assert await told(channel, edit) == 200
    assert desk.texts == ["my parcel?", "number 7", "me too", "number 8"]
    assert desk.messages[1].in_reply_to == desk.messages[0].message_id == f"slack:{LOBBY}:{root}"


async def test_a_button_is_pressed_once_and_by_whom_it_concerns(
    slack: Workspace, desk: Desk, tmp_path: Path
) -> None:
    async with running(slack, desk, tmp_path) as channel:
        pressed = press("solved", "It is solved", {"channel": TALK, "ts": "5.1"})
        for _ in range(2):
            assert await call(channel, request(pressed)) == 200
        in_a_thread = {"channel": LOBBY, "ts": "5.2", "thread_ts": "5.0"}
        await desk.note(f"thread:{LOBBY}:5.0:{TEAM}/{YUKI}", "called")
        for who in (HANA, YUKI):
            assert await call(channel, request(press("stuck", "Not yet", in_a_thread, who))) == 200
        assert await call(channel, request(press("", "A page", in_a_thread))) == 200
    assert [(one.pressed, one.text, one.in_reply_to) for one in desk.messages] == [
        ("solved", "It is solved", f"slack:{TALK}:5.1"),
        ("stuck", "Not yet", f"slack:{LOBBY}:5.0:5.2"),
    ]


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/x", "POST", 404), ("", "GET", 405)], ids=str
)
async def test_only_the_channel_s_own_address_is_called(
    slack: Workspace, desk: Desk, tmp_path: Path, path: str, method: str, status: int
) -> None:
    async with running(slack, desk, tmp_path) as channel:
        asked = request(event_call(said("x")))._replace(path=path, method=method)
        assert await call(channel, asked) == status


async def test_what_is_no_json_is_told_so(slack: Workspace, desk: Desk, tmp_path: Path) -> None:
    async with running(slack, desk, tmp_path) as channel:
        for body in (b"", b"[]", b"payload=", b"payload=%7B", b"{"):
            assert await call(channel, request(body)) == 400


async def test_events_that_slack_withholds_are_told_to_people(
    slack: Workspace, desk: Desk, tmp_path: Path, logged: io.StringIO
) -> None:
    async with running(slack, desk, tmp_path) as channel:
        body = b'{"type":"app_rate_limited","team_id":"T0DESK","minute_rate_limited":1518467820}'
        assert await call(channel, request(body)) == 200
    assert "slack.events_withheld" in logged.getvalue()


async def test_what_slack_brings_late_was_said_when_it_was_said(
    slack: Workspace, desk: Desk, tmp_path: Path
) -> None:
    async with running(slack, desk, tmp_path) as channel:
        now = time.time()
        for at in (now - 3600, now + 3600, 0):
            body = event_call(said("hello"), event_time=int(at))
            assert await call(channel, request(body)) == 200
    ages = [now - envelope.received_at.timestamp() for envelope in desk.taken]
    assert ages[0] == pytest.approx(3600, abs=2)
    assert ages[1:] == pytest.approx([0, 0], abs=60)
