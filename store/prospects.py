"""What is known of the people whom a notice is for, before somebody decides about each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from store import consents, notices, rows, schema
from store.cases import automatic_today
from store.notices import Recipient

_m, _i, _k = schema.messages.c, schema.identities.c, schema.cases.c
_c, _u = schema.conversations.c, schema.customers.c


class Heard(NamedTuple):
    """The last word of a person from one identity: where an answer to it would go."""

    id: int
    identity_id: int
    address: str
    failing: bool
    channel: str
    authenticated: bool
    language: str


class Prospect(NamedTuple):
    """A recipient; `heard` is the newest first, `agreed` what they said of promotions, and
    `agreeing` the identities for which they said yes.
    """

    customer_id: int
    conversation_id: int
    language: str
    case: rows.Case | None
    heard: tuple[Heard, ...]
    agreed: bool | None
    agreeing: frozenset[int]
    automatic_today: int
    told: bool


def prospects(
    connection: Connection, notice_id: int, recipients: Sequence[Recipient], now: datetime
) -> list[Prospect]:
    """The facts about these recipients, in their order; `notice_id` 0 is a notice yet to come."""
    customers = [one.customer_id for one in recipients]
    behind = {row[0]: (row[1], row[2]) for row in connection.execute(_conversations(customers))}
    identities = defaultdict[int, list[int]](list)
    for identity, owner in connection.execute(
        select(_i.id, _i.customer_id).where(_i.customer_id.in_(customers))
    ):
        identities[owner].append(identity)
    everybody = [one for own in identities.values() for one in own]
    heard = _heard(connection, [conversation for conversation, _ in behind.values()])
    said = consents.latest(connection, everybody)
    told = notices.told(connection, notice_id, everybody)
    today = automatic_today(connection, {one for one, _ in behind.values()}, now)
    cases = _cases(connection, [one.case_id for one in recipients if one.case_id])
    return [
        Prospect(
            one.customer_id,
            behind[one.customer_id][0],
            behind[one.customer_id][1],
            case if (case := cases.get(one.case_id or 0)) and case.customer_id == one.customer_id else None,
            tuple(heard[one.customer_id]),
            consents.agreed([said[i] for i in identities[one.customer_id] if i in said]),
            frozenset(i for i in identities[one.customer_id] if said.get(i)),
            today.get(behind[one.customer_id][0], 0),
            not told.isdisjoint(identities[one.customer_id]),
        )
        for one in recipients
        if one.customer_id in behind
    ]  # fmt: skip


def _conversations(customers: Collection[int]) -> Select[Any]:
    return (
        select(_c.customer_id, _c.id, _u.language)
        .join(schema.customers, _u.id == _c.customer_id)
        .where(_c.customer_id.in_(customers))
    )


def _cases(connection: Connection, ids: Collection[int]) -> dict[int, rows.Case]:
    query = select(schema.cases).where(_k.id.in_(ids))
    found = (rows.Case(*row) for row in connection.execute(query))
    return {case.id: case for case in found}


def _heard(connection: Connection, conversations: Collection[int]) -> dict[int, list[Heard]]:
    """By customer, the last word from each identity that no robot said."""
    last = (
        select(func.max(_m.id))
        .where(
            _m.conversation_id.in_(conversations),
            _m.direction == "in",
            _m.kind == "message",
            _m.status == "stored",
            _m.reading.not_like('%"is_auto":true%'),
        )
        .group_by(_m.conversation_id, _m.identity_id)
    )
    query = (
        select(
            _i.customer_id, _m.id, _i.id, _i.address, _i.failing_since, _m.channel, _m.author,
            _m.language,
        )
        .join(schema.identities, _i.id == _m.identity_id)
        .join(schema.conversations, _c.id == _m.conversation_id)
        .where(_m.id.in_(last), _c.customer_id == _i.customer_id)
        .order_by(_m.id.desc())
    )  # fmt: skip
    found = defaultdict[int, list[Heard]](list)
    for customer, id_, identity, address, failing, channel, author, language in connection.execute(
        query
    ):
        known = bool(json.loads(author).get("authenticated"))
        found[customer].append(
            Heard(id_, identity, address, failing is not None, channel, known, language)
        )
    return found
