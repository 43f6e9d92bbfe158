"""What is answered at `/in/NAME` and below, and to whom at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from channels.base import Request, Response
from channels.web import origin as web_origin
from channels.web.body import Refused
from channels.web.gate import Often
from channels.web.pages import Pages
from channels.web.reading import Reading
from channels.web.script import Script
from channels.web.window import Window, data
from channels.web.words import FAULTS
from channels.web.writing import Writing, wants_page

_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 413: "Content Too Large", 415: "Unsupported Media Type",
    422: "Unprocessable Content", 429: "Too Many Requests",
}  # fmt: skip

_Answers = Callable[[Request, str], Awaitable[Response]]


class Desk:
    """One channel's addresses."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._pages, self._script = Pages(window.settings), Script(window.settings)
        reading, writing = Reading(window, self._pages), Writing(window)
        self._routes: dict[tuple[str, str], _Answers] = {
            ("GET", ""): reading.front,
            ("GET", "challenge"): reading.challenge,
            ("GET", "thanks"): reading.thanks,
            ("GET", "messages"): reading.news,
            ("GET", "files"): reading.file,
            ("POST", "messages"): writing.chat,
            ("POST", "form"): writing.form,
        }

    async def answer(self, request: Request) -> Response:
        """Raises Unavailable."""
        place, _, rest = request.path.strip("/").partition("/")
        if rest and place != "files":
            return self._fault(request, Refused(404, "nothing"))
        if (request.method, place) == ("GET", "widget.js"):
            return self._script.answer(request)
        if not web_origin.is_welcome(request.headers, self._window.settings.origins):
            return self._fault(request, Refused(403, "origin"))
        if request.method == "OPTIONS":
            return Response(204, b"", web_origin.preflight(request.headers))
        try:
            answer = await self._found(request.method, place)(request, rest)
        except Refused as refused:
            answer = self._fault(request, refused)
        return answer._replace(headers=(*answer.headers, *web_origin.allowing(request.headers)))

    def _found(self, method: str, place: str) -> _Answers:
        if found := self._routes.get((method, place)):
            return found
        is_known = place in {there for _, there in self._routes}
        raise Refused(405, "method") if is_known else Refused(404, "nothing")

    def _fault(self, request: Request, fault: Refused) -> Response:
        """In words; `why` is for a script, which has words of its own."""
        tongue = self._window.tongue(request)
        after = (("Retry-After", str(fault.after)),) if isinstance(fault, Often) else ()
        if request.method == "POST" and wants_page(request):
            page = self._pages.fault(fault.status, fault.why, tongue)
            return page._replace(headers=(*page.headers, *after))
        told = {"status": fault.status, "title": _TITLES[fault.status], "why": fault.why}
        detail = {"detail": FAULTS[tongue][fault.why]}
        problem = ("Content-Type", "application/problem+json")
        return data(fault.status, told | detail)._replace(headers=(problem, *after))
