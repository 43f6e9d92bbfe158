"""The daemon in one process: it starts, keeps its parts running, and stops in order."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import smtplib
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from gateway import assembly, rules, supervisor
from gateway.alarm import Alarms
from gateway.assembly import Parts
from gateway.config import Config
from store.engine import StoreUnavailable
from tests.making import CONFIG, DESK, KEYS, configure, mail, until

# The lock file of a store closes with the process that opened it.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

HERE = CONFIG.replace(":2525", ":0") + '[http]\nlisten = "127.0.0.1:0"\n'


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    yield
    gc.collect()


def never(_: str) -> None:
    """A failpoint that is off."""


class Daemon:
    """A daemon in this process, and the parts that it assembled."""

    def __init__(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parts: Parts | None = None
        assemble = assembly.assemble

        async def kept(config: Config, failpoint: Any, stack: AsyncExitStack) -> Parts:
            self.parts = await assemble(config, failpoint, stack)
            return self.parts

        monkeypatch.setattr(supervisor, "assemble", kept)
        self.task = asyncio.create_task(supervisor.run(config, never))

    async def ready(self) -> int:
        """Wait until it listens; the port of its SMTP channel."""

        async def holds() -> bool:
            assert not self.task.done(), self.task
            return self.parts is not None and self.parts.readiness().ready

        await until(holds)
        assert self.parts
        channel: Any = self.parts.channels["mail"]
        return int(channel.bound[0][1])

    async def stop(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(60):
            await self.task


def send(port: int, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.sendmail("yuki@example.jp", [DESK], raw)


def outgoing(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.glob("sent/new/*")]


def children() -> set[str]:
    """Our child processes, zombies included."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


async def test_a_mail_goes_in_and_its_acknowledgement_goes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MADOGUCHI_API_TOKEN", raising=False)
    before = children()
    daemon = Daemon(configure(tmp_path, HERE), monkeypatch)
    port = await daemon.ready()
    await asyncio.to_thread(send, port, mail(Message_ID="<first@x.jp>"))

    async def answered() -> bool:
        return bool(outgoing(tmp_path))

    await until(answered)
    await daemon.stop()
    (answer,) = outgoing(tmp_path)
    assert b"In-Reply-To: <first@x.jp>" in answer
    assert b"Auto-Submitted: auto-replied" in answer
    assert children() <= before
    shown = capsys.readouterr().out
    assert shown.count("API token mado_") == 1


async def test_mail_that_came_just_before_a_stop_is_answered_by_it_or_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(tmp_path, HERE)
    daemon = Daemon(config, monkeypatch)
    port = await daemon.ready()
    mails = [mail(f"c{n}@x{n}.jp") for n in range(5)]
    await asyncio.gather(*(asyncio.to_thread(send, port, raw) for raw in mails))
    await daemon.stop()
    monkeypatch.undo()
    again = Daemon(config, monkeypatch)
    await again.ready()

    async def all_answered() -> bool:
        return len(outgoing(tmp_path)) == len(mails)

    await until(all_answered)
    await again.stop()


async def test_a_stop_while_the_store_is_awaited_is_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def down(*_: Any) -> bool:
        loop.call_soon_threadsafe(asked.set)
        raise StoreUnavailable("no server")

    monkeypatch.setattr("store.store.prepare", down)
    task = asyncio.create_task(supervisor.run(configure(tmp_path, HERE), never))
    await asked.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        await task


async def test_a_store_that_comes_up_late_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Exception | bool] = [StoreUnavailable("a"), StoreUnavailable("b"), True]

    def late(*_: Any) -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("store.store.prepare", late)
    monkeypatch.setattr(supervisor, "_RESTART_AFTER", 0.001)
    await supervisor.prepare(configure(tmp_path), never)
    assert answers == []


async def test_a_part_that_falls_is_started_again_and_takes_nobody_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "_RESTART_AFTER", 0.001)
    running, times, raised = asyncio.Event(), 0, list[tuple[str, str]]()

    async def falls() -> None:
        nonlocal times
        times += 1
        if times < 4:
            raise ZeroDivisionError
        running.set()
        await asyncio.Event().wait()

    async def stands() -> None:
        await asyncio.Event().wait()

    alarms = Alarms()
    alarms.post = lambda alarm: raised.append((alarm.kind, alarm.data["part"]))
    tasks = [supervisor._start(alarms, "falls", falls), supervisor._start(alarms, "stands", stands)]
    async with asyncio.timeout(60):
        await running.wait()
    assert not any(task.done() for task in tasks)
    assert raised == [("part.fell", "falls")]
    await supervisor._cancel(tasks)
    assert all(task.cancelled() for task in tasks)


async def test_a_part_that_ran_well_for_long_is_started_again_as_soon_as_the_first_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, lives, slept = 0.0, iter([1.0, 1.0, 5.0, 3600.0, 1.0]), list[float]()

    async def falls() -> None:
        nonlocal clock
        if (life := next(lives, None)) is None:
            raise asyncio.CancelledError
        clock += life
        raise ZeroDivisionError

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(supervisor, "monotonic", lambda: clock)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await supervisor._keep_running(Alarms(), "falls", falls)
    assert slept == [2.0, 4.0, 8.0, 2.0, 4.0]


async def test_a_stop_waits_no_longer_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_DRAIN", 0.01)
    let_go = asyncio.Event()

    async def stubborn() -> None:
        while not let_go.is_set():
            with suppress(asyncio.CancelledError):
                await let_go.wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await supervisor._cancel([task])
    assert not task.done()
    let_go.set()
    await task


def test_both_drains_and_the_rest_fit_into_thirty_seconds() -> None:
    assert 2 * supervisor._DRAIN <= 25


MODES: dict[str, tuple[str, str, str]] = {
    "as the gateway": ("watch", "live", "watching"),
    "as the channel": ("live", "watch", "watching"),
    "the stricter": ("approve", "watch", "watching"),
    "drafts": ("approve", "live", "drafting"),
    "live": ("live", "live", ""),
}


@pytest.mark.parametrize(("gateway", "channel", "kind"), MODES.values(), ids=MODES)
def test_the_stricter_mode_counts(tmp_path: Path, gateway: str, channel: str, kind: str) -> None:
    text = CONFIG.replace("[gateway]", f'[gateway]\nmode = "{gateway}"')
    text = text.replace("[[channel]]", f'[[channel]]\nmode = "{channel}"')
    found = rules.admission(configure(tmp_path, text), KEYS)
    assert (found.watching, found.drafting) == (
        frozenset({"mail"} if kind == "watching" else ()),
        frozenset({"mail"} if kind == "drafting" else ()),
    )


def test_our_own_are_the_addresses_of_all_channels(tmp_path: Path) -> None:
    found = {str(identity) for identity in rules.own(configure(tmp_path))}
    assert found == {"email:support@example.com", "email:sales@example.com"}


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    config = configure(tmp_path, HERE)
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:1: "):
        await supervisor._bind("192.0.2.1", 1)
    assert config.http.listen.port == 0
