"""Every address but the probes, with what it is lent; loaded when somebody first asks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Litestar, Router
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.types import ControllerRouterHandler

from gateway.api import courtesy, front, helping, probes, unsubscribe, voting
from gateway.api.errors import HANDLERS
from gateway.api.front import Front
from gateway.api.gate import ADMITTED
from gateway.api.helping import Helping
from gateway.api.hooks import hook
from gateway.api.plain import Plain
from gateway.api.reads import Reads
from gateway.api.state import ApiState, Hooks
from gateway.api.unsubscribe import Leaving
from gateway.api.v1 import (
    apart,
    conversations,
    customers,
    drafts,
    guests,
    messages,
    notices,
    promising,
    replies,
    reports,
    speaking,
    staff,
    waiting,
    watching,
)
from gateway.api.v1.watching import Watching
from gateway.api.vitals import Vitals
from gateway.api.voting import Voting
from gateway.api.writes import MAX_BODY, admitted, writing
from store.engine import StoreUnavailable

_V1: list[ControllerRouterHandler] = [
    conversations.list_conversations,
    conversations.get_conversation,
    conversations.list_cases,
    conversations.get_case,
    conversations.list_events,
    messages.get_message,
    messages.get_raw,
    messages.get_part,
    apart.list_apart,
    apart.release_spam,
    speaking.post_reply,
    speaking.post_note,
    speaking.post_ask,
    speaking.patch_case,
    speaking.post_case,
    *customers.ROUTES,
    drafts.list_drafts,
    drafts.send_draft,
    drafts.drop_draft,
    watching.list_watched,
    waiting.list_follow_ups,
    waiting.patch_follow_up,
    staff.list_staff,
    staff.put_absence,
    staff.delete_absence,
    guests.post_participant,
    guests.delete_participant,
    reports.count_surveys,
    replies.list_replies,
    replies.preview_reply,
    promising.count_promises,
    promising.draw_promises,
]


def application(state: ApiState, reads: Reads, vitals: Vitals) -> Litestar:
    """The application behind the gate."""
    routes = _documented(reads, vitals, state)
    pages = Front(state.name, notices=bool(state.announcing))
    return Plain(
        route_handlers=[
            *routes,
            _pages(pages, vitals),
            _for_people(state, reads),
            _called(state.hooks),
            _for_customers(state, reads),
        ],
        exception_handlers=HANDLERS,
        openapi_config=None,
        logging_config=None,
    )


def described(*, notices: bool) -> list[ControllerRouterHandler]:
    """The routes as the OpenAPI document describes them, with nothing behind them."""
    nobody: Any = None
    announcing: Any = notices
    state = ApiState(nobody, nobody, nobody, "", nobody, nobody, nobody, announcing=announcing)
    return _documented(nobody, nobody, state)


def _documented(reads: Reads, vitals: Vitals, state: ApiState) -> list[ControllerRouterHandler]:
    write = writing(state.store, state.desk, state.clock, state.committed)

    def now() -> datetime:
        return state.clock()

    v1 = Router(
        "/v1",
        route_handlers=[*_V1, *(notices.ROUTES if state.announcing else ())],
        dependencies={
            "reads": Provide(lambda: reads, sync_to_thread=False),
            "write": Provide(write, sync_to_thread=False),
            "token": Provide(admitted, sync_to_thread=False),
            "desk": Provide(lambda: state.desk, sync_to_thread=False),
            "now": Provide(now, sync_to_thread=False),
            "release": Provide(lambda: state.release, sync_to_thread=False),
            "zone": Provide(lambda: state.zone, sync_to_thread=False),
            "absences": Provide(lambda: state.absences, sync_to_thread=False),
            "announcing": Provide(lambda: state.announcing, sync_to_thread=False),
        },
        request_max_body_size=MAX_BODY,
        guards=[_passed_the_gate],
        security=[{"bearer": []}],
    )
    operation = Router(
        "/",
        route_handlers=[probes.healthz, probes.readyz, probes.metrics],
        dependencies={"vitals": Provide(lambda: vitals, sync_to_thread=False)},
    )
    return [v1, operation]


def _pages(pages: Front, vitals: Vitals) -> Router:
    return Router(
        "/",
        route_handlers=[front.home, front.docs, front.openapi],
        dependencies={
            "front": Provide(lambda: pages, sync_to_thread=False),
            "vitals": Provide(lambda: vitals, sync_to_thread=False),
        },
    )


def _for_people(state: ApiState, reads: Reads) -> Router:
    """What our people look at in a browser, behind the same token."""
    shows = Watching(reads, state.clock, state.name, state.zone, state.language)
    return Router(
        "/",
        route_handlers=[watching.show_watched],
        dependencies={"watching": Provide(lambda: shows, sync_to_thread=False)},
        guards=[_passed_the_gate],
    )


def _called(hooks: Hooks) -> Router:
    return Router(
        "/",
        route_handlers=[hook],
        dependencies={"hooks": Provide(lambda: hooks, sync_to_thread=False)},
        request_max_body_size=None,  # each channel says itself how much it takes
    )


def _for_customers(state: ApiState, reads: Reads) -> Router:
    asks = Voting(
        reads, state.store, state.desk, state.clock, state.name, state.zone, state.committed
    )
    entries = {entry.name: entry for entry in state.faq}
    helps = Helping(reads, state.store, state.desk, state.clock, state.name, entries, state.helped)
    leaving = Leaving(reads, state.store, state.desk, state.clock, state.name)
    pages = (voting.look, voting.answer, helping.ask, helping.tell)
    return Router(
        "/",
        route_handlers=[*pages, unsubscribe.look, unsubscribe.leave],
        dependencies={
            "voting": Provide(lambda: asks, sync_to_thread=False),
            "helping": Provide(lambda: helps, sync_to_thread=False),
            "leaving": Provide(lambda: leaving, sync_to_thread=False),
        },
        request_max_body_size=None,  # a form says itself how much it takes
        exception_handlers={StoreUnavailable: courtesy.unavailable},
    )


def _passed_the_gate(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """However a path is spelled: what has not been checked before is not answered here."""
    if not connection.scope["state"].get(ADMITTED):
        raise NotAuthorizedException(headers={"WWW-Authenticate": "Bearer"})
