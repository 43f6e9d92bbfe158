"""The channel `slack`: the Events API brings messages, the Web API takes ours."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

import structlog

from channels.base import (
    Accept,
    ChannelDown,
    DeliveryError,
    Host,
    InDoubt,
    Rejected,
    Request,
    Response,
    Sent,
    Unavailable,
)
from channels.download import held
from channels.notes import Notes
from channels.slack import files
from channels.slack import words as slack_words
from channels.slack.api import SlackApi, missing
from channels.slack.event import Heard, heard, is_signed, table_in
from channels.slack.people import People
from channels.slack.settings import SlackSettings
from channels.slack.words import Where, message_key, where
from normalizer.message import Envelope, Message, Spooled, Transport
from normalizer.slack import name
from normalizer.tables import table, text_of

_BODY = 2**20  # octets
_LOOK = 3600.0  # seconds between looks whether Slack still knows us
_LOOK_AGAIN = 60.0  # … while it does not
_SILENT = timedelta(hours=2)
_KEPT_AT_MOST = 86_400.0  # seconds that Slack brings an event late, with Delayed Events
_TALKS = 10_000  # users of whom we know by heart where they talk with us

_log = structlog.get_logger()


class Slack:
    """One app in one workspace: talks with it, and threads in which it was mentioned."""

    Settings = SlackSettings
    most = _BODY
    silent_after = _SILENT

    def __init__(
        self, settings: SlackSettings, host: Host, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.name = settings.name
        self._settings, self._clock = settings, clock
        self._past = Notes(host.past(settings.name))
        self._folder = host.data_dir / "spool"
        self._api = SlackApi(settings)
        self._people = People(self._api, asks=settings.names)
        self._accept: Accept | None = None
        self._began: datetime | None = None
        self._team = ""
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._talks: OrderedDict[str, str] = OrderedDict()

    @property
    def ready(self) -> bool:
        return self._accept is not None

    @property
    def heard_at(self) -> datetime | None:
        """It is Slack that calls: we are up before its API has answered for the first time."""
        return self._api.heard_at or self._began

    @property
    def trouble(self) -> str:
        return self._api.trouble

    async def receive(self, accept: Accept) -> None:
        self._accept, self._began = accept, datetime.now(UTC)
        try:
            while True:
                wait = _LOOK
                try:
                    self._team = text_of((await self._api.call("auth.test", {})).get("team_id"))
                except DeliveryError as error:
                    _log.warning("slack.unreachable", channel=self.name, reason=str(error))
                    wait = _LOOK_AGAIN
                await asyncio.sleep(wait)
        finally:
            self._accept = None

    async def answer(self, request: Request) -> Response:
        """One call of Slack's: what was said in it is durable, or it is asked to come again."""
        if request.path.strip("/"):
            return Response(404)
        if request.method != "POST":
            return Response(405, headers=(("Allow", "POST"),))
        secret = self._settings.signing_secret
        if not is_signed(secret, request.headers, request.body, self._clock()):
            return Response(401, b"The signature is not right, or too old.")
        said = table_in(request.body)
        if said is None:
            return Response(400, b"This is nothing that Slack sends.")
        if said.get("type") == "url_verification":
            return Response(200, text_of(said.get("challenge")).encode("utf-8", "replace"))
        if self._accept is None:
            raise Unavailable
        if said.get("type") == "app_rate_limited":
            _log.warning("slack.events_withheld", channel=self.name)
        # Whether it came before is for the ledger to say: the first try may never have arrived.
        if (one := heard(said)) and self._is_for_us(one):
            await self._take(one, self._accept, request.peer)
        return Response(200)

    def _is_for_us(self, one: Heard) -> bool:
        return self._settings.refuses(one.person) == "" and (
            one.team == self._team or not self._team
        )

    async def _take(self, one: Heard, accept: Accept, peer: str) -> None:
        """A user's words in their order, as far as Slack keeps it."""
        turn = self._turns.setdefault(one.user, asyncio.Lock())
        async with turn:
            if not (one.private or one.called or await self._is_theirs(one)):
                return
            profile = await self._people.of(one.user)
            kept = one.kept | {"name": profile.name, "language": profile.locale}
            # Before the commit: it wakes the acknowledgement, which asks where it belongs.
            await self._remember(one)
            await self._accepted(one, json.dumps(kept).encode(), peer, accept)

    async def _accepted(self, one: Heard, raw: bytes, peer: str, accept: Accept) -> None:
        now = self._clock()
        at = one.at if now - _KEPT_AT_MOST < one.at < now else now
        async with held(raw, self._folder) as octets:
            await accept(
                Envelope(
                    channel=self.name,
                    format="slack",
                    raw=octets,
                    unit=one.unit,
                    received_at=datetime.fromtimestamp(at, UTC),
                    transport=Transport(peer=peer),
                )
            )

    async def _remember(self, one: Heard) -> None:
        """Where this user can be answered."""
        if one.private and self._talks.get(one.person) != one.channel:
            await self._past.note(_talk(one.person), one.channel)
            self._talks[one.person] = one.channel
            if len(self._talks) > _TALKS:
                self._talks.popitem(last=False)
        elif one.called and not one.private:
            await self._past.note(_thread(one.channel, one.thread, one.person), "called")

    async def _is_theirs(self, one: Heard) -> bool:
        """Whether this user has called us into this thread; what others say there is not ours."""
        return bool(await self._past.recall(_thread(one.channel, one.thread, one.person)))

    async def send(self, message: Message, key: str) -> Sent:
        """One text with its buttons, or one file."""
        place = await self._place(message)
        try:
            return Sent(await self._say(place, message, key))
        except Rejected as error:
            if place.is_talk or error.reason != "address_dead":
                raise
        # It is the channel that is gone, not the person.
        return Sent(await self._say(Where(await self._talk(message.to[0].address)), message, key))

    async def _say(self, place: Where, message: Message, key: str) -> str:
        if message.text.strip():
            return await self._post(place, slack_words.post(message), message_key(key))
        if not message.parts:
            raise Rejected("there is nothing to say")
        return await files.show(self._api, message.parts[0], place)

    async def _place(self, message: Message) -> Where:
        """Where the message that we answer stands, if that is this user's place; else our talk."""
        person, asked = message.to[0].address, where(message.in_reply_to)
        if asked and not asked.is_talk and await self._recall(_thread(*asked, person)):
            return asked
        talk = await self._talk(person)
        return asked if asked and asked.channel == talk else Where(talk)

    async def _talk(self, person: str) -> str:
        """Where somebody talks with us alone; opened again, it is the same."""
        if talk := await self._recall(_talk(person)):
            return talk
        user = person.partition("/")[2]
        try:
            said = await self._api.call("conversations.open", {"users": user})
        except InDoubt as error:
            raise ChannelDown(str(error)) from error
        return text_of(table(said.get("channel")).get("id"))

    async def _recall(self, name: str) -> str:
        try:
            return await self._past.recall(name)
        except Unavailable as error:  # Slack was given nothing
            raise ChannelDown("our own notes cannot be read now") from error

    async def _post(self, place: Where, post: dict[str, Any], key: str) -> str:
        """What this message is called, as an answer to it would say."""
        thread = {"thread_ts": place.thread} if place.thread else {}
        body = post | {"channel": place.channel, "client_msg_id": key} | thread
        said = await self._api.call("chat.postMessage", body)
        return name(text_of(said.get("channel")), text_of(said.get("ts")), place.thread)

    async def fetch(self, source: str) -> bytes | Spooled:
        return await files.fetch(self._api, source, self._settings.max_file, self._folder)

    async def check(self) -> str:
        said = await self._api.call("auth.test", {})
        known = f"Slack knows us as {text_of(said.get('user'))} in {text_of(said.get('team'))}"
        lacks = missing(self._api.scopes, names=self._settings.names)
        if lacks:
            raise ChannelDown(
                f"{known}; the app lacks {', '.join(lacks)}: add them under OAuth & Permissions, and"
                " install it again"
            )
        return known

    async def close(self) -> None:
        await self._api.close()


def _thread(channel: str, first: str, person: str) -> str:
    """The name of the note that somebody has called us into a thread."""
    return f"thread:{channel}:{first}:{person}"


def _talk(person: str) -> str:
    """The name of the note about where somebody talks with us alone."""
    return f"talk:{person}"
