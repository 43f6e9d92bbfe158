"""What a visitor comes to fetch: our pages, news, files."""

from __future__ import annotations

from urllib.parse import parse_qs

from channels.base import Request, Response
from channels.web.body import ACCEPTED, Refused
from channels.web.pages import Pages
from channels.web.rates import network
from channels.web.room import nap
from channels.web.said import view
from channels.web.window import Window, data

_LONGEST = 25.0  # seconds that a browser is held; proxies give up after 60
_AGAIN = 15  # seconds after which somebody looks again who found no seat
_WORD = 2.0  # seconds that a thank-you waits for our acknowledgement to be on it


class Reading:
    """Everything that is asked for by GET, but for the script."""

    def __init__(self, window: Window, pages: Pages) -> None:
        self._window, self._pages = window, pages

    async def front(self, request: Request, _: str) -> Response:
        stamps = self._window.gate.stamps
        return self._pages.form(self._window.tongue(request), stamps.make(self._window.clock()))

    async def challenge(self, request: Request, _: str) -> Response:
        """The work that a first message needs, where one is asked for."""
        gate, now = self._window.gate, self._window.clock()
        gate.looks(request, now)
        return data(200, {"stamp": gate.stamps.make(now), "bits": gate.stamps.bits})

    async def news(self, request: Request, _: str) -> Response:
        """What was said; whoever has `seen` it all may `wait` until there is more."""
        window, asked = self._window, _query(request)
        visitor = window.visitor(request)
        window.gate.looks(request, window.clock())
        wait = _seconds(asked.get("wait", ""))
        if not wait:
            return data(200, view(await window.said(visitor)))
        with window.room.seat(visitor, network(request.peer)) as woken:
            shown = view(await window.said(visitor))
            if shown["version"] == asked.get("seen"):
                if woken is None:
                    return data(200, shown | {"again": _AGAIN})
                await nap(woken, wait)
                shown = view(await window.said(visitor))
        return data(200, shown)

    async def file(self, request: Request, sha256: str) -> Response:
        """A file of the visitor's own conversation; a browser shows none as a page of ours."""
        window = self._window
        visitor = window.visitor(request)
        window.gate.looks(request, window.clock())
        files = [file for one in await window.said(visitor) for file in one.files]
        found = next((file for file in files if file.sha256 == sha256), None)
        octets = await window.octets(sha256) if found else None
        if found is None or octets is None:
            raise Refused(404, "nothing")
        kind = found.content_type if found.content_type in ACCEPTED else "application/octet-stream"
        return Response(
            200, octets, (("Content-Type", kind), ("Content-Disposition", "attachment"))
        )

    async def thanks(self, request: Request, _: str) -> Response:
        """For whoever has the address of this page; it only shows."""
        window, asked = self._window, _query(request)
        window.gate.looks(request, window.clock())
        visitor = window.visitors.seen(asked.get("v", ""), asked.get("k", ""))
        window.room.looks(visitor, window.now())
        with window.room.seat(visitor, network(request.peer)) as woken:
            said = await window.said(visitor)
            if woken and not any(one.ours for one in said):
                await nap(woken, _WORD)
                said = await window.said(visitor)
        return self._pages.thanks(window.tongue(request), said)


def _query(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.query[:2000]).items()}


def _seconds(said: str) -> float:
    return min(float(said), _LONGEST) if said.isascii() and said.isdigit() else 0.0
