"""What we say on Matrix, and the files that customers sent there, on a real homeserver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.base import Rejected, Retry
from gateway.outgoing.render import render
from normalizer.message import Button, Part, Spooled
from tests.channels.matrix_channel import Chat, chat, off
from tests.channels.matrix_chat import Desk, at_home, reply, running, words
from tests.daemon.synapse import Synapse

pytestmark = [pytest.mark.daemon, pytest.mark.xdist_group("synapse")]


@pytest.fixture
def one(homeserver: Synapse) -> Iterator[Chat]:
    with chat(homeserver) as running:
        yield running


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_who_never_wrote_is_invited_to_a_chat(one: Chat, desk: Desk, tmp_path: Path) -> None:
    async with running(one, desk, tmp_path) as channel:
        for n in range(2):
            await channel.send(reply(one.yuki.user, f"good news {n}"), f"k{n}")
        invited = (await off(lambda: one.yuki.ask("GET", "/sync", timeout=0)))["rooms"]["invite"]
        (room,) = invited
        await off(lambda: one.yuki.ask("POST", f"/join/{room}"))
        assert [said["body"] for said in await words(one, room)()] == ["good news 0", "good news 1"]


async def test_what_is_lost_on_the_way_is_tried_again_and_said_once(
    one: Chat, desk: Desk, tmp_path: Path
) -> None:
    async with running(one, desk, tmp_path) as channel:
        room = await at_home(one, desk)
        message = reply(one.yuki.user, "We have it.")
        one.proxy.mode = "vanishes"
        with pytest.raises(Retry):
            await channel.send(message, "k")
        one.proxy.mode = ""
        await channel.send(message, "k")
        said = await words(one, room)()
    assert [content["body"] for content in said] == ["We have it."]


async def test_the_longest_text_is_one_event(one: Chat, desk: Desk, tmp_path: Path) -> None:
    async with running(one, desk, tmp_path) as channel:
        room = await at_home(one, desk)
        pieces = render(reply(one.yuki.user, '\n注 "' * 20_000), one.settings().limits)
        for number, piece in enumerate(pieces):
            await channel.send(piece, f"k{number}")
        assert len(await words(one, room)()) == len(pieces) > 2


async def test_files_and_buttons_are_shown_as_matrix_can(
    one: Chat, desk: Desk, tmp_path: Path
) -> None:
    file = tmp_path / "label.pdf"
    file.write_bytes(b"%PDF")
    data = Spooled(str(file), 4, "")
    part = Part(role="attachment", content_type="application/pdf", size=4, sha256="", data=data,
                filename="label.pdf")  # fmt: skip
    buttons = (Button("Solved", "solved"), Button("Track it", url="https://t.example/1"))
    async with running(one, desk, tmp_path) as channel:
        room = await at_home(one, desk)
        whole = reply(one.yuki.user, "Here.", parts=(part,), buttons=buttons)
        for number, piece in enumerate(render(whole, one.settings().limits)):
            await channel.send(piece, f"k{number}")
        text, shown = await words(one, room)()
        assert text["body"] == "Here.\n\n1. Solved\n\nTrack it: https://t.example/1"
        assert (shown["msgtype"], shown["filename"]) == ("m.file", "label.pdf")
        assert await channel.fetch(shown["url"]) == b"%PDF"


async def test_a_customer_s_file_is_fetched_within_bounds(
    one: Chat, desk: Desk, tmp_path: Path
) -> None:
    async with running(one, desk, tmp_path, max_file="1 MiB") as channel:
        small = await off(lambda: one.yuki.upload(b"small", "text/plain"))
        large = await off(lambda: one.yuki.upload(b"l" * 500_000, "text/plain"))
        huge = await off(lambda: one.yuki.upload(b"h" * 1_200_000, "text/plain"))
        assert await channel.fetch(small) == b"small"
        found = await channel.fetch(large)
        assert isinstance(found, Spooled)
        assert found.size == 500_000
        for gone in (huge, "mxc://desk.test/nothing", "mxc://x/../../etc", "https://evil.example/"):
            with pytest.raises(Rejected):
                await channel.fetch(gone)
