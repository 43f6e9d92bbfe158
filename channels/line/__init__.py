"""LINE: its webhook brings messages, its API takes ours; replies are free, pushes are counted."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from channels.base import (
    Accept,
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
from channels.line import check as line_check
from channels.line import media
from channels.line.api import Answer, LineApi, refusal
from channels.line.event import Event, is_signed, named, take_apart
from channels.line.meter import Meter
from channels.line.names import Names
from channels.line.settings import LineSettings
from channels.line.tokens import ReplyTokens
from channels.line.words import ALONE, Object, objects
from channels.spool import SPOOLED_FROM
from normalizer.message import Envelope, Message, Spooled, Transport

_BODY = 4 * 2**20  # octets; a hundred events of the longest texts
_LOOK = 3600.0  # seconds between looks at the month's pushes
_LOOK_AGAIN = 60.0  # … while LINE does not answer
_SILENT = timedelta(hours=2)
_KEYS = uuid.UUID("8c5d7e0e-52f1-5b6c-9a3b-6c1f0f8f7c11")  # ours alone, for retry keys


class Line:
    """One official account."""

    Settings = LineSettings
    most = _BODY
    silent_after = _SILENT

    def __init__(self, settings: LineSettings, host: Host) -> None:
        self.name = settings.name
        self._settings = settings
        self._past = host.past(settings.name)
        self._folder = host.data_dir / "spool"
        self._api = LineApi(settings)
        self._names = Names(self._api)
        self._tokens = ReplyTokens()
        self._meter = Meter(settings.monthly_limit)
        self._accept: Accept | None = None
        self._began: datetime | None = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._farewells: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> bool:
        return self._accept is not None

    @property
    def heard_at(self) -> datetime | None:
        """It is LINE that calls: we are up before its API has answered for the first time."""
        return self._api.heard_at or self._began

    @property
    def trouble(self) -> str:
        return self._api.trouble

    @property
    def month(self) -> tuple[int, int]:
        return self._meter.used, self._meter.limit

    async def receive(self, accept: Accept) -> None:
        self._accept, self._began = accept, datetime.now(UTC)
        told = not self._settings.set_webhook
        try:
            while True:
                wait = _LOOK
                try:
                    if not told:
                        await line_check.set_webhook(self._api, self._settings)
                        told = True
                    await self._meter.look(self._api)
                except DeliveryError:
                    wait = _LOOK_AGAIN
                await asyncio.sleep(wait)
        finally:
            self._accept = None

    async def answer(self, request: Request) -> Response:
        """One call of LINE's: all its events are durable, or it is asked to come again."""
        if request.path.strip("/"):
            return Response(404)
        if request.method != "POST":
            return Response(405, headers=(("Allow", "POST"),))
        claimed = request.headers.get("x-line-signature", "")
        if not is_signed(self._settings.channel_secret, request.body, claimed):
            return Response(401, b"The signature is not right.")
        if self._accept is None:
            raise Unavailable
        batch = take_apart(request.body)
        own = self._settings.bot_user_id
        if batch is None or (own and batch.destination != own):
            return Response(400, b"This is not for us.")
        if any(len(event.raw) > SPOOLED_FROM for event in batch.events):
            return Response(413, b"No event of LINE's is as large.")
        await self._take(batch.events, self._accept, request.peer)
        return Response(200)

    async def _take(self, events: Sequence[Event], accept: Accept, peer: str) -> None:
        """Those of one user in their order, the users beside each other."""
        by_user: defaultdict[str, list[Event]] = defaultdict(list)
        for event in events:
            if not event.private:
                self._decline(event)
                continue
            by_user[event.user].append(event)
            if event.user and event.token:
                # Before the commit: it wakes the acknowledgement, which wants the newest token.
                self._tokens.learn(event.user, event.token, event.at)
        ends = await asyncio.gather(
            *(self._take_in(*one, accept, peer) for one in by_user.items()), return_exceptions=True
        )
        for end in ends:
            if end:
                raise end

    async def _take_in(self, user: str, events: Iterable[Event], accept: Accept, peer: str) -> None:
        """Also calls at the same moment wait for each other, as far as they are one user's."""
        turn = self._turns.setdefault(user, asyncio.Lock())
        async with turn:
            for event in events:
                await accept(await self._envelope(event, peer))
                if user and event.kind in {"follow", "unfollow"}:
                    await self._note(event)

    async def _envelope(self, event: Event, peer: str) -> Envelope:
        tells = event.kind != "unfollow" and self._settings.refuses(event.user) == ""
        name = await self._names.of(event.user) if tells else ""
        return Envelope(
            channel=self.name,
            format="line",
            raw=named(event.raw, name),
            unit=event.unit,
            received_at=datetime.now(UTC),
            transport=Transport(peer=peer),
        )

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
            return Sent(answer.sent_id)
        if answer.status == 400 and "reply token" in answer.said.lower():
            return None
        if answer.status == 429:
            self._tokens.put_back(user, token)
        if answer.status >= 500:
            # A reply takes no retry key, and LINE may have sent it all the same.
            raise InDoubt(f"LINE: {answer.said}")
        raise refusal(answer)

    async def _push(self, user: str, said: list[Object], key: str) -> Sent:
        """Counted and paid; the same key each time keeps it from being sent twice."""
        await self._ask_past(user)
        self._meter.ask()
        headers = {"X-Line-Retry-Key": str(uuid.uuid5(_KEYS, key))}
        body = {"to": user, "messages": said}
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
        return Sent(answer.sent_id)

    async def fetch(self, source: str) -> bytes | Spooled:
        return await media.fetch(self._api, source, self._settings.max_file, self._folder)

    async def check(self) -> str:
        return await line_check.check(self._api, self._settings)

    async def close(self) -> None:
        if self._farewells:
            await asyncio.wait(self._farewells, timeout=5)
        await self._api.close()


def _friend(user: str) -> str:
    """The name of the note whether a user has blocked us."""
    return f"friend:{user}"
