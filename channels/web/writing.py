"""Taking in what a visitor writes: nothing is answered well before it is stored."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from urllib.parse import urlencode

from channels.base import Receipt, Request, Response
from channels.web import written as web_written
from channels.web.body import Body, Refused, parse
from channels.web.origin import page_of
from channels.web.said import reference, view
from channels.web.window import Window, data
from normalizer.message import Envelope, Transport
from normalizer.said import Said
from normalizer.web import Written, encode, message_id


class Writing:
    """The form and the chat's messages."""

    def __init__(self, window: Window) -> None:
        self._window = window

    async def chat(self, request: Request, _: str) -> Response:
        """One message of a visitor; the same id again is the same message."""
        window = self._window
        body = self._body(request)
        visitor = window.visitor(request)
        window.gate.speaks(visitor, window.clock())
        if window.gate.stamps.bits and not await window.said(visitor):
            window.gate.proven(body, window.clock())
        written = web_written.of_chat(body, visitor)
        receipt = await self._take(request, written)
        status = 200 if receipt.outcome == "duplicate" else 201
        return data(status, view(await self._said(written)))

    async def form(self, request: Request, _: str) -> Response:
        """A form, by a browser without any script, or by one of the page's own."""
        window = self._window
        body = self._body(request)
        window.gate.filled_in(body, window.clock())
        window.gate.proven(body, window.clock())
        visitor, id_ = self._writer(request, body)
        window.gate.speaks(visitor, window.clock())
        written = web_written.of_form(body, visitor, id_, page_of(request.headers))
        await self._take(request, written)
        known_as = reference(await self._said(written))
        sight = urlencode({"v": visitor, "k": window.visitors.sight(visitor)})
        if wants_page(request):
            return Response(303, b"", (("Location", self._thanks(known_as, sight)),))
        return data(201, {"reference": known_as, "page": f"thanks?{sight}"})

    def _writer(self, request: Request, body: Body) -> tuple[str, str]:
        """Who fills in the form, and what it is called; a page with the chat may say who."""
        window = self._window
        id_ = web_written.named(body.take("_id"))
        if request.headers.get("x-visitor"):
            return window.visitor(request), id_ or secrets.token_hex(16)
        return window.visitors.of_form(body, request.peer, window.clock()), id_ or "form"

    def _body(self, request: Request) -> Body:
        window = self._window
        window.gate.writes(request, window.clock())
        if len(request.body) > window.settings.max_size:
            raise Refused(413, "size")
        return parse(request.headers, request.body, window.settings.max_files)

    async def _take(self, request: Request, written: Written) -> Receipt:
        window = self._window
        receipt = await window.intake.take(
            Envelope(
                channel=window.settings.name,
                format="web",
                raw=encode(written),
                unit=f"{written.visitor}:{written.id}",
                received_at=window.now(),
                transport=Transport(peer=request.peer),
            )
        )
        if receipt.outcome == "refused":
            raise Refused(422, "refused")
        window.room.wake(written.visitor)  # other pages of the same visitor
        return receipt

    async def _said(self, written: Written) -> Sequence[Said]:
        """What was said, with what has just been taken in."""
        known_as = message_id(written.visitor, written.id)
        return await self._window.said_with(written.visitor, known_as)

    def _thanks(self, known_as: str, sight: str) -> str:
        """Where a form leads to: a page of the site's own, or ours, where the answer appears."""
        page = self._window.settings.thanks
        if not page:
            return f"thanks?{sight}"
        start, mark, fragment = page.partition("#")
        return f"{start}{'&' if '?' in start else '?'}reference={known_as}{mark}{fragment}"


def wants_page(request: Request) -> bool:
    """A browser that leaves its page says so; a script takes anything."""
    return "text/html" in request.headers.get("accept", "")
