"""The example of docs/channels.md is a channel: it compiles, takes a line in and sends one out."""

from __future__ import annotations

import ast
import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import channels
import normalizer
from channels.base import Channel, ChannelDown, Host, InDoubt, Receipt, Settings, Unavailable
from channels.testing import Ability, Check, checks
from gateway.config import ConfigError, load
from gateway.matching.author import resolve
from gateway.sender.trust import NOBODY_VOUCHES
from normalizer import normalize
from normalizer.message import Address, Envelope, Identity, Message
from tests.docs.pages import blocks, page

NAMES = ("channels.pager", "normalizer.pager", "tests.channels.test_pager")
CHANNEL, TEST = slice(0, 2), 2
PORT = "port = 4711"


def _example() -> list[str]:
    return blocks(page("docs/channels.md"), "python")


@pytest.fixture
def pager(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The modules and the two lines of the page, as if somebody had added them."""
    for name, code in zip(NAMES, _example(), strict=True):
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(code, name, "exec"), module.__dict__)
    text = page("docs/channels.md")
    assert f'`"pager": "{NAMES[0]}:Pager",`' in text
    assert f'`"pager": "{NAMES[1]}:read",`' in text
    monkeypatch.setitem(channels.CHANNELS, "pager", f"{NAMES[0]}:Pager")
    monkeypatch.setitem(normalizer.FORMATS, "pager", f"{NAMES[1]}:read")
    normalizer.reader.cache_clear()
    return iter([None])


def _settings(tmp_path: Path, port: str) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(blocks(page("docs/channels.md"), "toml")[0].replace(PORT, port), "utf-8")
    return load(path, {}).channels[0]


@asynccontextmanager
async def _running(tmp_path: Path, accept: Any) -> AsyncIterator[Any]:
    settings = _settings(tmp_path, "port = 0")
    channel: Channel = channels.load("pager")(settings, Host("mx.example", tmp_path))
    receiving = asyncio.create_task(channel.receive(accept))
    async with asyncio.timeout(60):
        while not channel.ready:
            await asyncio.wait({receiving}, timeout=0.005)
    try:
        yield channel
    finally:
        receiving.cancel()
        with suppress(asyncio.CancelledError):
            await receiving
        if pagers := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(pagers, timeout=10)


async def _say(port: int, line: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(line)
    return reader, writer, await reader.readline()


def _cannot() -> dict[Ability, str]:
    """What the page says that a pager cannot do."""
    found = re.search(r"^CANNOT = (\{.*?^\})", _example()[TEST], re.MULTILINE | re.DOTALL)
    assert found
    said: dict[Ability, str] = ast.literal_eval(found[1])
    return said


@pytest.mark.usefixtures("pager")
@pytest.mark.parametrize("check", checks(_cannot()), ids=str)
async def test_the_example_keeps_the_promises_of_the_seam(check: Check) -> None:
    await sys.modules[NAMES[TEST]].test_pager(check)


# One promise broken at a time: what stands in the channel, what a careless one would have, and who
# sees it.
CARELESS: list[tuple[str, str, str]] = [
    (
        "writer.write(await self._take(line, accept))",
        'writer.write(b"ok 1\\n"); await self._take(line, accept)',
        "a_peer_is_told_after_accept",
    ),
    ('b"please come again\\n"', 'b"ok 0\\n"', "trouble_of_ours_brings_the_peer_again"),
    ("secrets.token_hex(8)", '"1"', "each_message_has_a_unit_of_its_own"),
    ("except ValueError:", "except KeyError:", "poison_ends_nothing"),
    ('b"too long\\n"', 'b"ok 1\\n"', "what_is_large_is_a_file_or_refused"),
    ("settings.port, False", "settings.port, True", "ready_means_that_it_receives"),
    ("raise ChannelDown(", "raise LookupError(", "a_peer_that_is_down_can_be_tried_later"),
    ('.encode() + b"\\n"', '.encode("ascii", "replace") + b"\\n"', "a_message_reaches_the_peer"),
]


@pytest.mark.usefixtures("pager")
@pytest.mark.parametrize(("there", "careless", "name"), CARELESS, ids=[c[2] for c in CARELESS])
async def test_the_kit_sees_what_a_careless_channel_does(
    there: str, careless: str, name: str
) -> None:
    code, test = _example()[0], sys.modules[NAMES[TEST]]
    assert there in code
    exec(compile(code.replace(there, careless), NAMES[0], "exec"), sys.modules[NAMES[0]].__dict__)
    test.__dict__["Pager"] = sys.modules[NAMES[0]].Pager
    (check,) = [one for one in checks() if one.name == name]
    with pytest.raises(AssertionError):
        await test.test_pager(check)


def test_the_example_is_short() -> None:
    """A new channel, its reader included: at most 120 lines."""
    assert sum(len(code.splitlines()) for code in _example()[CHANNEL]) <= 120


@pytest.mark.usefixtures("pager")
async def test_a_line_comes_in_and_is_answered_after_accept(tmp_path: Path) -> None:
    accepted: list[Envelope] = []

    async def accept(envelope: Envelope) -> Receipt:
        accepted.append(envelope)
        return Receipt(17, "accepted")

    async with _running(tmp_path, accept) as channel:
        _, writer, reply = await _say(channel.port, b"Yuki Where is my order?\n")
        writer.close()
    assert reply == b"ok 17\n"
    (message,) = normalize(accepted[0])
    assert (message.text, message.unreadable) == ("Where is my order?", "")
    assert resolve(message, (), NOBODY_VOUCHES).identity == Identity("pager", "yuki")


@pytest.mark.usefixtures("pager")
async def test_trouble_of_ours_asks_the_peer_to_come_again(tmp_path: Path) -> None:
    async def accept(_: Envelope) -> Receipt:
        raise Unavailable

    async with _running(tmp_path, accept) as channel:
        _, writer, reply = await _say(channel.port, b"Yuki hello\n")
        writer.close()
    assert reply == b"please come again\n"


@pytest.mark.usefixtures("pager")
async def test_a_message_goes_out_to_who_is_connected(tmp_path: Path) -> None:
    async def accept(_: Envelope) -> Receipt:
        return Receipt(1, "accepted")

    message = Message(to=(Address("", "yuki"),), text="We have it.\nUntil 3 pm.")
    async with _running(tmp_path, accept) as channel:
        with pytest.raises(ChannelDown):
            await channel.send(message, "key")
        reader, writer, _ = await _say(channel.port, b"Yuki hello\n")
        assert (await channel.send(message, "key")).peer_id == ""
        assert await reader.readline() == b"We have it. Until 3 pm.\n"
        writer.close()


@pytest.mark.usefixtures("pager")
def test_its_table_is_checked_like_any_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"port"):
        _settings(tmp_path, 'port = "upstairs"')


def test_the_page_names_every_error_of_the_seam() -> None:
    text = page("docs/channels.md")
    for error in ("Retry", "Rejected", ChannelDown.__name__, InDoubt.__name__):
        assert f"`{error}`" in text
