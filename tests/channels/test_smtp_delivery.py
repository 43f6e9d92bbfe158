"""From the final dot to the reply: what durable means, and what happens when it goes wrong."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import socket
import struct
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from channels.base import Receipt, Unavailable
from channels.spool import SPOOLED_FROM, Spool
from normalizer.message import Envelope, Spooled
from tests.channels.smtp_peer import MAIL, OURS, Desk, Gateway, Peer, desk, until

LARGE = b"Subject: large\r\n\r\n" + b"".join(b"%d %s\r\n" % (n, b"x" * 60) for n in range(60_000))


class Slow(Gateway):
    """Does not return before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def accept(self, envelope: Envelope) -> Receipt:
        receipt = await super().accept(envelope)
        await self.go.wait()
        return receipt


def spooled_files(folder: Path) -> list[Path]:
    return list((folder / "spool").glob("*"))


async def deliver(running: Desk, content: bytes = MAIL) -> str:
    peer = await (await running.peer()).in_content()
    return await peer.say(content + b".\r\n")


async def test_no_reply_comes_before_accept_has_returned(tmp_path: Path) -> None:
    gateway = Slow()
    async with desk(tmp_path, accept=gateway.accept) as running:
        peer = await (await running.peer()).in_content()
        await peer.send(MAIL + b".\r\n")
        await gateway.arrived.wait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await peer.reader.read(1)
        gateway.go.set()
        assert (await peer.reply()).startswith("250 2.0.0")


@pytest.mark.parametrize(
    ("receipt", "reply"),
    [
        (Receipt(1, "accepted"), "250 2.0.0 queued as "),
        (Receipt(1, "duplicate"), "250 2.0.0 queued as "),
        (Receipt(1, "quarantined"), "250 2.0.0 queued as "),
        (Receipt(0, "refused", "mail loop, 101 hops"), "554 5.4.6 mail loop, 101 hops\r\n"),
        (Receipt(0, "refused", "5.7.26 not\r\n250 so"), "554 5.7.26 not 250 so\r\n"),
        (Receipt(0, "refused", "no"), "554 5.6.0 no\r\n"),
        (Receipt(0, "refused"), "554 5.6.0 this mail is refused\r\n"),
    ],
)
async def test_each_outcome_has_its_reply(tmp_path: Path, receipt: Receipt, reply: str) -> None:
    async def accept(_: Envelope) -> Receipt:
        return receipt

    async with desk(tmp_path, accept=accept) as running:
        assert (await deliver(running)).startswith(reply)


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (Unavailable("4.3.1", 452), "452 4.3.1 "),
        (Unavailable(), "451 4.3.0 "),
        (RuntimeError("the password is s3cret"), "451 4.3.0 "),
        (asyncio.CancelledError(), "451 4.3.0 "),
    ],
)
async def test_trouble_of_ours_is_temporary_and_tells_no_secret(
    tmp_path: Path, error: BaseException, reply: str
) -> None:
    async def accept(_: Envelope) -> Receipt:
        raise error

    async with desk(tmp_path, accept=accept) as running:
        said = await deliver(running)
    assert said.startswith(reply)
    assert "s3cret" not in said


async def test_the_log_names_the_unit_of_what_failed(tmp_path: Path) -> None:
    units = []

    async def accept(envelope: Envelope) -> Receipt:
        units.append(envelope.unit)
        raise RuntimeError

    with capture_logs() as logs:
        async with desk(tmp_path, accept=accept) as running:
            await deliver(running)
    (failure,) = [line for line in logs if line["event"] == "smtp.accept_failed"]
    assert [failure["unit"]] == units


def reset(peer: Peer) -> None:
    """Close without a goodbye, as a host does that crashes."""
    now = struct.pack("ii", 1, 0)
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
    peer.writer.transport.abort()


async def test_d24_a_peer_that_vanishes_after_the_dot_does_not_stop_the_commit(
    tmp_path: Path,
) -> None:
    gateway = Slow()
    committed = asyncio.Event()

    async def accept(envelope: Envelope) -> Receipt:
        receipt = await gateway.accept(envelope)
        committed.set()
        return receipt

    with capture_logs() as logs:
        async with desk(tmp_path, accept=accept) as running:
            peer = await (await running.peer()).in_content()
            await peer.send(MAIL + b".\r\n")
            await gateway.arrived.wait()
            reset(peer)
            await (await running.peer()).helloed()  # by now the loss has been noticed, too
            gateway.go.set()
            async with asyncio.timeout(60):
                await committed.wait()
    assert "smtp.peer_gone_before_reply" in [line["event"] for line in logs]


async def test_a_peer_that_closed_its_side_after_the_dot_still_reads_the_reply(
    tmp_path: Path,
) -> None:
    gateway = Slow()
    async with desk(tmp_path, accept=gateway.accept) as running:
        peer = await (await running.peer()).in_content()
        await peer.send(MAIL + b".\r\n")
        peer.writer.write_eof()
        await gateway.arrived.wait()
        gateway.go.set()
        assert (await peer.rest()).startswith("250 2.0.0")


