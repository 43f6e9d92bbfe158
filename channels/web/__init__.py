"""The channel `web`: a form and a chat on pages of ours or of others; visitors come to fetch."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

from channels.base import Accept, Host, Rejected, Request, Response, Retry, Sent, Unavailable
from channels.intake import Intake
from channels.web.desk import Desk
from channels.web.gate import Gate
from channels.web.settings import WebSettings
from channels.web.window import Window
from normalizer.message import Message

_KEY = "key"  # the note that holds it: visitors are known by it for as long as the store lives


def now() -> datetime:
    return datetime.now(UTC)


class Web:
    """Called at `/in/NAME`. What we say waits in the store until its visitor's browser asks."""

    Settings = WebSettings

    def __init__(
        self,
        settings: WebSettings,
        host: Host,
        *,
        now: Callable[[], datetime] = now,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.name = settings.name
        # Beyond max_size we say in words that it is too much; beyond this, HTTP does.
        self.most = 2 * settings.max_size
        self._past = host.past(settings.name)
        self._intake = Intake(host.data_dir / "spool")
        inbox = host.inbox(settings.name)
        self._window = Window(settings, inbox, self._intake, now, clock, Gate(settings))
        self._desk = Desk(self._window)

    @property
    def ready(self) -> bool:
        return self._intake.is_open

    async def receive(self, accept: Accept) -> None:
        self._window.visitors.key = await self._kept_key()
        try:
            await self._intake.run(accept)
        finally:
            self._window.room.wake_all()

    async def _kept_key(self) -> bytes:
        kept = await self._past.recall(_KEY)
        if not kept:
            kept = secrets.token_hex(32)
            await self._past.note(_KEY, kept)
        return bytes.fromhex(kept)

    async def answer(self, request: Request) -> Response:
        """Raises Unavailable."""
        if not self.ready:
            raise Unavailable
        return await self._desk.answer(request)

    async def send(self, message: Message, key: str) -> Sent:
        """It is in the store already, and its visitor's from this moment on.

        Somebody who has been away finds it, too; but a person's answer should not wait for that.
        """
        visitor = message.to[0].address
        self._window.room.wake(visitor)
        try:
            is_waiting = message.kind == "reply" and await self._window.is_away(visitor)
        except Unavailable as error:
            raise Retry("what was said cannot be read now") from error
        if is_waiting:
            raise Rejected("the visitor has been away; it waits on the page", "window")
        return Sent(message.message_id or key)
