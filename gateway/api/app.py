"""START HERE: the HTTP side. Who watches us is answered here, all others by the application.

That is loaded when somebody first asks for it: where nobody does, it would be 10 MB and a third of a
second of every start.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple, cast

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST

from gateway.api.access import Access
from gateway.api.asgi import Application, Receive, Scope, Send
from gateway.api.gate import Gate, normal
from gateway.api.once import Once
from gateway.api.problem import MEDIA_TYPE, RETRY_AFTER, Unready, not_ready
from gateway.api.reads import Reads
from gateway.api.state import ApiState
from gateway.api.vitals import Health, Readiness, Vitals

__all__ = ["ApiState", "Door", "Readiness"]

_JSON = "application/json"


class _Answer(NamedTuple):
    status: int
    media_type: str
    body: bytes
    more: tuple[tuple[bytes, bytes], ...] = ()


class Door:
    """Everything that is asked over HTTP comes through here, and past the gate."""

    def __init__(self, state: ApiState) -> None:
        self._state = state
        self._reads = Reads(state.store)
        self._vitals = Vitals(state.store, state.ready, state.metrics)
        self._gate = Gate(self._inside, Access(self._reads), state.metrics, state.proxies)
        self._application = Once(self._load)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._gate(scope, receive, send)

    async def prepare(self) -> None:
        """Where platforms call us, load what answers them: they wait for a second or two at most."""
        if self._state.hooks:
            await self._application()

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = None
        with suppress(Exception):  # the application meets it too, and tells of it as of any defect
            answer = await self._of_vitals(scope)
        if answer is None:
            await (await self._application())(scope, receive, send)
            return
        headers = [
            (b"content-type", answer.media_type.encode()),
            (b"content-length", str(len(answer.body)).encode()),
            *answer.more,
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})

    async def _of_vitals(self, scope: Scope) -> _Answer | None:
        """What whoever watches us is told; None for every other request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        match normal(scope["path"]):
            case "/healthz":
                return _Answer(200, _JSON, msgspec.json.encode(Health()))
            case "/readyz":
                return await self._ready()
            case "/metrics":
                return _Answer(200, CONTENT_TYPE_LATEST, self._vitals.measured())
        return None

    async def _ready(self) -> _Answer:
        try:
            return _Answer(200, _JSON, msgspec.json.encode(await self._vitals.well()))
        except Unready as error:
            body = msgspec.json.encode(not_ready(error.missing))
            return _Answer(503, MEDIA_TYPE, body, ((b"retry-after", b"%d" % RETRY_AFTER),))

    def _load(self) -> Application:
        from gateway.api.routes import application

        loaded: Any = application(self._state, self._reads, self._vitals)  # one ASGI, two spellings
        return cast("Application", loaded)
