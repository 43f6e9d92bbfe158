"""The thread of one mailbox: connect, look, fetch, hand over, wait for news, and again."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from channels.imap.flight import Flights, Gateway, NotNow
from channels.imap.folder import First, Folder, known_places, wait
from channels.imap.login import Refused, log_in
from channels.imap.settings import INBOX, ImapSettings
from channels.imap.wire import Connection
from channels.oauth import Login

PLACES = "mailboxes"  # the note that names them
_BETWEEN_LOGINS = 300.0  # seconds: who is refused more often than that is locked out
_LONGEST = 60.0  # seconds between two tries to connect, at most
_STORE_AT_MOST = 8.0  # seconds between two tries to hand something to the store, at most
_WHOLE_AGAIN = 3600.0  # seconds after which a folder is compared with the ledger as a whole
_WINDOW = 256  # mails whose sizes are asked for at once
_LOOK = 3.0  # seconds between looks for new mail while old mail is fetched
_REPORT = 10.0  # seconds between reports on a long way
_LONG = 500  # mails that make it a long way
_QUICK = 1.0  # seconds; a server that has news sooner than that, and then none, is let wait

_log = structlog.get_logger()


class Mailbox:
    """Runs in a thread of its own until `stop`; its connection and its folders are its own.

    `heard`, `trouble` and `connected` are read from other threads.
    """

    def __init__(
        self,
        settings: ImapSettings,
        gateway: Gateway,
        clock: Callable[[], datetime],
        login: Login | None = None,
    ) -> None:
        self.heard: datetime | None = None
        self.trouble = ""
        self.connected = False
        self._settings = settings
        self._gateway = gateway
        self._clock = clock
        self._login = login
        self._draw = random.Random()  # noqa: S311  it spreads tries, and guards nothing
        self._stopping = threading.Event()
        self._connection: Connection | None = None
        self._folders: dict[str, Folder] = {}
        self._selected: Folder | None = None
        self._reported = 0.0
        self._patience = 0
        self._flights = Flights(settings, gateway, clock)

    def stop(self) -> None:
        """End whatever it waits for; from any thread."""
        self._stopping.set()
        if connection := self._connection:
            connection.cut()

    def run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began, landed = time.monotonic(), self._flights.landed
            pause = 0.0
            try:
                self._session()
            except Refused as error:
                self._refused(str(error))
            except NotNow as error:
                pause = self._not_now(str(error))
            except Exception as error:
                # To have looked is no success yet: a server may hang up at each mail.
                went_well = self._flights.landed > landed or time.monotonic() - began > _LONGEST
                failures = 0 if went_well else failures
                pause = self._lost(error, failures)
                failures += 1
            self._stopping.wait(pause)

    def _refused(self, said: str) -> None:
        """Nothing until it is time; a person who logs in anew ends the waiting."""
        if not self._stopping.is_set():
            _log.error("mailbox.refused", channel=self._settings.name, reason=said)
        self.trouble = said
        pause = _BETWEEN_LOGINS * (1 + self._draw.random() / 5)
        until, was = time.monotonic() + pause, self._login_state()
        slice_ = _LOOK if self._login else pause
        while (left := until - time.monotonic()) > 0 and self._login_state() == was:
            if self._stopping.wait(min(left, slice_)):
                return

    def _login_state(self) -> str:
        return self._login.health().state if self._login else ""

    def _lost(self, error: Exception, failures: int) -> float:
        """The connection is worth nothing any more. A library's words may hold somebody's mail."""
        pause = wait(failures, _LONGEST, self._draw.random())
        if not self._stopping.is_set():
            reason = str(error) if isinstance(error, OSError) else ""
            _log.warning(
                "mailbox.lost",
                channel=self._settings.name,
                error=type(error).__name__,
                reason=reason,
                again_in=round(pause, 1),
            )
        return pause

    def _not_now(self, said: str) -> float:
        """Nothing is wrong with the mailbox: seconds until the store is asked again."""
        pause = wait(self._patience, _STORE_AT_MOST, self._draw.random())
        self._patience += 1
        _log.warning(
            "mailbox.waiting",
            channel=self._settings.name,
            reason=said,
            again_in=round(pause, 1),
        )
        return pause

    def _session(self) -> None:
        """One connection, from the log-in to its end."""
        connection = self._connection = Connection(self._settings)
        try:
            if self._stopping.is_set():
                return
            log_in(connection, self._settings, self._login)
            self.connected, self.trouble = True, ""
            _log.info("mailbox.connected", channel=self._settings.name)
            self._selected = None
            self._find(connection)
            self._live(connection)
        finally:
            self._connection = None
            self._flights.ground()
            connection.leave()

    def _find(self, connection: Connection) -> None:
        """The folders by their names here; what we know of them outlives the connection."""
        names = {name: flags for flags, _, name in connection.list_folders()}
        wanted = dict.fromkeys(self._settings.folders, False)
        if sent := sent_folder(connection, self._settings, names):
            wanted[sent] = True
        missing = [name for name in wanted if name not in names and name != INBOX]
        if missing:
            self.trouble = no_folder(missing, names)
            _log.error("mailbox.no_folder", channel=self._settings.name, reason=self.trouble)
        if self._settings.move_to and self._settings.move_to not in names:
            connection.create_folder(self._settings.move_to)
        known = self._folders
        place = self._place()
        self._folders = {
            name: known.get(name) or Folder(name, sent, place)
            for name, sent in wanted.items()
            if name not in missing
        }
        if not self._folders:
            raise ConnectionError(self.trouble)

    def _place(self) -> int:
        """Which of the mailboxes that this channel has ever read this is."""
        note = self._gateway.recall(PLACES)
        places = known_places(note, self._settings.place)
        if (now := json.dumps(places)) != note:
            self._gateway.note(PLACES, now)
        return places.index(self._settings.place)

    def _live(self, connection: Connection) -> None:
        watched = next(iter(self._folders.values()))
        while not self._stopping.is_set():
            for folder in self._folders.values():
                self._open(connection, folder)
                self._fetch(connection, folder, _LOOK)
            self._catch_up(connection, watched)
            self._return_to(connection, watched)
            self._wait(connection, watched)

    def _open(self, connection: Connection, folder: Folder) -> None:
        """Select a folder, as it is now, and note what is new in it."""
        self._land()
        self._selected = None
        readonly = folder.sent or self._settings.afterwards == "leave"
        said = connection.select_folder(folder.name, readonly=readonly)
        self._selected = folder
        self._meet(folder, said)
        if said[b"UIDVALIDITY"] != folder.validity:
            if folder.validity:
                _log.warning("mailbox.renumbered", channel=self._settings.name, folder=folder.name)
            folder.renumber(said[b"UIDVALIDITY"])
        if time.monotonic() - folder.compared > _WHOLE_AGAIN or not folder.highest:
            self._compare(connection, folder, said[b"EXISTS"])
        else:
            self._look(connection, folder)

    def _return_to(self, connection: Connection, folder: Folder) -> None:
        if self._selected is not folder:
            self._open(connection, folder)

    def _meet(self, folder: Folder, said: dict[bytes, Any]) -> None:
        """First contact is noted before the first mail is taken in, so that it stays the first."""
        if folder.first is not None:
            return
        name = f"first contact {self._settings.username} {folder.name}"
        if note := self._gateway.recall(name):
            folder.first = First.from_note(note)
            return
        folder.first = First(said[b"UIDVALIDITY"], said.get(b"UIDNEXT", 0), self._clock())
        self._gateway.note(name, folder.first.to_note())
        _log.info(
            "mailbox.first_contact",
            channel=self._settings.name,
            folder=folder.name,
            mails=said[b"EXISTS"],
        )

    def _compare(self, connection: Connection, folder: Folder, exists: int) -> None:
        connection.expect(12 * exists)
        listed = frozenset(connection.search(criteria(self._settings, 1)))
        known = frozenset(map(int, self._gateway.units(folder.prefix)))
        folder.compare(listed, known, time.monotonic())
        self._heard()
        if self._settings.move_to and folder.first and folder.first.validity == folder.validity:
            # What a crash left behind between the commit and the move.
            left = [uid for uid in listed & known if uid >= folder.first.next]
            self._flights.afterwards(connection, folder, left)

    def _look(self, connection: Connection, folder: Folder) -> None:
        connection.told_of_mail()  # what it told of so far is found
        folder.hear(connection.search(criteria(self._settings, folder.highest + 1)))
        self._heard()

    def _heard(self) -> None:
        self.heard = self._clock()

    def _catch_up(self, connection: Connection, watched: Folder) -> None:
        """Old mails, for a few seconds at a time between looks for new ones."""
        for folder in self._folders.values():
            while folder.waiting and not self._stopping.is_set():
                self._return_to(connection, folder)
                self._fetch(connection, folder, _LOOK)
                self._return_to(connection, watched)
                self._look(connection, watched)
                self._fetch(connection, watched, _LOOK)

    def _fetch(self, connection: Connection, folder: Folder, seconds: float) -> None:
        """What waits in the selected folder, newest first, for about so many seconds."""
        until = time.monotonic() + seconds
        while not self._stopping.is_set() and (now := time.monotonic()) <= until:
            if not folder.has_work(now):
                break
            try:
                self._flights.take(connection, folder, folder.next(_WINDOW, now), until)
            except NotNow as error:
                self._stopping.wait(self._not_now(str(error)))
                break
            self._patience = 0
            self._heard()
            self._report(folder)
        self._land()

    def _land(self) -> None:
        try:
            self._flights.land()
        except NotNow as error:
            self._stopping.wait(self._not_now(str(error)))

    def _report(self, folder: Folder) -> None:
        waiting, now = len(folder.waiting), time.monotonic()
        if waiting >= _LONG and now - self._reported >= _REPORT:
            self._reported = now
            _log.info(
                "mailbox.progress",
                channel=self._settings.name,
                folder=folder.name,
                done=folder.total - waiting - len(folder.troubles),
                total=folder.total,
            )

    def _wait(self, connection: Connection, watched: Folder) -> None:
        """Until it is time to look everywhere; news of the watched folder are fetched at once."""
        until = time.monotonic() + self._settings.poll
        while (left := until - time.monotonic()) > 0 and not self._stopping.is_set():
            began, before = time.monotonic(), watched.highest
            if not watched.waiting:
                if not connection.told_of_mail():
                    self._rest(connection, min(left, self._settings.rest))
                self._look(connection, watched)
            self._fetch(connection, watched, _LOOK)
            if watched.highest == before and time.monotonic() - began < _QUICK:
                self._stopping.wait(_QUICK)

    def _rest(self, connection: Connection, seconds: float) -> None:
        """Until the server says something, or so long."""
        if not connection.has_capability("IDLE"):
            self._stopping.wait(seconds)
            return
        connection.idle()
        connection.has_news(seconds)
        # On a dead connection this is what raises; an empty answer would look like a quiet one.
        connection.idle_done()


def criteria(settings: ImapSettings, first: int) -> list[Any]:
    """What to search for: by UID, and by the day of arrival if the first run leaves out old mail."""
    return ["UID", f"{first}:*", *(("SINCE", settings.since) if settings.since else ())]


def sent_folder(
    connection: Connection, settings: ImapSettings, names: dict[str, tuple[bytes, ...]]
) -> str:
    """The Sent folder by its configured name, or by the server's mark (RFC 6154); "" if none."""
    if not settings.sent or settings.sent in names:
        return settings.sent
    return connection.find_special_folder(b"\\Sent") or ""


def no_folder(missing: list[str], names: dict[str, tuple[bytes, ...]]) -> str:
    wanted = " and ".join(f'"{name}"' for name in missing)
    return f"the mailbox has no folder {wanted}; there are: {', '.join(sorted(names)[:30])}"
