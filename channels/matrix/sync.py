"""Pure: an answer to /sync, taken apart into rooms, invitations and the next cursor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from normalizer.tables import items, number, table, text_of

Event = dict[str, Any]

_GONE = frozenset({"leave", "ban"})
_LOCKED = frozenset({"m.room.encryption", "m.room.encrypted"})


class Room(NamedTuple):
    """What happened in a room, in its order.

    `before` is where the events before these begin, "" where none are missing. With `moved`,
    somebody came or went. `locked`: what is said there is encrypted. We are no longer in it if
    it was `left`.
    """

    id: str
    events: tuple[Event, ...]
    before: str = ""
    moved: bool = False
    locked: bool = False
    left: bool = False


class Invitation(NamedTuple):
    """Somebody wants us in a room; `direct` is a chat with that one person."""

    room: str
    direct: bool


class Batch(NamedTuple):
    """An answer to /sync; `next` is the cursor behind it."""

    next: str
    rooms: tuple[Room, ...]
    invitations: tuple[Invitation, ...]


def take_apart(said: dict[str, Any], own: str) -> Batch:
    """Whatever it holds; a `next` of "" is no answer of a homeserver's."""
    rooms = table(said.get("rooms"))
    joined = (_room(id_, table(one)) for id_, one in table(rooms.get("join")).items())
    left = (_room(id_, table(one), left=True) for id_, one in table(rooms.get("leave")).items())
    invited = table(rooms.get("invite")).items()
    return Batch(
        text_of(said.get("next_batch")),
        (*joined, *left),
        tuple(Invitation(id_, _is_direct(table(one), own)) for id_, one in invited),
    )


def owing(rooms: Iterable[Room], owed: Mapping[str, str]) -> list[Room]:
    """The rooms of a batch, and those of earlier ones that could not be read, until which cursor."""
    told = {room.id: room for room in rooms}
    for id_, until in owed.items():
        room = told.get(id_) or Room(id_, ())
        told[id_] = room._replace(before=room.before or until)
    return list(told.values())


def _room(id_: str, said: dict[str, Any], *, left: bool = False) -> Room:
    timeline = table(said.get("timeline"))
    events = tuple(_events(timeline))
    is_limited = timeline.get("limited") is True
    state = tuple(_events(table(said.get("state"))))
    # Without a gap the state only tells the names of those who wrote.
    moving = (*state, *events) if is_limited else events
    return Room(
        id_,
        events,
        text_of(timeline.get("prev_batch")) if is_limited else "",
        any(kind_of(event) == "m.room.member" for event in moving),
        any(kind_of(event) in _LOCKED for event in (*state, *events)),
        left,
    )


def _events(held: dict[str, Any]) -> Iterator[Event]:
    return filter(None, map(table, items(held.get("events"))))


def _is_direct(said: dict[str, Any], own: str) -> bool:
    """What the one who invites says of the room, in our own membership (Matrix, module "Direct")."""
    return any(
        kind_of(event) == "m.room.member"
        and event.get("state_key") == own
        and table(event.get("content")).get("is_direct") is True
        for event in _events(table(said.get("invite_state")))
    )


def kind_of(event: Event) -> str:
    return text_of(event.get("type"))


def id_of(event: Event) -> str:
    """Its id; "" for what is no event: ids are at most 255 octets."""
    id_ = text_of(event.get("event_id"))
    return id_ if id_.startswith("$") and id_.isprintable() and len(id_) <= 255 else ""


def sender_of(event: Event) -> str:
    return text_of(event.get("sender"))


def said_at(event: Event) -> datetime | None:
    """By the clock of the writer's homeserver."""
    try:
        return datetime.fromtimestamp(number(event.get("origin_server_ts")) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def concerns(event: Event, own: str) -> bool:
    """Whether somebody else wrote it: words and files, or that they left us, or came back."""
    if not id_of(event) or sender_of(event) in {own, ""}:
        return False
    if "state_key" not in event:
        return True
    return kind_of(event) == "m.room.member" and _is_farewell_or_return(event, own)


def _is_farewell_or_return(event: Event, own: str) -> bool:
    whose, now = text_of(event.get("state_key")), _membership(event.get("content"))
    earlier = _membership(table(event.get("unsigned")).get("prev_content"))
    if now in _GONE:
        return whose in {own, sender_of(event)} and earlier == "join"
    return now == "join" and earlier in _GONE and whose == sender_of(event)


def is_farewell(event: Event) -> bool:
    return kind_of(event) == "m.room.member" and _membership(event.get("content")) in _GONE


def _membership(content: Any) -> str:
    return text_of(table(content).get("membership"))
