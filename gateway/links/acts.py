"""What a person decides about who is one person, as one request in one transaction."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.desk.acts import Act
from gateway.desk.speak import Refused, Who
from gateway.desk.wanted import Merge, Split
from gateway.links import join
from store import customers, links, persons
from store.known import Changes

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


def _shown(ended: join.Ended) -> persons.Link | Refused:
    return ended if isinstance(ended, Refused) else customers.link(ended)