async def test_failpoints_stand_around_the_commit(tmp_path: Path) -> None:
    passed: list[str] = []

    async def accept(_: Envelope) -> Receipt:
        passed.append("accept")
        return Receipt(1, "accepted")

    async with desk(tmp_path, accept=accept, failpoint=passed.append) as running:
        await deliver(running)
    assert passed == ["F1", "accept", "F2"]


async def test_a_large_mail_arrives_as_a_synced_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        synced.append(os.fstat(handle).st_size)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    async with desk(tmp_path) as running:
        assert (await deliver(running, LARGE)).startswith("250")
        raw = running.gateway.envelopes[0].raw
    assert isinstance(raw, Spooled)
    assert await asyncio.to_thread(Path(raw.path).read_bytes) == LARGE
    assert raw[1:] == (len(LARGE), hashlib.sha256(LARGE).hexdigest())
    assert spooled_files(tmp_path) == [Path(raw.path)]
    assert len(LARGE) in synced
    assert len(synced) == 2  # the file and its folder


async def test_memory_holds_exactly_what_is_below_the_mark(tmp_path: Path) -> None:
    line = b"x" * 62 + b"\r\n"
    at_the_mark = line * (SPOOLED_FROM // 64)
    async with desk(tmp_path) as running:
        await deliver(running, at_the_mark)
        await deliver(running, at_the_mark + line)
        small, large = (envelope.raw for envelope in running.gateway.envelopes)
    assert small == at_the_mark
    assert isinstance(large, Spooled)


async def test_a_file_that_nobody_took_over_is_deleted(tmp_path: Path) -> None:
    async def accept(_: Envelope) -> Receipt:
        raise Unavailable

    async with desk(tmp_path, accept=accept) as running:
        assert (await deliver(running, LARGE)).startswith("451")
        assert spooled_files(tmp_path) == []


async def test_a_peer_that_vanishes_before_the_dot_leaves_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).in_content()
        await peer.send(LARGE)
        await until(lambda: bool(spooled_files(tmp_path)))
        await peer.close()
        await until(lambda: not spooled_files(tmp_path))
        assert running.gateway.envelopes == []


async def test_a_mail_that_grows_too_large_leaves_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, max_size=len(LARGE) - 1) as running:
        assert (await deliver(running, LARGE)).startswith("552 5.3.4")
        await until(lambda: not spooled_files(tmp_path))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("step", ["write", "finish"])
async def test_a_disk_that_fails_is_temporary_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Spool, step, fail)
    async with desk(tmp_path) as running:
        with capture_logs():  # a printed traceback would render the mail
            reply = await deliver(running, LARGE)
        assert reply.startswith("452 4.3.1" if number == errno.ENOSPC else "451 4.3.0")
        assert spooled_files(tmp_path) == []
        assert (await deliver(running)).startswith("250")


async def test_d25_at_stop_idle_peers_get_421_and_mails_under_way_finish(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        idle = [await (await running.peer()).helloed() for _ in range(20)]
        busy = [await (await running.peer()).in_content() for _ in range(20)]
        stopping = asyncio.create_task(running.stop())
        for peer in idle:
            assert (await peer.rest()).startswith("421 4.3.2")
            await peer.close()
        with pytest.raises(OSError, match="Connect"):
            await asyncio.open_connection("127.0.0.1", idle[0].writer.get_extra_info("peername")[1])
        for peer in busy:
            await finish(peer)
        await stopping
        assert len(running.gateway.envelopes) == 20


async def finish(peer: Peer) -> None:
    await peer.send(MAIL + b".\r\n")
    first, second = (await peer.rest()).splitlines()
    assert first.startswith("250 2.0.0")
    assert second.startswith("421 4.3.2")
    await peer.close()


async def test_d25_who_does_not_finish_within_the_grace_gets_421(tmp_path: Path) -> None:
    async with desk(tmp_path, grace=0.1) as running:
        peer = await (await running.peer()).in_content()
        await running.stop()
        assert (await peer.rest()).startswith("421 4.3.2")
        assert running.gateway.envelopes == []
        assert not running.channel.ready


async def test_a_commit_under_way_at_stop_is_awaited(tmp_path: Path) -> None:
    gateway = Slow()
    async with desk(tmp_path, accept=gateway.accept) as running:
        peer = await (await running.peer()).in_content()
        await peer.send(MAIL + b".\r\nMAIL FROM:<next@example.jp>\r\n")
        await gateway.arrived.wait()
        stopping = asyncio.create_task(running.stop())
        await asyncio.sleep(0)
        gateway.go.set()
        assert [line[:9] for line in (await peer.rest()).splitlines()] == ["250 2.0.0", "421 4.3.2"]
        await peer.close()
        await stopping


async def test_it_can_listen_again_after_a_stop(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        await running.stop()
        running.receiving = asyncio.create_task(running.channel.receive(running.gateway.accept))
        await until(lambda: running.channel.ready)
        await (await running.peer()).addressed(OURS)
