"""What a case looks like to somebody who is about to speak in it by himself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from store import rows, schema, watched
from store.rows import instant

_c, _m, _i, _o = schema.cases.c, schema.messages.c, schema.identities.c, schema.outbox.c
_f, _k = schema.follow_ups.c, schema.customers.c


class Heard(NamedTuple):
    """The customer's last message in a case: how, and to whom, an answer to it goes.

    `language` is the message's, else the one that the customer wrote before; `name` is on record.
    """

    case_id: int
    message: int
    channel: str
    identity_id: int
    address: str
    message_id: str
    references: str
    subject: str
    language: str
    author: str
    failing_since: str | None
    received_at: str
    name: str


class Standing(NamedTuple):
    """A case, the last that its customer said in it, our last word, and what robots said today.

    `promised_by` is by when we last said that a person answers.
    `waiting` are the rules that have yet to fire in it, with their hour.
    `watched_…` is what robots would have said, besides, where they only watch.
    """

    case: rows.Case
    heard: Heard | None
    answered_at: str | None
    automatic_today: int
    surveyed: bool
    promised_by: str | None = None
    waiting: Mapping[str, str] = {}
    watched_today: int = 0
    watched_survey: bool = False


def referenced(connection: Connection, reference: str, now: datetime) -> Standing | None:
    """How the case with this reference stands; None if there is none."""
    wanted = _c.reference == reference.strip().upper()
    found = connection.execute(select(_c.id).where(wanted)).scalar()
    return standing(connection, [found], now)[found] if found is not None else None


def standing(
    connection: Connection, cases: Collection[int], now: datetime, *, watches: bool = False
) -> dict[int, Standing]:
    """How these cases stand, by id; `watches`: with what would have been said."""
    found = [rows.Case(*row) for row in connection.execute(_cases(cases))]
    last = {row.case_id: Heard(*row) for row in connection.execute(_heard(cases))}
    said = {(case, kind): at for case, kind, at in connection.execute(_said(cases))}
    waiting: dict[int, dict[str, str]] = defaultdict(dict)
    for case_id, rule, at in connection.execute(_waiting(cases)):
        waiting[case_id][rule] = at
    spoken = {case.conversation_id for case in found}
    today = automatic_today(connection, spoken, now)
    promised = dict(tuple(row) for row in connection.execute(_promised(cases)))
    would = watched.today(connection, spoken, now) if watches else {}
    asked = watched.surveyed(connection, cases) if watches else set()
    return {
        case.id: Standing(
            case,
            last.get(case.id),
            said.get((case.id, "reply")),
            today.get(case.conversation_id, 0),
            (case.id, "survey") in said,
            promised.get(case.id),
            waiting[case.id],
            would.get(case.conversation_id, 0),
            case.id in asked,
        )
        for case in found
    }


def _cases(cases: Collection[int]) -> Select[Any]:
    return select(schema.cases).where(_c.id.in_(cases))


def _heard(cases: Collection[int]) -> Select[Any]:
    """The customer's own words: neither a participant's, nor what came from nobody's address."""
    last = (
        select(func.max(_m.id))
        .join(schema.cases, _c.id == _m.case_id)
        .join(schema.identities, _i.id == _m.identity_id)
        .where(
            _m.case_id.in_(cases),
            _m.direction == "in",
            _m.kind == "message",
            _i.customer_id == _c.customer_id,
        )
        .group_by(_m.case_id)
    )
    return _words().where(_m.id.in_(last))


def _words() -> Select[Any]:
    language = func.coalesce(func.nullif(_m.language, ""), _k.language)
    return (
        select(
            _m.case_id, _m.id, _m.channel, _i.id, _i.address, _m.message_id, _m.references,
            _m.subject, language, _m.author, _i.failing_since,
            _m.received_at, _k.name,
        )
        .join(schema.identities, _i.id == _m.identity_id)
        .join(schema.customers, _k.id == _i.customer_id)
    )  # fmt: skip


def heard(connection: Connection, message_id: int) -> Heard:
    """One message of a customer."""
    return Heard(*connection.execute(_words().where(_m.id == message_id)).one())


def _waiting(cases: Collection[int]) -> Select[Any]:
    return select(_f.case_id, _f.rule, _f.due_at).where(
        _f.case_id.in_(cases), _f.state == "pending"
    )


def _said(cases: Collection[int]) -> Select[Any]:
    return (
        select(_m.case_id, _m.kind, func.max(_m.received_at))
        .where(_m.case_id.in_(cases), _m.direction == "out", _m.kind.in_(["reply", "survey"]))
        .group_by(_m.case_id, _m.kind)
    )


def _promised(cases: Collection[int]) -> Select[Any]:
    """A later promise is made when an earlier one cannot be kept."""
    return (
        select(_m.case_id, func.max(_m.promised_by))
        .where(_m.case_id.in_(cases), _m.promised_by.is_not(None))
        .group_by(_m.case_id)
    )


def automatic_today(
    connection: Connection, conversations: Collection[int], now: datetime
) -> dict[int, int]:
    """How much we said by ourselves in these conversations within a day."""
    query = (
        select(_o.conversation_id, func.count())
        .where(
            _o.conversation_id.in_(conversations),
            _o.automatic,
            _o.piece == 0,
            _o.created_at > instant(now - timedelta(days=1)),
        )
        .group_by(_o.conversation_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
