"""The channel `matrix` against a real homeserver, behind a proxy that can fail."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from channels.base import Host, Rejected
from channels.matrix import Matrix
from channels.matrix import api as matrix_api
from channels.matrix.words import ALONE, LOCKED
from normalizer.message import Envelope
from tests.channels.matrix_channel import Chat, chat, off, until
from tests.channels.matrix_chat import Desk, at_home, holds, reply, running, words
from tests.daemon.synapse import Synapse

pytestmark = [pytest.mark.daemon, pytest.mark.xdist_group("synapse")]


@pytest.fixture
def one(homeserver: Synapse) -> Iterator[Chat]:
    with chat(homeserver) as running:
        yield running


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_gap_is_filled_in_its_order(
    one: Chat, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The homeserver tells the newest few events only; the others are asked for."""
    monkeypatch.setattr(matrix_api, "PAGE", 7)
    monkeypatch.setitem(matrix_api._FILTER["room"], "timeline", {"limit": 3})
    async with running(one, desk, tmp_path):
        room = await one.open()
        await off(lambda: one.yuki.say(room, "before"))
        await holds(lambda: "before" in desk.texts)
    for n in range(30):
        await off(lambda n=n: one.yuki.say(room, f"line {n}"))  # type: ignore[misc]  # bound now
    desk.troubles = 1
    async with running(one, desk, tmp_path):
        await holds(lambda: "line 29" in desk.texts)
    fresh = list(dict.fromkeys(desk.texts))
    assert fresh == ["before", *(f"line {n}" for n in range(30))]


async def test_what_was_there_at_first_contact_is_history(
    one: Chat, desk: Desk, tmp_path: Path
) -> None:
    async with running(one, Desk(), tmp_path):
        room = await one.open()
    await off(lambda: one.yuki.say(room, "long ago"))
    async with running(one, desk, tmp_path):
        await holds(lambda: "long ago" in desk.texts)
        await off(lambda: one.yuki.say(room, "and now"))
        await holds(lambda: "and now" in desk.texts)
    assert [envelope.transport.history for envelope in desk.taken] == [True, False]


async def test_a_group_is_refused_politely_once(one: Chat, desk: Desk, tmp_path: Path) -> None:
    hana = one.server.person()
    async with running(one, desk, tmp_path):
        room = await one.open()
        await off(lambda: one.yuki.say(room, "for you alone"))
        await holds(lambda: desk.texts == ["for you alone"])
        await off(lambda: one.yuki.ask("POST", f"/rooms/{room}/invite", {"user_id": hana.user}))
        await off(lambda: hana.ask("POST", f"/join/{room}"))

        async def left() -> bool:
            return one.desk.user not in await off(lambda: one.yuki.members(room))

        await until(left)
        await off(lambda: one.yuki.say(room, "is anybody there?"))
        await off(lambda: one.yuki.ask("POST", f"/rooms/{room}/invite", {"user_id": one.desk.user}))
        other = await one.open(hana)
        await off(lambda: hana.say(other, "hello"))
        await holds(lambda: "hello" in desk.texts)
        assert desk.texts == ["for you alone", "hello"]
        assert [said["body"] for said in await words(one, room)()] == [ALONE]
        assert await left()


async def test_only_chats_are_joined_and_none_where_the_admin_says_so(
    one: Chat, desk: Desk, tmp_path: Path
) -> None:
    async with running(one, desk, tmp_path):
        room = await off(lambda: one.yuki.chat_with(one.desk.user, direct=False))
        await _declined(one, room)
    async with running(one, desk, tmp_path, accept_invites=False):
        await _declined(one, await off(lambda: one.yuki.chat_with(one.desk.user)))


async def _declined(one: Chat, room: str) -> None:
    async def declined() -> bool:
        path = f"/rooms/{room}/state/m.room.member/{one.desk.user}"
        return bool((await off(lambda: one.yuki.ask("GET", path)))["membership"] == "leave")

    await until(declined)


