"""What a channel that a platform calls has from `Called`, on a made-up one that adds the least."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from channels import called
from channels.base import ChannelDown, Host, Receipt, Request, Response, Sent, Unavailable
from channels.called import Called
from channels.platform_api import PlatformApi
from normalizer.message import Envelope, Message
from tests.channels.hooked import running
from tests.channels.line_channel import Gateway, until


class Pigeons(Called):
    """`looks` are what its looks come to, the last one again and again."""

    format = "pigeon"
    most = 1000
    pause = 0.0

    def __init__(self, host: Host, *looks: Exception | None) -> None:
        super().__init__("loft", host, PlatformApi("the loft", "http://127.0.0.1:1"))
        self.looks, self.looked = list(looks), 0

    def is_theirs(self, request: Request) -> bool:
        return request.headers.get("ring") == "ours"

    async def hear(self, request: Request) -> Response:
        await self.take(request.body, request.body.decode(), peer=request.peer)
        return Response(200)

    async def look(self) -> None:
        self.looked += 1
        await asyncio.sleep(0)
        if end := self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]:
            raise end

    async def send(self, message: Message, key: str) -> Sent:
        raise NotImplementedError


def lands(unit: str, ring: str = "ours", path: str = "", method: str = "POST") -> Request:
    return Request(method, path, "", {"ring": ring}, unit.encode(), "192.0.2.1")


async def test_a_call_is_proved_taken_in_and_answered(tmp_path: Path) -> None:
    async with running(lambda host: Pigeons(host, None), tmp_path) as (loft, gateway):
        ends = [
            await loft.answer(lands("1", path="/roof")),
            await loft.answer(lands("1", method="GET")),
            await loft.answer(lands("1", ring="another's")),
        ]
        assert [end.status for end in ends] == [404, 405, 401]
        assert ends[1].headers == (("Allow", "POST"),)
        assert gateway.taken == []
        assert (await loft.answer(lands("1"))).status == 200
    (envelope,) = gateway.taken
    assert (envelope.channel, envelope.format, envelope.unit) == ("loft", "pigeon", "1")
    assert envelope.transport.peer == "192.0.2.1"


async def test_who_calls_before_or_after_is_asked_to_come_again(tmp_path: Path) -> None:
    loft = Pigeons(Host("mx.example", tmp_path), None)
    before = loft.heard_at
    assert before is None
    with pytest.raises(Unavailable):
        await loft.answer(lands("1"))
    async with running(lambda _: loft, tmp_path):
        assert loft.heard_at, "it is the platform that calls: we are up at once"
    with pytest.raises(Unavailable):
        await loft.answer(lands("1"))


async def test_a_disk_that_takes_no_large_message_brings_the_platform_again(
    tmp_path: Path,
) -> None:
    async with running(lambda host: Pigeons(host, None), tmp_path) as (loft, gateway):
        (tmp_path / "spool").write_text("no folder")
        with pytest.raises(Unavailable):
            await loft.take(b"x" * 300_000, "1")
        await loft.take(b"small", "2")
    assert [one.unit for one in gateway.taken] == ["2"]


@pytest.mark.parametrize("end", [ChannelDown(), Unavailable(), KeyError("a defect of ours")])
async def test_no_look_ends_the_listening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Exception
) -> None:
    monkeypatch.setattr(called, "_AGAIN", 0.0)
    async with running(lambda host: Pigeons(host, end, end, None), tmp_path) as (loft, gateway):
        await until(lambda: loft.looked > 3)
        assert (await loft.answer(lands("1"))).status == 200
    assert len(gateway.taken) == 1


async def test_a_look_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(called, "_AGAIN", 0.0)
    monkeypatch.setattr(called, "_LONGEST", 0.01)

    class Slow(Pigeons):
        async def look(self) -> None:
            self.looked += 1
            await asyncio.Event().wait()

    async with running(Slow, tmp_path) as (loft, _):
        await until(lambda: loft.looked > 2)


async def test_a_stop_waits_for_what_is_under_way(tmp_path: Path) -> None:
    class Thoughtful(Gateway):
        asked, may = asyncio.Event(), asyncio.Event()

        async def accept(self, envelope: Envelope) -> Receipt:
            self.asked.set()
            await self.may.wait()
            return await super().accept(envelope)

    gateway = Thoughtful()
    loft = Pigeons(Host("mx.example", tmp_path), None)
    receiving = asyncio.create_task(loft.receive(gateway.accept))
    await until(lambda: loft.ready)
    calling = asyncio.create_task(loft.answer(lands("1")))
    await gateway.asked.wait()
    receiving.cancel()
    await until(lambda: not loft.ready)
    assert not receiving.done()
    gateway.may.set()
    assert (await calling).status == 200
    with pytest.raises(asyncio.CancelledError):
        await receiving
    await loft.close()
