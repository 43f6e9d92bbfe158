"""A person's decision on who else writes in a case: let somebody in, or show him out."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.desk.acts import Act
from gateway.desk.speak import Desk, Refused, Who, identity, only_channel, tell
from gateway.desk.wanted import Guest
from gateway.matching.author import is_ours
from gateway.record import storable
from gateway.words import clean_line
from store import desk as facts_of
from store import doors, rows, shapes
from store.desk import Known
from store.known import Changes
from store.rows import instant

SAID_SO = "a person said so"
_NOTHING = Refused("There is nothing with this id.", 404)


def let_in(desk: Desk, case_id: int, wanted: Guest, who: Who) -> Act[shapes.Participant]:
    """Make the owner of an address a participant; who is one already stays as he is."""

    def act(connection: Connection, changes: Changes) -> shapes.Participant | Refused:
        facts = facts_of.facts(connection, case_id)
        if facts is None:
            return _NOTHING
        person = _person(connection, desk, wanted, who, changes)
        if isinstance(person, Refused):
            return person
        if person.customer_id == facts.case.customer_id:
            return Refused("This is an address of the case's own customer.")
        before = doors.participant(connection, case_id, person.id)
        if before and before.removed_at is None:
            return _shown(before, person)
        row = rows.Participant(
            before.id if before else changes.new_id(),
            case_id, person.id, SAID_SO, instant(who.at), None,
        )  # fmt: skip
        if before:
            changed = {"evidence": SAID_SO, "added_at": row.added_at, "removed_at": None}
            changes.update("participants", row.id, **changed)
        else:
            changes.add(row)
        tell(changes, "participant.added", facts.case, who, identity_id=person.id)
        return _shown(row, person)

    return act


def show_out(case_id: int, identity_id: int, who: Who) -> Act[shapes.Participant]:
    """End it, for good: a token of ours lets him in no more, only a person does."""

    def act(connection: Connection, changes: Changes) -> shapes.Participant | Refused:
        facts = facts_of.facts(connection, case_id)
        row = doors.participant(connection, case_id, identity_id)
        person = facts_of.person(connection, identity_id)
        if facts is None or row is None or person is None or row.removed_at is not None:
            return _NOTHING
        changes.update("participants", row.id, removed_at=instant(who.at))
        tell(changes, "participant.removed", facts.case, who, identity_id=identity_id)
        return _shown(row, person)

    return act


def _person(
    connection: Connection, desk: Desk, wanted: Guest, who: Who, changes: Changes
) -> Known | Refused:
    settings = only_channel(desk, wanted.channel)
    if isinstance(settings, Refused):
        return settings
    address = identity(desk, settings, wanted.address)
    if storable(str(address)) != str(address) or not address.address:
        return Refused("This is no address.")
    if why := settings.refuses(address.address):
        return Refused(why)
    if is_ours(address, desk.own):
        return Refused(f"{address.address} is one of our own addresses.")
    known = facts_of.addressed(connection, [str(address)]).get(str(address))
    return known or _newcomer(str(address), wanted, who, changes)


def _newcomer(address: str, wanted: Guest, who: Who, changes: Changes) -> Known:
    """Somebody who never wrote is a customer of his own, as he would be by writing."""
    at, name = instant(who.at), storable(clean_line(wanted.name, 100))
    customer = rows.Customer(changes.new_id(), "", at)
    person = rows.Identity(changes.new_id(), customer.id, address, name, None, at)
    conversation = rows.Conversation(changes.new_id(), customer.id, at)
    for row in (customer, person, conversation):
        changes.add(row)
    return Known(person.id, customer.id, conversation.id, address, name, failing=False)


def _shown(row: rows.Participant, person: Known) -> shapes.Participant:
    return shapes.Participant(
        case_id=row.case_id,
        identity_id=row.identity_id,
        address=person.address,
        name=person.name,
        evidence=row.evidence,
        added_at=row.added_at,
    )
