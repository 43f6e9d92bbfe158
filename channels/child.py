"""A child process of our own at the other end of a socket: pickled frames, and it ends with us.

The interpreter's lock is let go at each system call and got back only when nobody else wants it;
whoever makes many of them, or computes for long, does so in a process of its own.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any, cast

from channels.parent import LENGTH, frame


class Child(asyncio.Protocol):
    """The parent's end. `entry` is `module:function`, called in a fresh interpreter.

    `received(value)` gets what the child sends, `lost()` is called once when it is gone.
    """

    def __init__(
        self, entry: str, *arguments: str, received: Callable[[Any], None], lost: Callable[[], None]
    ) -> None:
        self._received = received
        self._lost = lost
        self._buffer = bytearray()
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        ours, self.process = _launch(entry, arguments)
        loop = asyncio.get_running_loop()
        self._connecting = loop.create_task(loop.create_connection(lambda: self, sock=ours))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.writelines(self._unsent)
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while len(buffer) >= LENGTH:
            end = LENGTH + int.from_bytes(buffer[:LENGTH])
            if len(buffer) < end:
                return
            value = pickle.loads(bytes(buffer[LENGTH:end]))  # noqa: S301  our own child
            del buffer[:end]
            self._received(value)

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        self._lost()

    def send(self, value: Any) -> None:
        """Give the child something; harmless once it is gone, which `lost` then says."""
        if self._transport is not None:
            self._transport.write(frame(value))
        elif not self._connecting.done():
            self._unsent.append(frame(value))

    def kill(self) -> None:
        self.process.kill()

    def reap(self) -> None:
        """Once it is lost: leave no zombie."""
        self.kill()
        self.process.wait()

    async def close(self) -> None:
        """Let the child end after what it does, and wait for that; kill one that hangs."""
        await self._connecting
        if self._transport is not None:
            self._transport.close()
        await asyncio.to_thread(_end, self.process)


def _launch(
    entry: str, arguments: tuple[str, ...]
) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    module, _, function = entry.partition(":")
    ours, theirs = socket.socketpair()
    with theirs:
        code = f"from {module} import {function}; {function}()"
        command = [sys.executable, "-c", code, *arguments]
        process = subprocess.Popen(command, stdin=theirs.fileno())  # noqa: S603  our own module
    return ours, process


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
