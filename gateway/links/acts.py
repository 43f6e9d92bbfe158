"""What a person decides about who is one person, as one request in one transaction."""

from __future__ import annotations

from msgspec.structs import replace
from sqlalchemy import Connection

from gateway.desk.acts import Act
from gateway.desk.speak import Refused, Who
from gateway.desk.wanted import Merge, Named, Split
from gateway.links import join
from gateway.record import event_row, storable
from gateway.words import clean_line
from store import customers, erasure, links, persons
from store.blobs import Blobs
from store.known import Changes
from store.rows import instant

_NOTHING = Refused("There is no customer with this id.", 404)


def merge(customer_id: int, wanted: Merge, who: Who) -> Act[persons.Link]:
    """The other customer becomes part of this one."""

    def act(connection: Connection, changes: Changes) -> persons.Link | Refused:
        kept = links.party(connection, customer_id)
        other = links.party(connection, wanted.customer)
        if kept is None:
            return _NOTHING
        if other is None:
            return Refused(f"There is no customer {wanted.customer}.")
        return _shown(join.merge(connection, changes, kept, other, "person", wanted.why, who))

    return act


def name(customer_id: int, wanted: Named, who: Who) -> Act[persons.CustomerView]:
    """From now on we address a customer so, wherever somebody vouches for who writes."""

    def act(connection: Connection, changes: Changes) -> persons.CustomerView | Refused:
        view = customers.customer(connection, customer_id)
        if view is None:
            return _NOTHING
        after = replace(view, name=storable(clean_line(wanted.name, 100)))
        if after.name != view.name:
            changes.update("customers", customer_id, name=after.name)
            event_row(
                changes, "customer.changed", view.conversation_id, instant(who.at),
                customer_id=customer_id, before={"name": view.name}, after={"name": after.name},
                by=who.name, token=who.token,
            )  # fmt: skip
        return after

    return act


def split(customer_id: int, wanted: Split, who: Who) -> Act[persons.Link]:
    """Some identities become a customer of their own."""

    def act(connection: Connection, changes: Changes) -> persons.Link | Refused:
        named = customers.named(connection, customer_id, wanted.identities)
        if links.party(connection, customer_id) is None:
            return _NOTHING
        if len(named) != len(set(wanted.identities)):
            return Refused("These are not all identities of this customer.")
        return _shown(join.split(connection, changes, customer_id, named, wanted.why, who))

    return act


def undo(link_id: int, who: Who) -> Act[persons.Link]:
    """What a link moved goes back."""

    def act(connection: Connection, changes: Changes) -> persons.Link | Refused:
        return _shown(join.undo(connection, changes, link_id, who))

    return act


def erase(customer_id: int, blobs: Blobs, who: Who) -> Act[persons.Erased]:
    """Delete a customer; what stays is that it happened, and by whom.

    The files go before the commit: should that fail, the request is made again, and nothing that
    was to be erased is left on the disk without a row.
    """

    def act(connection: Connection, changes: Changes) -> persons.Erased | Refused:
        party = links.party(connection, customer_id)
        if party is None:
            return _NOTHING
        if not party.identities:
            return Refused("This customer is part of another one; undo that, or erase the other.")
        gone = erasure.erase(connection, party)
        for one in gone.files:
            blobs.remove(one)
        event_row(
            changes, "customer.erased", gone.conversation_id, instant(who.at),
            customer_id=customer_id, messages=gone.messages, by=who.name, token=who.token,
        )  # fmt: skip
        return persons.Erased(customer_id=customer_id, messages=gone.messages)

    return act


def _shown(ended: join.Ended) -> persons.Link | Refused:
    return ended if isinstance(ended, Refused) else customers.link(ended)
