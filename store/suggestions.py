"""Who else a customer may be: weak evidence for a person to look at, on which nothing is joined.

Display names, and addresses and numbers that somebody typed, are anybody's to write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Connection, select

from store import links, persons, schema
from store.links import Party

_MOST = 20  # suggestions
_LOOKED_AT = 50  # messages of the customer, from the newest
_MOST_NAMED = 200  # addresses that are looked up
_SHORTEST_NAME = 4  # characters; `Ken` is nobody

_i, _m = schema.identities.c, schema.messages.c
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_NUMBER = re.compile(r"\+?\d[\d ()-]{7,20}\d")

NAME, TYPED, FORM = "the same display name", "an address or number in a text", "a field of a form"


def suggested(
    connection: Connection, party: Party, kinds: Collection[str]
) -> list[persons.Suggestion]:
    """Identities of others that may be this customer's; not those that a person has taken apart.

    A number that was typed is looked for among all `kinds` of identity.
    """
    apart = {
        customer
        for link in links.about(connection, [party.customer_id])
        if (link.kind == "split") == (link.undone_at is None)
        for customer in (link.customer_id, link.other_id)
    }
    found: dict[int, persons.Suggestion] = {}
    for one in (*_by_word(connection, party, kinds), *_by_name(connection, party)):
        if one.customer_id not in apart:
            found.setdefault(one.identity_id, one)
    return list(found.values())[:_MOST]


def _by_name(connection: Connection, party: Party) -> Iterator[persons.Suggestion]:
    own = select(_i.name).where(_i.customer_id == party.customer_id)
    names = {name for name in connection.execute(own).scalars() if len(name) >= _SHORTEST_NAME}
    yield from _others(connection, party, _i.name.in_(sorted(names)), NAME)


def _by_word(
    connection: Connection, party: Party, kinds: Collection[str]
) -> Iterator[persons.Suggestion]:
    """What the customer typed, or a form has in a field."""
    query = (
        select(_m.text, _m.author, _m.reading)
        .where(
            _m.conversation_id == party.conversation_id,
            _m.direction == "in",
            _m.identity_id.in_(party.identities),
        )
        .order_by(_m.id.desc())
        .limit(_LOOKED_AT)
    )
    typed: dict[str, str] = {}
    for text, author, reading in connection.execute(query):
        fields = json.loads(reading).get("form", {})
        for value in fields.values():
            typed |= {one: typed.get(one, FORM) for one in _named(str(value), kinds)}
        claims = json.loads(author).get("claims", ())
        typed |= {claim[1]: typed.get(claim[1], FORM) for claim in claims if claim[0] == "form"}
        typed |= {one: typed.get(one, TYPED) for one in _named(text, kinds)}
    for reason in (FORM, TYPED):
        some = [one for one, why in typed.items() if why == reason][:_MOST_NAMED]
        yield from _others(connection, party, _i.address.in_(some), reason)


def _named(text: str, kinds: Collection[str]) -> Iterable[str]:
    """The identities that a text may speak of."""
    for found in _MAIL.findall(text):
        yield f"email:{found.lower()}"
    for found in _NUMBER.findall(text):
        digits = re.sub(r"\D", "", found)
        for kind in kinds:
            yield f"{kind}:+{digits}"
            yield f"{kind}:{digits}"


def _others(
    connection: Connection, party: Party, where: object, reason: str
) -> Iterator[persons.Suggestion]:
    query = select(_i.id, _i.address, _i.name, _i.customer_id).where(
        where,  # type: ignore[arg-type]  # a clause over identities
        _i.customer_id != party.customer_id,
    )
    for row in connection.execute(query.order_by(_i.id).limit(_MOST)):
        yield persons.Suggestion(
            identity_id=row.id,
            address=row.address,
            name=row.name,
            customer_id=row.customer_id,
            reason=reason,
        )
