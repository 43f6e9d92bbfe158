"""What every request passes first: who may come in, HEAD, and the headers of every answer."""

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
# What people look at in a browser, which asks them for a password: the token. Browsers send that
# again by themselves, whoever made them ask; so nothing else takes it, and looking changes nothing.
_LOOKED_AT = frozenset({"/watched", "/v1/promises.svg"})
_BASIC = 'Basic realm="Madoguchi", charset="UTF-8"'


class Gate:
    """Wraps the application; below /v1 and /watched nobody reaches anything without a token."""

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

        if area not in {"v1", "watched"} or await self._admit(scope, finish):
            await self._pass(scope, receive, finish)

    def _client(self, scope: HTTPScope) -> tuple[str, int]:
        host, port = scope["client"] or ("", 0)
        forwarded = Headers(scope["headers"]).getall("x-forwarded-for", [])
        return peer(host, forwarded, self._proxies), port

    async def _admit(self, scope: HTTPScope, send: Send) -> bool:
        client = scope.get("client")
        address = client[0] if client else ""
        # Several are joined, and so are none that we know.
        headers = Headers(scope["headers"])
        authorization = ",".join(headers.getall("authorization", []))
        looks = scope["method"] in {"GET", "HEAD"} and normalize_path(scope["path"]) in _LOOKED_AT
        try:
            token = await self._access.check(authorization, address, basic=looks)
        except Unauthorized as error:
            is_browser = looks and "text/html" in headers.get("accept", "")
            ways = [("WWW-Authenticate", way) for way in ("Bearer", _BASIC)[: 1 + is_browser]]
            await _refuse(send, 401, str(error.__doc__), *ways)
        except TooMany as error:
            await _refuse(send, 429, str(error), ("Retry-After", str(error.after)))
        except StoreUnavailable:
            detail = "The store does not answer at present, so the token cannot be checked."
            await _refuse(send, 503, detail, ("Retry-After", str(RETRY_AFTER)))
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
        if first in {"v1", "watched", "in", "v", "h", "u", "metrics", "healthz", "readyz", "docs"}
        else "other"
    )


def _without_content(send: Send) -> Send:
    async def bare(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {"type": "http.response.body", "body": b"", "more_body": message["more_body"]}
        await send(message)

    return bare


async def _refuse(send: Send, status: int, detail: str, *more: tuple[str, str]) -> None:
    body = msgspec.json.encode(problem(status, detail))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    headers += [(name.lower().encode(), value.encode()) for name, value in more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
