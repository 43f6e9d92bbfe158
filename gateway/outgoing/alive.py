"""Pure: whether what we send to an author comes back."""

from __future__ import annotations

from gateway import record
from store.known import Arrival, Changes, Known, Person
from store.rows import instant


def is_failing(known: Known, arrival: Arrival, person: Person | None, changes: Changes) -> bool:
    """Whether mail to the author comes back; who writes to us, and surely so, is alive again."""
    address = str(arrival.author.identity)
    if person is None or not person.failing:
        return False
    if not arrival.author.authenticated or arrival.history:
        return True
    changes.update("identities", person.identity_id, failing_since=None)
    known.people[address] = person._replace(failing=False)
    record.event_row(
        changes, "address.alive", person.conversation_id, instant(arrival.at),
        identity_id=person.identity_id, address=address,
    )  # fmt: skip
    return False
