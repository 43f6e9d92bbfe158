"""The servers that are compared, each started fresh, each with a Maildir that shows its work."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench import plain_aiosmtpd, postfix
from tests.daemon import servers


class Contender(NamedTuple):
    """A running server: where it listens, its first process, and the folder of its finished work.

    Finished is the mail delivered, or for Madoguchi the acknowledgement; `named_by` is the header
    of a finished file that holds the Message-ID of the mail behind it; `beside` are processes whose
    work is the server's own, though they are not below it.
    """

    port: int
    pid: int
    finished: Path
    named_by: bytes
    log: Path
    beside: tuple[int, ...] = ()


@contextmanager
def _postfix() -> Iterator[Contender]:
    with postfix.start() as it:
        yield Contender(it.port, it.process.pid, it.delivered, b"message-id", it.log)


@contextmanager
def _aiosmtpd() -> Iterator[Contender]:
    with plain_aiosmtpd.start() as it:
        log = it.delivered.parent / "log"
        yield Contender(it.port, it.process.pid, it.delivered, b"message-id", log)


@contextmanager
def _sqlite() -> Iterator[Contender]:
    with _madoguchi("sqlite:///var/madoguchi.db") as it:
        yield it


@contextmanager
def _postgresql() -> Iterator[Contender]:
    with servers.postgres() as database, _madoguchi(database.create("bench")) as it:
        yield it._replace(beside=(database.process.pid,))


@contextmanager
def _madoguchi(store: str) -> Iterator[Contender]:
    with tempfile.TemporaryDirectory(prefix="madoguchi-bench-") as name:
        site = servers.lay_out(Path(name), store)
        with servers.daemon(site) as process:
            yield Contender(site.smtp, process.pid, site.sent, b"in-reply-to", site.log)


CONTENDERS: dict[str, Callable[[], AbstractContextManager[Contender]]] = {
    "postfix": _postfix,
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "aiosmtpd": _aiosmtpd,
}
NAMES = {
    "postfix": "Postfix, Maildir",
    "sqlite": "Madoguchi, SQLite",
    "postgresql": "Madoguchi, PostgreSQL",
    "aiosmtpd": "plain aiosmtpd, Maildir",
}
