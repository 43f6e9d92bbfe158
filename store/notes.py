"""Small things that somebody has to remember: a text by whose it is and its name."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select, update

from store import schema

_n = schema.notes.c


def recall(connection: Connection, whose: str, name: str) -> str:
    """What was noted last; "" for nothing."""
    query = select(_n.value).where(_n.channel == whose, _n.name == name)
    found: str | None = connection.execute(query).scalar()
    return found or ""


def forget(connection: Connection, identity: str) -> None:
    """Drop what channels have noted of somebody: notes whose names end in the address."""
    _, _, address = identity.partition(":")
    end = func.substr(_n.name, func.length(_n.name) - len(address))
    theirs = delete(schema.notes).where(_n.channel != "", end == f":{address}")
    connection.execute(theirs)


def note(connection: Connection, id_: int, whose: str, name: str, value: str) -> None:
    """Note a text in place of the last; `id_` is for a first one."""
    mine = (_n.channel == whose, _n.name == name)
    if not connection.execute(update(schema.notes).where(*mine).values(value=value)).rowcount:
        row = {"id": id_, "channel": whose, "name": name, "value": value}
        connection.execute(schema.notes.insert().values(row))
