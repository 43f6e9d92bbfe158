"""START HERE: two customers become one, or identities one of their own, and either is undone.

Each is a link with its evidence, an event, and a trace by which everything goes back.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from gateway.desk.speak import Refused, Who
from gateway.links.depart import Departure, depart
from gateway.matching.place import new_reference
from gateway.record import event_row, storable, to_json
from normalizer.message import Identity
from store import links, rows
from store.known import Changes
from store.links import NOTHING, Move, Party, Trace
from store.rows import instant

Evidence = Literal["proof", "platform", "person"]
Ended = rows.Link | Refused

_NO_CUSTOMER = Refused("There is no customer with this id.", 404)


class Join(NamedTuple):
    """Two identities, by id, that are one person's, and what says so.

    `proof`: the customer showed it; `platform`: a service vouches for both; `person`: one of us
    decided. `why` is for people to read. Without a name in `who`, nobody of us did it.
    """

    kept: int
    other: int
    evidence: Evidence
    why: str
    who: Who


def join(connection: Connection, changes: Changes, wanted: Join) -> Ended | None:
    """Make the customer of `wanted.other` part of the customer of `wanted.kept`.

    In the writer's transaction: `changes` are flushed by the caller, as those of an act; rules that
    take in a message call it by `changes.then`, once their own rows are written. Returns
    the link; None if both are one customer's already; why not, where an identity is gone, or where
    a platform contradicts a person who took the two apart. A proof is newer than that, and counts.
    Never call it on a display name, a From header or a reference: these prove nothing.
    """
    sides = [links.owner(connection, one) for one in (wanted.kept, wanted.other)]
    kept, other = (links.party(connection, one) if one else None for one in sides)
    if kept is None or other is None:
        return Refused("There is no identity with this id.", 404)
    if kept == other:
        return None
    if wanted.evidence == "platform" and _were_parted(connection, kept, other):
        return Refused("A person has taken these two apart.")
    return merge(connection, changes, kept, other, wanted.evidence, wanted.why, wanted.who)


def add(
    connection: Connection, changes: Changes, kept: int, address: Identity, evidence: Evidence,
    why: str, who: Who,
) -> rows.Link | None:  # fmt: skip
    """An address that nobody had so far is that of identity `kept`'s customer; None if it is gone."""
    customer = links.owner(connection, kept)
    party = links.party(connection, customer) if customer else None
    if party is None:
        return None
    new = rows.Identity(
        changes.new_id(), party.customer_id, storable(str(address)), "", None, instant(who.at)
    )
    changes.add(new)
    return _linked(changes, "merge", party, party, Trace((new.id,)), evidence, why, who)


def merge(
    connection: Connection, changes: Changes, kept: Party, other: Party, evidence: Evidence,
    why: str, who: Who,
) -> Ended:  # fmt: skip
    """All of `other` becomes part of `kept`; what was split from it before goes back as it was."""
    if kept.customer_id == other.customer_id:
        return Refused("This is one customer already.")
    for one in (kept, other):
        if not one.identities:
            return Refused(f"Customer {one.customer_id} is part of another one by now.")
    if earlier := _reverse(connection, "split", other, kept, other.identities):
        return _undo(connection, changes, earlier, other, kept, who)
    done = _carry(connection, changes, other, kept, other.identities, who)
    trace = Trace(other.identities, done.cases, guests=done.guests)
    return _linked(changes, "merge", other, kept, trace, evidence, why, who)


def split(
    connection: Connection, changes: Changes, customer_id: int, wanted: Collection[int], why: str,
    who: Who,
) -> Ended:  # fmt: skip
    """Identities become a customer of their own: the one that they were before, if they were one."""
    source = links.party(connection, customer_id)
    if source is None:
        return _NO_CUSTOMER
    leaving = tuple(one for one in source.identities if one in wanted)
    if len(leaving) != len(set(wanted)) or not leaving:
        return Refused("These are not all identities of this customer.")
    if leaving == source.identities:
        return Refused("Nobody would be left; please name some of the identities, not all.")
    home = _home(connection, source, leaving)
    target = home or _newcomer(changes, who)
    earlier = _reverse(connection, "merge", source, target, leaving) if home else None
    before = links.trace(earlier) if earlier else NOTHING
    done = _carry(connection, changes, source, target, leaving, who, before)
    made = tuple(case.id for case in done.opened)
    trace = Trace(leaving, done.cases, done.messages, made, fresh=home is None)
    return _linked(changes, "split", source, target, trace, "person", why, who)


def undo(connection: Connection, changes: Changes, link_id: int, who: Who) -> Ended:
    """Everything that a link moved goes back where it was; what came since goes by its identity."""
    link = links.get(connection, link_id)
    if link is None:
        return Refused("There is no link with this id.", 404)
    source = links.party(connection, link.customer_id)
    target = links.party(connection, link.other_id)
    if why := _hindrance(connection, link, source, target):
        return Refused(why)
    assert source
    assert target
    if source == target:  # it came to us as this customer's
        target = _newcomer(changes, who)
        link = link._replace(other_id=target.customer_id)
    return _undo(connection, changes, link, source, target, who)


def _undo(
    connection: Connection, changes: Changes, link: rows.Link, source: Party, target: Party,
    who: Who,
) -> rows.Link:  # fmt: skip
    before = links.trace(link)
    leaving = tuple(one for one in before.identities if one in source.identities)
    _carry(connection, changes, source, target, leaving, who, before)
    undone = link._replace(undone_at=instant(who.at), undone_by=storable(who.name))
    changed = {"undone_at": undone.undone_at, "undone_by": undone.undone_by}
    changes.update("links", link.id, other_id=undone.other_id, **changed)
    _tell(changes, "link.undone", link, source, target, leaving, who)
    return undone


