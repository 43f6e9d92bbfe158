"""Mail into a Maildir: whatever waits is written, synced and moved to new/ together."""

from __future__ import annotations

import asyncio
import os
from asyncio import Future
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from channels.base import ChannelDown, DeliveryError, Retry
from channels.mail_compose import Mail

GROUP = 256  # mails that share one sync of the folder

Waiting = tuple[Mail, "Future[None]"]


class Maildir:
    """A folder that mails are put into; one thread writes them, group by group.

    The file is named after the mail, so that the same mail again replaces its file instead of
    becoming two.
    """

    def __init__(self, path: Path, failpoint: Callable[[str], None]) -> None:
        self._path = path
        self._failpoint = failpoint
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def deliver(self, mail: Mail) -> str:
        """The file's name, once file and folder are synced. Raises ChannelDown or Retry."""
        if self._thread is None:
            self._thread = Thread(target=self._write_groups, name="maildir", daemon=True)
            self._thread.start()
        written: Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put((mail, written))
        await written
        self._failpoint("F5")
        return mail.name

    async def check(self) -> None:
        """Make the folders, and see that we may write there. Raises ChannelDown."""
        try:
            await asyncio.to_thread(_make_folders, self._path)
        except OSError as error:
            raise _channel_down(error) from error
        if not os.access(self._path / "tmp", os.W_OK | os.X_OK):
            raise ChannelDown(f"{self._path} cannot be written to")

    async def close(self) -> None:
        """End the thread, after the mails that wait."""
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _write_groups(self) -> None:
        while group := self._take():
            mails = [mail for mail, _ in group]
            try:
                ends = put(self._path, mails)
            except Exception as error:
                # Ours is the fault; whoever waits shall not wait for ever.
                ends = [Retry(repr(error)) for _ in mails]
            _settle(group, ends)

    def _take(self) -> list[Waiting]:
        """All that waits; nothing once we shall end."""
        group: list[Waiting] = []
        with suppress(Empty):
            while len(group) < GROUP:
                waiting = self._queue.get(block=not group)
                if waiting is None:
                    if group:
                        self._queue.put(None)
                    break
                group.append(waiting)
        return group


def put(path: Path, mails: Sequence[Mail]) -> list[DeliveryError | None]:
    """Put mails into the Maildir; what became of each of them, in order."""
    try:
        _make_folders(path)
    except OSError as error:
        return [_channel_down(error) for _ in mails]
    staged = [_stage(path / "tmp" / f"{os.getpid()}.{mail.name}", mail) for mail in mails]
    # Synced only after the last is written: the file system's journal then takes them together.
    ends = [
        _publish(file, path / "new" / mail.name) for file, mail in zip(staged, mails, strict=True)
    ]
    try:
        _sync_folder(path / "new")
    except OSError as error:
        return [end or Retry(_why(error)) for end in ends]
    return ends


def _stage(file: Path, mail: Mail) -> tuple[Path, int] | OSError:
    data = f"Return-Path: <{mail.sender}>\n".encode() + mail.data.replace(b"\r\n", b"\n")
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return error
    try:
        _write(descriptor, data)
    except OSError as error:
        _discard(file, descriptor)
        return error
    return file, descriptor


def _write(descriptor: int, data: bytes) -> None:
    """A full disk may take a part of the data before it refuses the rest."""
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def _publish(staged: tuple[Path, int] | OSError, target: Path) -> DeliveryError | None:
    if isinstance(staged, OSError):
        return _channel_down(staged)
    file, descriptor = staged
    try:
        os.fsync(descriptor)
        file.rename(target)
    except OSError as error:
        _discard(file, descriptor)
        return _channel_down(error)
    os.close(descriptor)
    return None


def _discard(file: Path, descriptor: int) -> None:
    with suppress(OSError):
        os.close(descriptor)
    with suppress(OSError):
        file.unlink()


def _make_folders(path: Path) -> None:
    for folder in ("tmp", "new", "cur"):
        if not (path / folder).is_dir():
            (path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(path)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _channel_down(error: OSError) -> ChannelDown:
    return ChannelDown(_why(error))


def _why(error: OSError) -> str:
    return f"the Maildir cannot take mail: {error.strerror or error}"


def _settle(group: Iterable[Waiting], ends: Iterable[DeliveryError | None]) -> None:
    """Wake each loop once for all of its mails; a loop that has ended waits for none."""
    by_loop = defaultdict(list)
    for (_, future), end in zip(group, ends, strict=True):
        by_loop[future.get_loop()].append((future, end))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_wake, settled)


def _wake(settled: Iterable[tuple[Future[None], DeliveryError | None]]) -> None:
    for future, end in settled:
        if future.done():
            continue
        if end is None:
            future.set_result(None)
        else:
            future.set_exception(end)
