"""Mail into a Maildir: whatever waits is written, synced and moved to new/ together."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

from channels.base import ChannelDown, DeliveryError, Retry
from channels.child import Child
from channels.mail_compose import Mail
from channels.maildir_files import Failed, Letter, make_folders
from channels.relay import Probe

_GROUP = 256  # mails that share one sync of the folder

Waiting = tuple[Letter, "asyncio.Future[None]"]


class Maildir:
    """A folder that mails are put into, group by group, by a process of its own.

    Each file costs half a dozen system calls. In a thread of ours every one of them waits for the
    interpreter's lock: measured under load, that took longer than the disk did. The file is named
    after the mail, so that the same mail again replaces its file instead of becoming two.
    """

    def __init__(self, path: Path, failpoint: Callable[[str], None]) -> None:
        self._path = path
        self._failpoint = failpoint
        self._waiting: deque[Waiting] = deque()
        self._writing: list[Waiting] = []
        self._child: Child | None = None

    async def deliver(self, mail: Mail) -> str:
        """The file's name, once file and folder are synced. Raises ChannelDown or Retry."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((Letter(mail.sender, mail.data, mail.name), written))
        # Not at once: what else is delivered in this turn of the loop shares its sync.
        asyncio.get_running_loop().call_soon(self._write)
        await written
        self._failpoint("F5")
        return mail.name

    async def check(self, _: Probe) -> str:
        """Make the folders, and see that we may write there. Raises ChannelDown."""
        try:
            await asyncio.to_thread(make_folders, self._path)
        except OSError as error:
            raise ChannelDown(f"the Maildir cannot take mail: {error.strerror or error}") from error
        if not os.access(self._path / "tmp", os.W_OK | os.X_OK):
            raise ChannelDown(f"{self._path} cannot be written to")
        return f"mail is written to {self._path}, and nothing is sent out"

    async def close(self) -> None:
        """End the process, after the mails that wait."""
        left = [written for _, written in (*self._writing, *self._waiting)]
        if left:
            await asyncio.wait(left)
        if self._child is not None:
            child, self._child = self._child, None
            await child.close()

    def _write(self) -> None:
        if self._writing or not self._waiting:
            return
        while self._waiting and len(self._writing) < _GROUP:
            self._writing.append(self._waiting.popleft())
        if self._child is None:
            entry = "channels.maildir_files:serve"
            self._child = Child(entry, str(self._path), received=self._written, lost=self._lost)
        self._child.send([letter for letter, _ in self._writing])

    def _written(self, ends: list[Failed | None]) -> None:
        group, self._writing = self._writing, []
        for (_, written), end in zip(group, ends, strict=True):
            _settle(written, _error(end) if end else None)
        self._write()

    def _lost(self) -> None:
        """The process died: what it was writing is tried again, and replaces what may be there."""
        if self._child is not None:
            self._child.reap()
            self._child = None
        left, self._writing = [*self._writing, *self._waiting], []
        self._waiting.clear()
        for _, written in left:
            _settle(written, Retry("the process that writes the Maildir ended"))


def _settle(written: asyncio.Future[None], error: DeliveryError | None) -> None:
    if written.done():
        return
    if error is None:
        written.set_result(None)
    else:
        written.set_exception(error)


def _error(failed: Failed) -> DeliveryError:
    why = f"the Maildir cannot take mail: {failed.why}"
    return ChannelDown(why) if failed.how == "down" else Retry(why)
