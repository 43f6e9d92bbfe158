"""The OpenAPI document: made from the routes, once, when somebody asks for it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.types import ControllerRouterHandler

from gateway.api.plain import Plain
from gateway.api.release import release
from gateway.desk import wanted
from gateway.notices import wanted as notices

_ABOUT = """\
One window for every channel. A **conversation** is the one thread of a customer, across all
channels; a **case** is one matter in it; an **event** is a line of what happened.

Lists answer `{"items": […], "next": CURSOR}`: give `next` as `after` to go on, until it is null.
Errors are `application/problem+json`. Send `Authorization: Bearer TOKEN` with everything below `/v1`.
For people with a browser, who give a token as the password, there is the page `/watched`: what would
have been said where `mode` is `watch`.
"""
_TAGS = [
    Tag("conversations", "The one thread of each customer."),
    Tag("customers", "Who is one person, on what evidence, and how that is undone."),
    Tag("cases", "One matter inside a conversation."),
    Tag("messages", "What was written, as we read it and as it came."),
    Tag("events", "What happened, with a cursor that skips nothing."),
    Tag("staff", "Who of us is there, and who stands in."),
    Tag("operation", "For whoever keeps the service running."),
]


_BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
# Requests in which a name that we do not know is an error: somebody's slip of the pen.
_STRICT = {
    name
    for module in (wanted, notices)
    for name, shape in vars(module).items()
    if getattr(shape, "__module__", "") == module.__name__
}


def _operation_id(handler: HTTPRouteHandler, *_: object) -> str:
    return handler.handler_name


def config(name: str) -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer", description="An API token.")
    return OpenAPIConfig(
        title=f"{name} — Madoguchi",
        version=release() or "1",
        description=_ABOUT,
        components=Components(security_schemes={"bearer": bearer}),
        tags=_TAGS,
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        path="/openapi",
    )


def document(routes: Sequence[ControllerRouterHandler], name: str) -> bytes:
    """The JSON document of these routes.

    Litestar serves it together with pages that load from elsewhere, so it is made by an
    application of its own that serves nothing.
    """
    described = Plain(routes, openapi_config=config(name), logging_config=None)
    schema = described.openapi_schema.to_schema()
    for shape, properties in schema["components"]["schemas"].items():
        if shape in _STRICT:
            properties["additionalProperties"] = False
    schema["components"]["schemas"]["Attachment"]["properties"]["data"]["pattern"] = _BASE64
    return msgspec.json.format(msgspec.json.encode(schema), indent=1)
