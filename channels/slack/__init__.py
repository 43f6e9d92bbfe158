"""The channel `slack`: the Events API brings messages, the Web API takes ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from channels.base import (
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
from channels.called import Called, now
from channels.notes import Notes
from channels.recent import Recent
from channels.slack import files
from channels.slack import words as slack_words
from channels.slack.api import SlackApi, missing
from channels.slack.event import Heard, heard, is_signed, table_in
from channels.slack.people import People
from channels.slack.settings import SlackSettings
from channels.slack.words import Where, message_key, where
from channels.turns import Turns
from normalizer.message import Message, Spooled
from normalizer.slack import name
from normalizer.tables import table, text_of

_KEPT_AT_MOST = timedelta(hours=24)  # that Slack brings an event late, with Delayed Events
_TALKS = 10_000  # users of whom we know by heart where they talk with us

_log = structlog.get_logger()


class Slack(Called):
    """One app in one workspace: talks with it, and threads in which it was mentioned."""

    Settings = SlackSettings
    format = "slack"
    most = 2**20
    unproved = b"The signature is not right, or too old."

    def __init__(
        self, settings: SlackSettings, host: Host, *, clock: Callable[[], datetime] = now
    ) -> None:
        self._settings, self._api = settings, SlackApi(settings)
        super().__init__(settings.name, host, self._api.platform, clock)
        self._past = Notes(host.past(settings.name))
        self._people = People(self._api, asks=settings.names)
        self._team = ""
        self._turns = Turns()
        self._talks: Recent[str, str] = Recent(_TALKS)

    async def look(self) -> None:
        """Whether Slack still knows us, and in which workspace."""
        try:
            self._team = text_of((await self._api.call("auth.test", {})).get("team_id"))
        except DeliveryError as error:
            _log.warning("slack.unreachable", channel=self.name, reason=str(error))
            raise

    def is_theirs(self, request: Request) -> bool:
        at = self._clock().timestamp()
        return is_signed(self._settings.signing_secret, request.headers, request.body, at)

    async def hear(self, request: Request) -> Response:
        """What was said in one call."""
        said = table_in(request.body)
        if said is None:
            return Response(400, b"This is nothing that Slack sends.")
        if said.get("type") == "url_verification":
            return Response(200, text_of(said.get("challenge")).encode("utf-8", "replace"))
        if said.get("type") == "app_rate_limited":
            _log.warning("slack.events_withheld", channel=self.name)
        # Whether it came before is for the ledger to say: the first try may never have arrived.
        if (one := heard(said)) and self._is_for_us(one):
            async with self._turns.of(one.user):
                await self._take(one, request.peer)
        return Response(200)

    def _is_for_us(self, one: Heard) -> bool:
        return self._settings.refuses(one.person) == "" and (
            one.team == self._team or not self._team
        )

    async def _take(self, one: Heard, peer: str) -> None:
        if not (one.private or one.called or await self._is_theirs(one)):
            return
        profile = await self._people.of(one.user)
        kept = one.kept | {"name": profile.name, "language": profile.locale}
        # Before the commit: it wakes the acknowledgement, which asks where it belongs.
        await self._remember(one)
        await self.take(json.dumps(kept).encode(), one.unit, self._said_at(one), peer)

    def _said_at(self, one: Heard) -> datetime:
        """When Slack took it in, as far as that can be true."""
        now = self._clock()
        since = now.timestamp() - one.at
        is_true = 0 < since < _KEPT_AT_MOST.total_seconds()
        return datetime.fromtimestamp(one.at, UTC) if is_true else now

    async def _remember(self, one: Heard) -> None:
        """Where this user can be answered."""
        if one.private and self._talks.get(one.person) != one.channel:
            await self._past.note(_talk(one.person), one.channel)
            self._talks[one.person] = one.channel
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


def _thread(channel: str, first: str, person: str) -> str:
    """The name of the note that somebody has called us into a thread."""
    return f"thread:{channel}:{first}:{person}"


def _talk(person: str) -> str:
    """The name of the note about where somebody talks with us alone."""
    return f"talk:{person}"
