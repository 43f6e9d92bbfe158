"""Mails between the mailbox and the gateway: a few batches at a time, so that commits are shared."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import structlog
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from channels.base import Accept, Host, Past, Receipt, Unavailable
from channels.imap import fetch
from channels.imap.fetch import Unobtainable
from channels.imap.folder import Facts, Folder, batches
from channels.imap.settings import ImapSettings
from channels.imap.wire import Connection
from channels.spool import SPOOLED_FROM
from normalizer.message import Envelope, Spooled, Transport

_BATCH = 32  # mails handed over together
_OCTETS = 2 * 2**20  # and at most so much of them
_ABOARD = 2  # batches under way: one is being committed while the next is fetched
_FLAGS = {"seen": b"\\Seen", "flag": b"\\Flagged"}

_Result = TypeVar("_Result")
_log = structlog.get_logger()


class NotNow(Exception):
    """The store takes nothing in at present."""


class Gateway:
    """The daemon as a mailbox's thread sees it: each verb waits for the event loop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, accept: Accept, host: Host, past: Past
    ) -> None:
        self.host = host
        self._loop = loop
        self._accept = accept
        self._past = past

    def units(self, prefix: str) -> frozenset[str]:
        return self._ask(self._past.units(prefix))

    def recall(self, name: str) -> str:
        return self._ask(self._past.recall(name))

    def note(self, name: str, value: str) -> None:
        self._ask(self._past.note(name, value))

    def hand_over(self, envelopes: Sequence[Envelope]) -> Future[list[Receipt | BaseException]]:
        return asyncio.run_coroutine_threadsafe(self._take(envelopes), self._loop)

    async def _take(self, envelopes: Sequence[Envelope]) -> list[Receipt | BaseException]:
        return await asyncio.gather(*map(self._accept, envelopes), return_exceptions=True)

    def _ask(self, question: Coroutine[Any, Any, _Result]) -> _Result:
        try:
            return asyncio.run_coroutine_threadsafe(question, self._loop).result()
        except Exception as error:
            raise NotNow("the store does not answer") from error


class _Flight(NamedTuple):
    connection: Connection | None
    folder: Folder
    mails: dict[int, Envelope]
    arrival: Future[list[Receipt | BaseException]]