async def test_an_invitation_that_cannot_be_followed_now_keeps_nobody_waiting(
    one: Chat, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's homeserver may hang; Matrix tells of an invitation once, so it is noted."""
    hana, join = one.server.person(), matrix_api.MatrixApi.join

    async def hangs(api: Any, room: str) -> None:
        await (asyncio.Event().wait() if room == stuck else join(api, room))

    stuck = await off(lambda: one.yuki.chat_with(one.desk.user))
    with monkeypatch.context() as patch:
        patch.setattr(matrix_api.MatrixApi, "join", hangs)
        async with running(one, desk, tmp_path):
            room = await one.open(hana)
            await off(lambda: hana.say(room, "hello"))
            await holds(lambda: desk.texts == ["hello"])
    assert stuck in await desk.recall("invited")
    async with running(one, desk, tmp_path):

        async def joined() -> bool:
            return one.desk.user in await off(lambda: one.yuki.members(stuck))

        await until(joined)

        async def forgotten() -> bool:
            return await desk.recall("invited") == "[]"

        await until(forgotten)


@pytest.mark.parametrize("hangs", [False, True], ids=["broken", "silent"])
async def test_a_room_that_the_homeserver_cannot_read_keeps_nobody_waiting(
    one: Chat, desk: Desk, tmp_path: Path, hangs: bool
) -> None:
    hana = one.server.person()
    one.proxy.hangs = hangs
    async with running(one, desk, tmp_path):
        broken, other = await at_home(one, desk), await one.open(hana)
        await off(lambda: one.yuki.say(broken, "first"))
        await holds(lambda: desk.texts == ["first"])
    one.proxy.broken = broken
    async with running(one, desk, tmp_path):
        await off(lambda: one.yuki.say(broken, "is this read?"))
        await off(lambda: hana.say(other, "hello"))
        await holds(lambda: "hello" in desk.texts)
        assert "is this read?" not in desk.texts
    async with running(one, desk, tmp_path):
        one.proxy.broken = ""
        await off(lambda: hana.say(other, "and on"))
        await holds(lambda: "is this read?" in desk.texts and "and on" in desk.texts)

        async def settled() -> bool:
            return await desk.recall("owed") == "{}"

        await until(settled)


async def test_an_encrypted_chat_is_told_once_how_to_reach_us(
    one: Chat, desk: Desk, tmp_path: Path
) -> None:
    lock = {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
    secret = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "…", "session_id": "s"}
    async with running(one, desk, tmp_path):
        room = await one.open(initial_state=[lock])
        for _ in range(2):
            event = await off(lambda: one.yuki.put(room, secret, "m.room.encrypted"))
            await one.until_done(event)
        assert [said["body"] for said in await words(one, room)()] == [LOCKED]
    assert len(desk.taken) == 2
    assert all(message.aside and message.text for message in desk.messages)


async def test_who_leaves_is_not_written_to_until_they_come_back(
    one: Chat, desk: Desk, tmp_path: Path
) -> None:
    async with running(one, desk, tmp_path) as channel:
        room = await one.open()
        await off(lambda: one.yuki.say(room, "hello"))
        await holds(lambda: len(desk.taken) == 1)
        await off(lambda: one.yuki.ask("POST", f"/rooms/{room}/kick", {"user_id": one.desk.user}))
        await holds(lambda: len(desk.taken) == 2)
        assert desk.messages[1].report
        with pytest.raises(Rejected) as refused:
            await channel.send(reply(one.yuki.user, "are you there?"), "k")
        assert refused.value.reason == "address_dead"
        again = await one.open()
        await off(lambda: one.yuki.say(again, "I am back"))
        await holds(lambda: len(desk.taken) == 3)
        await channel.send(reply(one.yuki.user, "welcome"), "k2")
        assert [said["body"] for said in await words(one, again)()] == ["welcome"]


async def test_the_answer_is_already_right_when_the_message_is_committed(
    one: Chat, desk: Desk, tmp_path: Path
) -> None:
    """The commit wakes it; the customer has two chats with us, and has just written in the other."""
    async with running(one, desk, tmp_path) as channel:
        await at_home(one, desk)
        other = await one.open()

        async def answers(envelope: Envelope) -> None:
            await channel.send(reply(one.yuki.user, "We have it."), envelope.unit)

        desk.accepting = answers  # type: ignore[method-assign]  # from now on
        await off(lambda: one.yuki.say(other, "hello"))
        await holds(lambda: len(desk.taken) == 1)
        assert [said["body"] for said in await words(one, other)()] == ["We have it."]


async def test_i14_a_token_that_is_refused_is_trouble_and_no_storm(
    one: Chat, desk: Desk, tmp_path: Path
) -> None:
    asked: list[float] = []
    waiting = asyncio.Event()

    async def rest(seconds: float) -> None:
        asked.append(seconds)
        await waiting.wait()

    settings = one.settings(access_token="revoked")
    channel = Matrix(settings, Host("desk", tmp_path), sleep=rest)
    task = asyncio.create_task(channel.receive(desk))
    await holds(lambda: bool(asked))
    assert asked == [300.0]
    assert "M_UNKNOWN_TOKEN" in channel.trouble
    assert "revoked" not in channel.trouble
    assert not channel.ready
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await channel.close()


async def test_a_homeserver_that_begins_anew_is_read_from_its_beginning(
    one: Chat, desk: Desk, tmp_path: Path
) -> None:
    cursor = {"next": "s_of_another_life", "first": "2026-01-01T00:00:00+00:00"}
    await desk.note("cursor", json.dumps(cursor | {"last": cursor["first"]}))
    async with running(one, desk, tmp_path):
        room = await one.open()
        await off(lambda: one.yuki.say(room, "hello"))
        await holds(lambda: desk.texts == ["hello"])


async def test_the_token_stands_in_no_address(one: Chat, desk: Desk, tmp_path: Path) -> None:
    async with running(one, desk, tmp_path) as channel:
        assert one.desk.user in await channel.check()
        await one.open()
    assert not any("access_token" in query for query in one.proxy.queries)


def test_the_library_comes_with_the_first_account_only() -> None:
    said = "import sys, gateway.supervisor, channels.matrix; print('nio' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True, env=environment
    )
    assert found.stdout.strip() == "False"