def _carry(
    connection: Connection, changes: Changes, source: Party, target: Party,
    leaving: tuple[int, ...], who: Who, before: Trace = NOTHING,
) -> Departure:  # fmt: skip
    """Decide what moves, and move it once the rows that are new are written."""

    def new_case(case: rows.Case, side: Party) -> rows.Case:
        return case._replace(
            id=changes.new_id(),
            conversation_id=side.conversation_id,
            customer_id=side.customer_id,
            reference=new_reference(),
            linked_case_id=case.id,
            opened_at=instant(who.at),
        )

    done = depart(links.standing(connection, source, target), leaving, new_case, before)
    for case in done.opened:
        _open(connection, changes, case, who)
    move = Move(source, target, leaving, done.cases, done.messages, before.made, before.fresh)
    changes.then(lambda after, _: links.move(after, move))
    return done


def _open(connection: Connection, changes: Changes, case: rows.Case, who: Who) -> None:
    """A case as the one that it was part of; whoever waits there for us waits here, too."""
    changes.add(case)
    told = {"case_id": case.id, "reference": case.reference, "linked_case_id": case.linked_case_id}
    event_row(changes, "case.opened", case.conversation_id, instant(who.at), **told)
    waits = case.unanswered_since or case.next_update_by
    if waits is None or case.linked_case_id is None:
        return
    for row in links.pending(connection, case.linked_case_id):
        id_ = changes.new_id()
        changes.add(row._replace(id=id_, case_id=case.id, conversation_id=case.conversation_id))


def _newcomer(changes: Changes, who: Who) -> Party:
    at = instant(who.at)
    customer = rows.Customer(changes.new_id(), "", at)
    conversation = rows.Conversation(changes.new_id(), customer.id, at)
    changes.add(customer)
    changes.add(conversation)
    return Party(customer.id, conversation.id, ())


def _linked(
    changes: Changes, kind: str, source: Party, target: Party, trace: Trace, evidence: Evidence,
    why: str, who: Who,
) -> rows.Link:  # fmt: skip
    link = rows.Link(
        id=changes.new_id(),
        kind=kind,
        customer_id=target.customer_id,
        other_id=source.customer_id,
        evidence=evidence,
        why=storable(why),
        by=storable(who.name),
        token=storable(who.token),
        moved=to_json(trace),
        at=instant(who.at),
        undone_at=None,
        undone_by="",
    )
    changes.add(link)
    done = "customer.merged" if kind == "merge" else "customer.split"
    _tell(changes, done, link, source, target, trace.identities, who)
    return link


def _tell(
    changes: Changes, kind: str, link: rows.Link, source: Party, target: Party,
    moved: Collection[int], who: Who,
) -> None:  # fmt: skip
    """Where the identities stand now, and where they stood."""
    event_row(
        changes, kind, target.conversation_id, instant(who.at),
        link_id=link.id, customer_id=target.customer_id, identities=list(moved),
        other_customer_id=source.customer_id, other_conversation_id=source.conversation_id,
        evidence=link.evidence, by=who.name, token=who.token,
    )  # fmt: skip


def _home(connection: Connection, source: Party, leaving: Collection[int]) -> Party | None:
    """The customer that these identities were part of before, if nobody is left there."""
    for link in links.about(connection, [source.customer_id]):
        is_theirs = link.kind == "merge" and link.customer_id == source.customer_id
        stands = is_theirs and link.undone_at is None
        if stands and set(leaving).issubset(links.trace(link).identities):
            found = links.party(connection, link.other_id)
            return found if found and not found.identities else None
    return None


def _reverse(
    connection: Connection, kind: str, source: Party, target: Party, leaving: Collection[int]
) -> rows.Link | None:
    """The link that brought exactly these from `target` to `source`, if it can be undone."""
    for link in links.about(connection, [source.customer_id]):
        sides = (link.customer_id, link.other_id)
        if (
            link.kind == kind
            and sides == (source.customer_id, target.customer_id)
            and links.trace(link).identities == tuple(leaving)
            and not _hindrance(connection, link, source, target)
        ):
            return link
    return None


def _hindrance(
    connection: Connection, link: rows.Link, source: Party | None, target: Party | None
) -> str:
    """Why a link cannot be undone exactly (any more), and what would help; "" if it can."""
    if link.undone_at is not None:
        return "This link is undone already."
    identities = links.trace(link).identities
    for later in links.about(connection, [link.customer_id, link.other_id]):
        if later.id <= link.id or later.undone_at is not None:
            continue
        moved_again = set(identities) & set(links.trace(later).identities)
        home_moved = later.kind == "merge" and later.other_id == link.other_id
        if moved_again or home_moved:
            return f"Link {later.id} came after this one and moved the same; undo that first."
    if source is None or target is None or not set(identities) & set(source.identities):
        return "Nothing of what this link moved is left."
    return ""


def _were_parted(connection: Connection, one: Party, other: Party) -> bool:
    """Whether a person has said that these two are not the same."""
    both = {one.customer_id, other.customer_id}
    return any(
        {link.customer_id, link.other_id} == both
        and (link.kind == "split") == (link.undone_at is None)
        for link in links.about(connection, [one.customer_id])
    )
