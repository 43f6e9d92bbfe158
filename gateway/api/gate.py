"""What every request passes first: the token below /v1, HEAD, and the headers of every answer."""

from __future__ import annotations

import msgspec
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from litestar.utils.path import normalize_path
from prometheus_client import CollectorRegistry, Counter

from gateway.api.access import Access, TooMany, Unauthorized
from gateway.api.peer import peer
from gateway.api.problems import MEDIA_TYPE, RETRY_AFTER, problem
from store.engine import StoreUnavailable

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cache-Control": "no-store",
}


ADMITTED = "admitted"


class Gate:
    """Wraps the application; nothing below /v1 is reached, not even an error, without a token."""

    def __init__(
        self,
        inner: ASGIApp,
        access: Access,
        metrics: CollectorRegistry,
        proxies: tuple[str, ...] = (),
    ) -> None:
        self._inner = inner
        self._proxies = proxies
        self._access = access
        self._answered = Counter(
            "madoguchi_http_requests", "Requests answered.", ["area", "status"], registry=metrics
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._inner(scope, receive, send)
            return
        area = _area(scope["path"])
        if self._proxies:
            scope = {**scope, "client": self._client(scope)}

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                self._answered.labels(area, str(message["status"])).inc()
            await send(message)

        if area != "v1" or await self._admit(scope, finish):
            await self._pass(scope, receive, finish)

    def _client(self, scope: HTTPScope) -> tuple[str, int]:
        host, port = scope["client"] or ("", 0)
        forwarded = Headers(scope["headers"]).getall("x-forwarded-for", [])
        return peer(host, forwarded, self._proxies), port

    async def _admit(self, scope: HTTPScope, send: Send) -> bool:
        client = scope.get("client")
        address = client[0] if client else ""
        # Several are joined, and so are none that we know.
        authorization = ",".join(Headers(scope["headers"]).getall("authorization", []))
        try:
            token = await self._access.check(authorization, address)
        except Unauthorized as error:
            await _refuse(send, 401, str(error.__doc__), "WWW-Authenticate", "Bearer")
        except TooMany as error:
            await _refuse(send, 429, str(error), "Retry-After", str(error.after))
        except StoreUnavailable:
            detail = "The store does not answer at present, so the token cannot be checked."
            await _refuse(send, 503, detail, "Retry-After", str(RETRY_AFTER))
        else:
            scope.setdefault("state", {})[ADMITTED] = token
            return True
        return False

    async def _pass(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            # RFC 9110 section 9.3.2: as GET, without the content.
            inner: HTTPScope = {**scope, "method": "GET"}
            await self._inner(inner, receive, _without_content(send))
        else:
            await self._inner(scope, receive, send)


def _area(path: str) -> str:
    """The first segment of a path as the router will see it."""
    first = normalize_path(path).split("/")[1]
    return (
        first
        if first in {"v1", "in", "v", "h", "u", "metrics", "healthz", "readyz", "docs"}
        else "other"
    )


def _without_content(send: Send) -> Send:
    async def bare(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {"type": "http.response.body", "body": b"", "more_body": message["more_body"]}
        await send(message)

    return bare


async def _refuse(send: Send, status: int, detail: str, *header: str) -> None:
    body = msgspec.json.encode(problem(status, detail))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    if header:
        name, value = header
        headers.append((name.lower().encode(), value.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
