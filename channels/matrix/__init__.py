"""The channel `matrix`: events of private chats are stored before the cursor behind them is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from channels.base import (
    Accept,
    ChannelDown,
    DeliveryError,
    Host,
    InDoubt,
    Rejected,
    Retry,
    Sent,
    Unavailable,
)
from channels.enclosed import octets
from channels.matrix import media
from channels.matrix import words as matrix_words
from channels.matrix.cursor import Cursor
from channels.matrix.invites import Invites
from channels.matrix.rooms import Rooms, transaction
from channels.matrix.settings import MatrixSettings
from channels.matrix.sync import (
    Batch,
    Event,
    Invitation,
    Room,
    concerns,
    id_of,
    is_farewell,
    owing,
    said_at,
    sender_of,
    take_apart,
)
from channels.notes import Notes
from channels.pause import after, between
from normalizer.message import Envelope, Message, Spooled, Transport

_WAIT = 25.0  # seconds that the homeserver holds a question while nothing comes
_SILENT = timedelta(minutes=5)
_AGAIN = 300.0  # seconds before a token that is refused is tried again
_AT_ONCE = 16  # rooms whose events are stored beside each other

_log = structlog.get_logger()


def now() -> datetime:
    return datetime.now(UTC)


class Matrix:
    """One account; a room with more than one customer in it is refused."""

    Settings = MatrixSettings
    silent_after = _SILENT

    def __init__(
        self,
        settings: MatrixSettings,
        host: Host,
        *,
        clock: Callable[[], datetime] = now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        # A second and 50 MB that only those pay who have such a channel.
        from channels.matrix.api import MatrixApi, TokenRefused

        self.name, self.ready, self.trouble = settings.name, False, ""
        self.heard_at: datetime | None = None
        self._settings, self._host, self._hopeless = settings, host, TokenRefused
        self._api = MatrixApi(settings)
        self._past = Notes(host.past(settings.name))
        self._rooms = Rooms(self._api, self._past, settings.user)
        self._invites = Invites(self._api, self._past, settings.name, sleep)
        self._clock, self._sleep = clock, sleep
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def receive(self, accept: Accept) -> None:
        """Ask, store, note the cursor, and only then ask for what follows."""
        try:
            await self._read(accept)
        finally:
            self.ready = False
            await self._invites.end()

    async def _read(self, accept: Accept) -> None:
        tries = 0
        cursor: Cursor | None = None
        while True:
            try:
                cursor = await (self._turn(cursor, accept) if cursor else self._begin())
                tries = 0
            except DeliveryError as error:
                await self._rest(error, tries)
                tries += 1
            except Unavailable:
                await self._sleep(between(tries))
                tries += 1

    async def _begin(self) -> Cursor:
        await self._know_ourselves()
        cursor = await Cursor.load(self._past, self._clock())
        await self._invites.begin()
        return cursor

    async def _know_ourselves(self) -> None:
        own = await self._api.whoami()
        if own != self._settings.user:
            raise self._hopeless(f"the access_token is {own}'s, not {self._settings.user}'s")

    async def _turn(self, cursor: Cursor, accept: Accept) -> Cursor:
        try:
            said = await self._api.sync(cursor.next, _WAIT if self.ready else 0)
        except Rejected:
            if not cursor.next:
                raise
            # A homeserver that was set up anew does not know its old cursors; what it tells from
            # the beginning is known by the ledger.
            return cursor._replace(next="")
        batch = take_apart(said, self._settings.user)
        if not batch.next:
            raise ChannelDown("the homeserver does not speak Matrix")
        self.heard_at, self.ready, self.trouble = self._clock(), True, ""
        await self._take_all(batch, cursor, accept)
        return await self._onwards(cursor, batch.next)

    async def _onwards(self, cursor: Cursor, to: str) -> Cursor:
        if to == cursor.next:
            return cursor
        self._host.failpoint("F11")
        return await cursor.move(self._past, to, self._clock())

    async def _take_all(self, batch: Batch, cursor: Cursor, accept: Accept) -> None:
        """Everything of it is durable, or it raises; the rooms beside each other.

        A room that the homeserver itself cannot read keeps no other waiting: it is owed.
        """
        await self._answer_all(batch.invitations)
        owed = await self._rooms.owed()
        rooms = owing(batch.rooms, owed)
        ends = await asyncio.gather(
            *(self._take_room(room, cursor, accept) for room in rooms), return_exceptions=True
        )
        broken = {
            room.id: batch.next
            for room, end in zip(rooms, ends, strict=True)
            if isinstance(end, InDoubt) or (isinstance(end, Retry) and end.after is None)
        }
        for room, end in zip(rooms, ends, strict=True):
            if end and room.id not in broken:
                raise end
        if broken or owed:
            _log.warning("matrix.rooms_owed", channel=self.name, rooms=len(broken))
            await self._rooms.owe(broken)

    async def _answer_all(self, invitations: Iterable[Invitation]) -> None:
        """Chats with one customer are joined, everything else is declined."""
        welcome = []
        for one in invitations:
            is_welcome = self._settings.accept_invites and one.direct
            if is_welcome and not await self._rooms.has_heard("alone", one.room):
                welcome.append(one.room)
            else:
                await self._leave(one.room)
        await self._invites.expect(welcome)

    async def _take_room(self, room: Room, cursor: Cursor, accept: Accept) -> None:
        async with self._gate:
            if room.moved:
                self._rooms.moved(room.id)
            room, others = await self._inside(room)
            if len(others) > 1:
                await self._part(room.id, list(others))
                return
            if room.moved:
                for user in others:
                    await self._rooms.welcome(user, room.id)
            async for event in self._events(room, cursor):
                if concerns(event, self._settings.user):
                    await self._take(event, room, others, cursor, accept)
            if room.locked and not room.left:
                await self._once("locked", room.id, matrix_words.LOCKED)

    async def _inside(self, room: Room) -> tuple[Room, dict[str, str]]:
        """Who is there beside us; a room that we may not look into is one that we have left."""
        try:
            return room, {} if room.left else await self._rooms.others(room.id)
        except Rejected:
            return room._replace(left=True, before=""), {}

    async def _events(self, room: Room, cursor: Cursor) -> AsyncIterator[Event]:
        """Those that the homeserver left out, and those that it told; from the oldest.

        First it is seen how far back they go, then they are read: a gap is never held whole.
        """
        pages, token = [], "" if cursor.is_first else room.before
        while token and token not in pages:
            pages.append(token)
            events, token = await self._api.before(room.id, token)
            if await self._reaches_back(events, cursor):
                break
        for page in reversed(pages):
            events, _ = await self._api.before(room.id, page)
            for event in reversed(events):
                if isinstance(event, dict):
                    yield event
        for event in room.events:
            yield event

    async def _reaches_back(self, events: list[Any], cursor: Cursor) -> bool:
        """Whether what stands before these was stored already, or is older than our last look."""
        written = [event for event in events if isinstance(event, dict)]
        # A page may be empty, and yet name the one before it (Matrix, "GET …/messages").
        now = self._clock()
        if written and not any(cursor.is_after(said_at(event), now) for event in written):
            return True
        for event in written:
            if concerns(event, self._settings.user) and await self._past.units(id_of(event)):
                return True
        return False

    async def _take(
        self, event: Event, room: Room, others: dict[str, str], cursor: Cursor, accept: Accept
    ) -> None:
        user, farewell = sender_of(event), is_farewell(event)
        if (farewell or room.left) and not await self._rooms.is_chat(user, room.id):
            return
        if user in others and not farewell:
            # Before the commit: it wakes the acknowledgement, which asks where it belongs.
            await self._rooms.remember(user, room.id)
        # What the homeserver adds may hold other events whole, such as the latest wording.
        kept = {key: value for key, value in event.items() if key != "unsigned"}
        said = {"room": room.id, "name": others.get(user, ""), "event": kept}
        at = min(said_at(event) or self._clock(), self._clock())
        await accept(
            Envelope(
                channel=self.name,
                format="matrix",
                raw=json.dumps(said, separators=(",", ":")).encode(),
                unit=id_of(event),
                received_at=at,
                transport=Transport(history=cursor.is_history(at)),
            )
        )
        if farewell:
            await self._rooms.gone(user)

    async def _part(self, room: str, users: list[str]) -> None:
        """In a group others read along; so say a word, once, and leave."""
        await self._rooms.forget(users, room)
        await self._once("alone", room, matrix_words.ALONE)
        await self._leave(room)

    async def _once(self, what: str, room: str, words: str) -> None:
        if self._settings.mode != "live" or await self._rooms.has_heard(what, room):
            return
        try:
            notice = {"msgtype": "m.notice", "body": words}
            await self._api.say(room, notice, transaction(what, room))
        except Rejected as error:
            _log.warning("matrix.not_said", channel=self.name, reason=str(error))
        await self._rooms.heard(what, room)

    async def _leave(self, room: str) -> None:
        try:
            await self._api.leave(room)
        except DeliveryError as error:
            _log.warning("matrix.not_left", channel=self.name, reason=str(error))
        else:
            _log.info("matrix.left_group", channel=self.name)

    async def _rest(self, error: DeliveryError, tries: int) -> None:
        """Wait as long as the trouble asks for."""
        _log.warning("matrix.unreachable", channel=self.name, reason=str(error))
        if isinstance(error, (self._hopeless, Rejected)):
            self.trouble = str(error)
            await self._sleep(_AGAIN)
        else:
            await self._sleep(after(error, tries))

    async def send(self, message: Message, key: str) -> Sent:
        """One text, or one file.

        It is a transaction, which the homeserver does once however often it is asked to: what is
        lost on the way is tried again, and nothing is ever in doubt.
        """
        try:
            room = await self._room_of(message.to[0].address)
            content = await self._content(message)
            event = await self._api.say(room, content, transaction(key))
        except InDoubt as error:
            raise Retry(str(error)) from error
        return Sent(f"matrix:{event}")

    async def _content(self, message: Message) -> dict[str, Any]:
        if message.text.strip():
            return matrix_words.text_content(message)
        if not message.parts:
            raise Rejected("there is nothing to say")
        part = message.parts[0]
        data = await asyncio.to_thread(octets, part)
        address = await self._api.upload(data, part.content_type, part.filename or "file")
        return matrix_words.file_content(part, address)

    async def _room_of(self, user: str) -> str:
        try:
            return await self._rooms.of(user)
        except Unavailable as error:  # the homeserver was given nothing
            raise ChannelDown("our own notes cannot be read now") from error

    async def fetch(self, source: str) -> bytes | Spooled:
        folder = self._host.data_dir / "spool"
        return await media.fetch(self._api, source, self._settings.max_file, folder)

    async def check(self) -> str:
        await self._know_ourselves()
        return f"the homeserver knows us as {self._settings.user}"

    async def close(self) -> None:
        await self._api.close()
