"""What every request passes first: who may come in, HEAD, and the headers of every answer."""

from __future__ import annotations

import re

import msgspec
from prometheus_client import CollectorRegistry, Counter

from gateway.api.access import Access, TooMany, Unauthorized
from gateway.api.asgi import Application, Message, Receive, Scope, Send
from gateway.api.peer import peer
from gateway.api.problem import MEDIA_TYPE, RETRY_AFTER, problem
from store.engine import StoreUnavailable

_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; sandbox",
    b"cache-control": b"no-store",
}


ADMITTED = "admitted"
# What people look at in a browser, which asks them for a password: the token. Browsers send that
# again by themselves, whoever made them ask; so nothing else takes it, and looking changes nothing.
_LOOKED_AT = frozenset({"/watched", "/v1/promises.svg"})
_SLASHES = re.compile("/{2,}")
_BASIC = 'Basic realm="Madoguchi", charset="UTF-8"'


class Gate:
    """Wraps the application; below /v1 and /watched nobody reaches anything without a token."""

    def __init__(
        self,
        inner: Application,
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
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        area = _area(scope["path"])
        if self._proxies:
            scope = {**scope, "client": self._client(scope)}

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name.lower() for name, _ in message["headers"]}
                missing = [one for one in _HEADERS.items() if one[0] not in said]
                message["headers"] = [*message["headers"], *missing]
                self._answered.labels(area, str(message["status"])).inc()
            await send(message)

        if area not in {"v1", "watched"} or await self._admit(scope, finish):
            await self._pass(scope, receive, finish)

    def _client(self, scope: Scope) -> tuple[str, int]:
        host, port = scope["client"] or ("", 0)
        forwarded = _all(scope, b"x-forwarded-for")
        return peer(host, forwarded, self._proxies), port

    async def _admit(self, scope: Scope, send: Send) -> bool:
        client = scope.get("client")
        address = client[0] if client else ""
        # Several are joined, and so are none that we know.
        authorization = ",".join(_all(scope, b"authorization"))
        looks = scope["method"] in {"GET", "HEAD"} and normal(scope["path"]) in _LOOKED_AT
        try:
            token = await self._access.check(authorization, address, basic=looks)
        except Unauthorized as error:
            is_browser = looks and "text/html" in ",".join(_all(scope, b"accept"))
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

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            # RFC 9110 section 9.3.2: as GET, without the content.
            inner: Scope = {**scope, "method": "GET"}
            await self._inner(inner, receive, _without_content(send))
        else:
            await self._inner(scope, receive, send)


def normal(path: str) -> str:
    """A path as the router sees it, however many slashes it has."""
    return "/" + _SLASHES.sub("/", path.strip("/"))


def _all(scope: Scope, name: bytes) -> list[str]:
    """Every header of that name, which ASGI gives in lower case."""
    return [value.decode("latin-1") for known, value in scope["headers"] if known == name]


def _area(path: str) -> str:
    """The first segment of a path as the router will see it."""
    first = normal(path).split("/")[1]
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
