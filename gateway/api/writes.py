"""Writing to the store for requests: each once, also when it is asked for again."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from litestar import Request
from litestar.params import HeaderParameter
from sqlalchemy import Connection

from gateway.api.gate import ADMITTED
from gateway.api.problem import Impossible
from gateway.desk.acts import Act
from gateway.desk.speak import Desk, File, Refused, Who
from gateway.desk.wanted import MAX_HTML, MAX_OCTETS, Attachment, Letter, Wanted
from store import requests
from store.engine import StoreUnavailable
from store.known import Changes
from store.store import Store
from store.tokens import Token

T = TypeVar("T", bound=msgspec.Struct)

PATIENCE = 10.0  # seconds
MAX_BODY = 32 * 2**20  # octets: the largest attachments as base64, and room for the words
NOBODY = Wanted()  # a request without a body

Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key and body again, within a week: the same answer, nothing done twice.",
    ),
]
_HTML = "text/html; charset=utf-8"
_REUSED = Refused("This Idempotency-Key came before, with another request.")


@dataclass(frozen=True, slots=True)
class Write:
    """`await write(act, body, shape)`: what one request asks for, done once, however often it comes.

    Raises Impossible and StoreUnavailable; `committed(channel)` wakes delivery. `what` names the
    request, `token` is whose it is, and `key` what it calls itself, if anything.
    """

    store: Store
    desk: Desk
    clock: Callable[[], datetime]
    committed: Callable[[str], None]
    what: str
    token: Token
    key: str | None

    def who(self, body: Wanted = NOBODY) -> Who:
        return Who(body.by.strip() or self.token.name, self.token.name, self.clock())

    async def __call__(
        self, act: Act[T], body: Wanted, shape: type[T], patience: float = PATIENCE
    ) -> T:
        """Do it in one transaction; a request that was answered before gets the same answer."""
        at = self.clock()

        def once(connection: Connection, changes: Changes) -> T | Refused:
            before = requests.answered(connection, self._stored_key) if self.key else None
            if before:
                digest, answer = before
                same = digest == self._digest(body)
                return msgspec.json.decode(answer, type=shape) if same else _REUSED
            done = act(connection, changes)
            if self.key and not isinstance(done, Refused):
                answer = msgspec.json.encode(done).decode()
                kept = (self._stored_key, self._digest(body), answer, at)
                requests.remember(connection, changes, *kept)
            return done

        done: T | Refused = await _patiently(self.store.change(once), patience)
        if isinstance(done, Refused):
            raise Impossible(done.detail, done.status)
        for channel in self.desk.channels:
            self.committed(channel)
        return done

    def _digest(self, body: Wanted) -> str:
        return hashlib.sha256(f"{self.what}\n".encode() + msgspec.json.encode(body)).hexdigest()

    @property
    def _stored_key(self) -> str:
        """Keys are each token's own."""
        return hashlib.sha256(f"{self.token.id}\n{self.key}".encode()).hexdigest()

    async def files(self, body: Letter) -> tuple[File, ...]:
        """Attachments and HTML, ready to be pointed to."""
        if sum(len(one.data) for one in body.attachments) > MAX_OCTETS:
            raise Impossible(f"All attachments together may have {MAX_OCTETS >> 20} MiB.", 413)
        files = [await self._file(one) for one in body.attachments]
        if page := body.html.encode("utf-8", "replace"):
            if len(page) > MAX_HTML:
                raise Impossible(f"HTML may have {MAX_HTML >> 10} KiB.", 413)
            raw = await self.store.put(page)
            files.append(File("html", _HTML, "", raw))
        return tuple(files)

    async def _file(self, one: Attachment) -> File:
        role: Literal["inline", "attachment"] = "inline" if one.content_id else "attachment"
        raw = await self.store.put(one.data)
        return File(role, one.content_type, one.filename, raw, one.content_id)


def admitted(request: Request[Any, Any, Any]) -> Token:
    """Whose request this is; the gate let only those in who showed a token."""
    token: Token = request.scope["state"][ADMITTED]
    return token


def writing(
    store: Store, desk: Desk, clock: Callable[[], datetime], committed: Callable[[str], None]
) -> Callable[..., Write]:
    """What makes the `write` of each request."""

    def write(request: Request[Any, Any, Any], idempotency_key: Key = None) -> Write:
        what = f"{request.method} {request.url.path}"
        return Write(store, desk, clock, committed, what, admitted(request), idempotency_key)

    return write


async def _patiently(work: Awaitable[T | Refused], patience: float) -> T | Refused:
    try:
        async with asyncio.timeout(patience):
            return await work
    except TimeoutError:
        raise StoreUnavailable("the store takes too long to answer") from None