class Flights:
    """Fetches mails and hands them over; `landed` counts. Only the mailbox's thread calls it."""

    def __init__(
        self, settings: ImapSettings, gateway: Gateway, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._gateway = gateway
        self._clock = clock
        self._spool = gateway.host.data_dir / "spool"
        self._aboard: deque[_Flight] = deque()
        self.landed = 0

    def take(self, connection: Connection, folder: Folder, uids: list[int], until: float) -> None:
        """Fetch these mails of the selected folder, and hand them over, as far as time allows.

        At least one batch is. Raises NotNow if the store takes nothing, and what a broken
        connection raises. What was not handed over waits again in any case.
        """
        left = set(uids)
        try:
            if self._gateway.host.full():
                raise NotNow("the disk is too full to take mail in")
            found = self._ask(folder, uids, partial(fetch.facts, connection, uids))
            if found is None:
                left.clear()  # seen to
                return
            for uid in left - {mail.uid for mail in found}:
                left.discard(uid)
                self._fail(folder, uid, "it is gone")
            for batch in batches(found, _BATCH, _OCTETS):
                left -= {mail.uid for mail in batch}
                self._board(connection, folder, batch)
                if time.monotonic() > until:
                    break
        finally:
            folder.put_back(left)

    def land(self) -> None:
        """Wait for everything under way. Raises NotNow."""
        while self._aboard:
            self._settle(self._aboard.popleft())

    def ground(self) -> None:
        """The connection is gone: what is under way may still arrive, and nothing follows it."""
        while self._aboard:
            with suppress(Exception):
                self._settle(self._aboard.popleft()._replace(connection=None))

    def _board(self, connection: Connection, folder: Folder, batch: list[Facts]) -> None:
        """Fetch one batch and hand it over; when enough are under way, the oldest lands first."""
        uids = [mail.uid for mail in batch]
        work = partial(self._envelopes, connection, folder, batch)
        mails = self._ask(folder, uids, work)
        if not mails:
            return
        try:
            while len(self._aboard) >= (1 if _is_large(mails) else _ABOARD):
                self._settle(self._aboard.popleft())
        except BaseException:
            folder.put_back(mails)
            _discard(mails.values())
            raise
        for _ in mails:
            self._gateway.host.failpoint("F9")
        arrival = self._gateway.hand_over(list(mails.values()))
        self._aboard.append(_Flight(connection, folder, mails, arrival))

    def _ask(
        self, folder: Folder, uids: list[int], question: Callable[[], _Result]
    ) -> _Result | None:
        """What the server gives; None if it says NO. Each of several mails is then asked for alone."""
        try:
            return question()
        except Exception as error:
            if len(uids) == 1:
                self._fail(folder, uids[0], type(error).__name__)
            else:
                folder.suspect(uids)
            if isinstance(error, IMAPClientError) and not isinstance(error, IMAPClientAbortError):
                return None
            raise

    def _envelopes(
        self, connection: Connection, folder: Folder, batch: list[Facts]
    ) -> dict[int, Envelope]:
        contents = fetch.beginnings(connection, [mail.uid for mail in batch])
        made: dict[int, Envelope] = {}
        try:
            for mail in batch:
                try:
                    raw = self._content(connection, mail, contents.get(mail.uid, b""))
                except Unobtainable as error:
                    self._fail(folder, mail.uid, str(error))
                else:
                    made[mail.uid] = self._envelope(folder, mail, raw)
        except BaseException:
            _discard(made.values())
            raise
        return made

    def _content(self, connection: Connection, mail: Facts, beginning: bytes) -> bytes | Spooled:
        if not beginning:
            raise Unobtainable("the server gives nothing")
        if len(beginning) <= SPOOLED_FROM:
            return beginning
        return fetch.whole(connection, mail, beginning, self._spool)

    def _envelope(self, folder: Folder, mail: Facts, raw: bytes | Spooled) -> Envelope:
        now = self._clock()
        return Envelope(
            channel=self._settings.name,
            format="rfc5322",
            raw=raw,
            unit=folder.unit(mail.uid),
            received_at=min(mail.came or now, now),
            transport=Transport(sent=folder.sent, history=folder.was_there(mail)),
        )

    def _settle(self, flight: _Flight) -> None:
        """Note how each of them ended, and do what the configuration wants afterwards."""
        back: list[int] = []
        stored: list[int] = []
        try:
            results = flight.arrival.result()
        except BaseException:
            flight.folder.put_back(flight.mails)
            raise
        finally:
            _discard(flight.mails.values())
        for (uid, envelope), result in zip(flight.mails.items(), results, strict=True):
            if isinstance(result, Receipt):
                flight.folder.land(uid)
                self.landed += 1
                self._gateway.host.failpoint("F10")
                stored += () if envelope.transport.history else (uid,)
            elif isinstance(result, Unavailable):
                back.append(uid)
            else:
                self._fail(flight.folder, uid, type(result).__name__)
        if flight.connection is not None:
            self.afterwards(flight.connection, flight.folder, stored)
        if back:
            flight.folder.put_back(back)
            raise NotNow("the store takes nothing in")

    def _fail(self, folder: Folder, uid: int, reason: str) -> None:
        again = folder.fail(uid, time.monotonic())
        _log.warning(
            "mailbox.later",
            channel=self._settings.name,
            unit=folder.unit(uid),
            reason=reason,
            again_in=again,
        )

    def afterwards(self, connection: Connection, folder: Folder, uids: list[int]) -> None:
        """Mark or move what is stored, as the configuration wants; it is ours in any case."""
        wanted = self._settings.afterwards
        if wanted == "leave" or folder.sent or not uids:
            return
        try:
            if wanted in _FLAGS:
                connection.add_flags(uids, [_FLAGS[wanted]], silent=True)
            else:
                _move(connection, uids, self._settings.move_to)
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            _log.warning(
                "mailbox.left", channel=self._settings.name, folder=folder.name, mails=len(uids)
            )


def _move(connection: Connection, uids: list[int], folder: str) -> None:
    if connection.has_capability("MOVE"):
        connection.move(uids, folder)
        return
    connection.copy(uids, folder)
    connection.delete_messages(uids, silent=True)
    if connection.has_capability("UIDPLUS"):  # a plain EXPUNGE would take others' mails along
        connection.uid_expunge(uids)


def _is_large(mails: Mapping[int, Envelope]) -> bool:
    """Two large mails at a time would wait for one reader, and one of them be stored unread."""
    return any(isinstance(envelope.raw, Spooled) for envelope in mails.values())


def _discard(envelopes: Iterable[Envelope]) -> None:
    """The files of large mails; what the store has taken over is not there any more."""
    for envelope in envelopes:
        if isinstance(envelope.raw, Spooled):
            Path(envelope.raw.path).unlink(missing_ok=True)
