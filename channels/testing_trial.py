"""One channel on trial: it runs, and what it hands in is taken as the check commands."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from channels.base import Channel, Closed, Host, NoPast, Receipt, Sent, Unavailable
from channels.inbox import NoInbox
from channels.spool import SPOOLED_FROM
from normalizer import normalize
from normalizer.message import Envelope, Identity, Message, Spooled
from normalizer.said import Said

PATIENCE = 30.0  # seconds for anything that a check waits for
_PAUSE = 0.01

T = TypeVar("T")


async def within(doing: Awaitable[T]) -> T:
    """What something comes to; AssertionError if it does not end."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await doing
    except TimeoutError:
        raise AssertionError(f"not within {PATIENCE:g} s: {doing!r}") from None


class Trial(NoPast, NoInbox):
    """The gateway of a check: `accept` waits for `gate`, and raises Unavailable `troubles` times.

    `taken` are the envelopes as they were accepted, files read; it is the channel's past, too.
    """

    channel: Channel
    receiving: asyncio.Task[None]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.gate = asyncio.Event()
        self.gate.set()
        self.troubles = self.calls = 0
        self.ready_before = False
        self.taken: list[Envelope] = []
        self.handed: list[Message] = []
        self.wrong: list[str] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def host(self) -> Host:
        return Host("mx.example", self.folder, past=lambda _: self, inbox=lambda _: self)

    async def units(self, prefix: str, /) -> frozenset[str]:
        stored = (envelope.unit for envelope in self.taken)
        return frozenset(unit[len(prefix) :] for unit in stored if unit.startswith(prefix))

    async def accept(self, envelope: Envelope) -> Receipt:
        self.calls += 1
        await self.gate.wait()
        if self.troubles:
            self.troubles -= 1
            raise Unavailable
        known = {one.unit for one in self.taken}
        self.taken.append(replace(envelope, raw=self._octets(envelope.raw)))
        return Receipt(len(self.taken), "duplicate" if envelope.unit in known else "accepted")

    async def send(self, message: Message, key: str) -> Sent:
        """Hand a message of ours to the channel; it is among what was said before that."""
        self.handed.append(message)
        return await self.channel.send(message, key)

    async def said(self, to: Identity, /) -> tuple[Said, ...]:
        at = datetime.now(UTC)
        theirs = (one for envelope in self.taken for one in normalize(envelope))
        return tuple(
            Said(one.message_id, is_ours, one.kind, one.text, at)
            for is_ours, among in ((False, theirs), (True, self.handed))
            for one in among
            if to.address in _people(one)
        )

    def _octets(self, raw: bytes | Spooled) -> bytes:
        if isinstance(raw, bytes):
            if len(raw) > SPOOLED_FROM:
                self.wrong.append(f"an envelope carried {len(raw)} octets instead of a file")
            return raw
        path = Path(raw.path)
        octets = path.read_bytes()
        path.unlink()  # the store moves it to where it keeps what is large
        if (len(octets), sha256(octets).hexdigest()) != (raw.size, raw.sha256):
            self.wrong.append("a spooled file is not what its envelope says")
        return octets

    def task(self, doing: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Something beside the check; the trial outlives it."""
        made = asyncio.ensure_future(doing)
        self._tasks.add(made)
        return made

    async def breathe(self) -> None:
        await asyncio.sleep(_PAUSE)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds():
                    await self.breathe()
        except TimeoutError:
            raise AssertionError(f"not within {PATIENCE:g} s: {what}") from None

    async def asked(self, count: int, *, or_done: asyncio.Task[Any]) -> None:
        """Wait until `accept` was called so many times."""
        await self.until(lambda: self.calls >= count or or_done.done(), "`accept` is called")
        if self.calls < count:
            raise AssertionError(f"`accept` was not called, and the peer saw {await or_done!r}")

    async def glance(self, task: asyncio.Task[T], seconds: float) -> T | None:
        """What a task came to within a short while; None if it goes on."""
        done, _ = await asyncio.wait({task}, timeout=seconds)
        return task.result() if done else None

    async def emptied(self) -> None:
        """Wait until no file is left of what was handed in, also where `accept` raised."""
        await self.until(
            lambda: not any(path.is_file() for path in (self.folder / "spool").rglob("*")),
            "no file is left of what was handed in",
        )

    async def stopped(self) -> None:
        """Wait until `receive` has ended after a cancel."""
        with suppress(asyncio.CancelledError):
            await within(asyncio.shield(self.receiving))

    async def end(self) -> None:
        self.gate.set()
        self.receiving.cancel()
        await self.stopped()
        if isinstance(self.channel, Closed):
            await within(self.channel.close())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def running(make: Callable[[Host], Channel]) -> AsyncIterator[Trial]:
    """A channel that is ready, and that has ended, whole, when the block has."""
    loop, before = asyncio.get_running_loop(), asyncio.all_tasks()
    with tempfile.TemporaryDirectory(prefix="madoguchi-trial-") as folder:
        trial = Trial(Path(folder))
        (trial.folder / "spool").mkdir()
        loop.set_exception_handler(lambda _, said: trial.wrong.append(_complaint(said)))
        try:
            trial.channel = make(trial.host)
            trial.ready_before = trial.channel.ready
            trial.receiving = asyncio.ensure_future(trial.channel.receive(trial.accept))
            await trial.until(
                lambda: trial.channel.ready or trial.receiving.done(), "the channel is ready"
            )
            if trial.receiving.done():
                raise AssertionError(f"`receive` ended: {trial.receiving.exception()!r}")
            try:
                yield trial
            finally:
                await trial.end()
            await trial.until(
                lambda: all(task.done() for task in _left(before)),
                "nothing of the channel runs on after its end",
            )
        finally:
            loop.set_exception_handler(None)
    assert not trial.wrong, "; ".join(trial.wrong)


def _people(message: Message) -> set[str]:
    """Who may have written it, and to whom it goes."""
    writers = {claim.identity.address for claim in message.claims}
    return writers | {address.address for address in message.to}


def _left(before: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - before - {asyncio.current_task()}


def _complaint(said: dict[str, Any]) -> str:
    return f"{said.get('message', 'an error nobody caught')}: {said.get('exception')!r}"
