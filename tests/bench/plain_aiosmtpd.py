"""A plain aiosmtpd that delivers to a Maildir with fsync: what one would write in an hour."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.daemon.servers import free_port, stop, wait_until


class Maildir:
    """Write, sync, rename, sync the folder; only then say 250."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(parents=True)
        self.new = os.open(folder / "new", os.O_RDONLY)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.count += 1
        name = f"{self.count}.{os.getpid()}"
        with (self.folder / "tmp" / name).open("wb") as file:
            file.write(f"Return-Path: <{envelope.mail_from}>\r\n".encode())
            assert isinstance(envelope.content, bytes)
            file.write(envelope.content)
            file.flush()
            os.fsync(file.fileno())
        (self.folder / "tmp" / name).rename(self.folder / "new" / name)
        os.fsync(self.new)
        return "250 2.0.0 delivered"


class Plain(NamedTuple):
    """The running server: its process, its port and its Maildir's `new`."""

    process: subprocess.Popen[bytes]
    port: int
    delivered: Path


@contextmanager
def start() -> Iterator[Plain]:
    """The server in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="madoguchi-plain-") as name:
        port = free_port()
        folder = Path(name) / "mail"
        command = [sys.executable, "-m", "tests.bench.plain_aiosmtpd", str(port), str(folder)]
        process = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2])
        try:
            wait_until(lambda: _listens(port), 30, "aiosmtpd listens")
            yield Plain(process, port, folder / "new")
        finally:
            stop(process)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


async def serve(port: int, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    maildir = Maildir(folder)
    server = await loop.create_server(
        lambda: SMTP(maildir, hostname="plain.example", loop=loop, data_size_limit=31457280),
        "127.0.0.1",
        port,
        backlog=1000,
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
