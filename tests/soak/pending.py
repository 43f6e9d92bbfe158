"""A store in which very many follow-ups wait: one real case, copied by the database itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, Table, create_engine, text

from store import schema
from store.rows import instant

RULES = """
[[follow_up]]
name = "nudge"
when = "unanswered"
after = "20 days"
send = "nudge"
""" + "".join(
    f'\n[[follow_up]]\nname = "remind {n}"\nwhen = "unanswered"\nafter = "{20 + n} days"\nsend = "nudge"\n'
    for n in (1, 2, 3)
)
A_CASE = 4  # rows that wait in each

_STEP = 64  # ids that one copy may use
_COPIED = {
    schema.customers: "true",
    schema.identities: "true",
    schema.conversations: "true",
    schema.cases: "true",
    schema.messages: "direction = 'in'",
    schema.follow_ups: "state = 'pending'",
}
# What two copies must not share, in the words of both databases.
_OWN = {
    "identities.address": "'email:' || n || '.' || substr(address, 7)",
    "cases.reference": "reference || '-' || n",
    "messages.fingerprint": "fingerprint || '-' || n",
    "messages.message_id": "n || '.' || message_id",
    "follow_ups.due_at": "CASE WHEN rule = 'nudge' AND n <= :due THEN :due_at ELSE due_at END",
}


def copy_case(url: str, cases: int, due: int, due_at: datetime) -> None:
    """Copy the one case of a store so often; the first `due` copies' nudges are due then."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            last = connection.execute(text("SELECT value FROM counters")).scalar_one()
            assert last < _STEP, last
            values = {"cases": cases, "due": due, "due_at": instant(due_at)}
            for table, which in _COPIED.items():
                connection.execute(text(_copy(table, which)), values)
            _advance(connection, (cases + 1) * _STEP)
            if connection.dialect.name == "postgresql":
                connection.execute(text("ANALYZE"))  # which autovacuum does within a minute
    finally:
        engine.dispose()


def _copy(table: Table, which: str) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    values = ", ".join(_value(column) for column in table.columns)
    return f"""
        WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < :cases)
        INSERT INTO {table.name} ({names})
        SELECT {values} FROM {table.name}, series WHERE {which}"""


def _value(column: Column[object]) -> str:
    if column.primary_key or column.foreign_keys:
        return f'"{column.name}" + n * {_STEP}'
    return _OWN.get(f"{column.table.name}.{column.name}", f'"{column.name}"')


def _advance(connection: Connection, last: int) -> None:
    connection.execute(text("UPDATE counters SET value = :last"), {"last": last})
