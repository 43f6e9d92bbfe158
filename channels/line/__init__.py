"""LINE: its webhook brings messages, its API takes ours; replies are free, pushes are counted."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from operator import attrgetter

from channels.base import (
    ChannelDown,
    DeliveryError,
    Host,
    InDoubt,
    Rejected,
    Request,
    Response,
    Retry,
    Sent,
    Unavailable,
)
from channels.called import Called
from channels.line import check as line_check
from channels.line.api import LineApi, in_words, refusal, sent_id
from channels.line.event import Event, is_signed, named, take_apart
from channels.line.meter import Meter
from channels.line.names import Names
from channels.line.settings import LineSettings
from channels.line.tokens import ReplyTokens
from channels.line.words import ALONE, Object, objects
from channels.platform_api import Answer
from channels.spool import SPOOLED_FROM
from channels.turns import Turns
from normalizer.message import Message, Spooled

_BODY = 4 * 2**20  # octets; a hundred events of the longest texts
_KEYS = uuid.UUID("8c5d7e0e-52f1-5b6c-9a3b-6c1f0f8f7c11")  # ours alone, for retry keys


class Line(Called):
    """One official account."""

    Settings = LineSettings
    format = "line"
    most = _BODY

    def __init__(self, settings: LineSettings, host: Host) -> None:
        self._settings, self._api = settings, LineApi(settings)
        super().__init__(settings.name, host, self._api.platform)
        self._past = host.past(settings.name)
        self._names, self._tokens = Names(self._api), ReplyTokens()
        self._meter = Meter(settings.monthly_limit)
        self._turns = Turns()
        self._is_told = not settings.set_webhook
        self._farewells: set[asyncio.Task[None]] = set()

    @property
    def month(self) -> tuple[int, int]:
        return self._meter.used, self._meter.limit

    async def look(self) -> None:
        """At the month's pushes; first LINE is told where we are."""
        if not self._is_told:
            await line_check.set_webhook(self._api, self._settings)
            self._is_told = True
        await self._meter.look(self._api)

    def is_theirs(self, request: Request) -> bool:
        claimed = request.headers.get("x-line-signature", "")
        return is_signed(self._settings.channel_secret, request.body, claimed)

    async def hear(self, request: Request) -> Response:
        batch, own = take_apart(request.body), self._settings.bot_user_id
        if batch is None or (own and batch.destination != own):
            return Response(400, b"This is not for us.")
        if any(len(event.raw) > SPOOLED_FROM for event in batch.events):
            return Response(413, b"No event of LINE's is as large.")
        private = [one for one in batch.events if one.private and not one.is_the_account_s]
        for event in batch.events:
            if not event.private:
                self._decline(event)
            elif event.user and event.token:
                # Before the commit: it wakes the acknowledgement, which wants the newest token.
                self._tokens.learn(event.user, event.token, event.at)
        await self._turns.take(
            private, attrgetter("user"), lambda event: self._take(event, request.peer)
        )
        return Response(200)

    async def _take(self, event: Event, peer: str) -> None:
        tells = event.kind != "unfollow" and self._settings.refuses(event.user) == ""
        name = await self._names.of(event.user) if tells else ""
        await self.take(named(event.raw, name), event.unit, peer=peer)
        if event.user and event.kind in {"follow", "unfollow"}:
            await self._note(event)

    async def _note(self, event: Event) -> None:
        """Whether a user blocks us: LINE takes a push to such a user, and drops it."""
        try:
            at, _, _ = (await self._past.recall(_friend(event.user))).partition(" ")
            if not at or int(at) <= event.at:
                await self._past.note(_friend(event.user), f"{event.at} {event.kind}")
        except Exception as error:
            raise Unavailable from error

    def _decline(self, event: Event) -> None:
        """In a group others read along; so say a word, once, and leave. Nothing is kept of it."""
        if event.kind == "join" and event.token:
            task = asyncio.create_task(self._part(event.token))
            self._farewells.add(task)
            task.add_done_callback(self._farewells.discard)

    async def _part(self, token: str) -> None:
        said = {"replyToken": token, "messages": [{"type": "text", "text": ALONE}]}
        with suppress(DeliveryError):
            await self._api.call("POST", "/v2/bot/message/reply", said)

    async def send(self, message: Message, key: str) -> Sent:
        user = message.to[0].address
        said = objects(message)
        sent = await self._reply(user, said)
        return sent or await self._push(user, said, key)

    async def _reply(self, user: str, said: list[Object]) -> Sent | None:
        """By the newest reply token, free of charge; None if there is none that is still good."""
        token = self._tokens.take(user)
        if token is None:
            return None
        body = {"replyToken": token.value, "messages": said}
        try:
            answer = await self._api.call("POST", "/v2/bot/message/reply", body)
        except ChannelDown:
            self._tokens.put_back(user, token)
            raise
        if answer.status == 200:
            return Sent(sent_id(answer))
        if answer.status == 400 and "reply token" in in_words(answer).lower():
            return None
        if answer.status == 429:
            self._tokens.put_back(user, token)
        if answer.status >= 500:
            # A reply takes no retry key, and LINE may have sent it all the same.
            raise InDoubt(f"LINE: {in_words(answer)}")
        raise refusal(answer)

    async def _push(self, user: str, said: list[Object], key: str) -> Sent:
        """Counted and paid; the same key each time keeps it from being sent twice."""
        await self._ask_past(user)
        headers = {"X-Line-Retry-Key": str(uuid.uuid5(_KEYS, key))}
        body = {"to": user, "messages": said}
        async with self._meter.going(self._api):
            try:
                answer = await self._api.call("POST", "/v2/bot/message/push", body, headers)
            except InDoubt as error:
                raise Retry(str(error)) from error
            return self._pushed(answer)

    async def _ask_past(self, user: str) -> None:
        """Raises Rejected for who has blocked us."""
        try:
            known = await self._past.recall(_friend(user))
        except Exception as error:  # whatever it is, LINE was given nothing
            raise ChannelDown("our own notes cannot be read now") from error
        if known.endswith(" unfollow"):
            raise Rejected("the customer has blocked this account", "address_dead")

    def _pushed(self, answer: Answer) -> Sent:
        if answer.status == 200:
            self._meter.count()
        elif answer.status != 409:  # 409: LINE has taken this very push before
            raise refusal(answer)
        return Sent(sent_id(answer))

    async def fetch(self, source: str) -> bytes | Spooled:
        return await self._api.fetch(source, self._folder)

    async def check(self) -> str:
        return await line_check.check(self._api, self._settings)

    async def close(self) -> None:
        if self._farewells:
            await asyncio.wait(self._farewells, timeout=5)
        await super().close()


def _friend(user: str) -> str:
    """The name of the note whether a user has blocked us."""
    return f"friend:{user}"
