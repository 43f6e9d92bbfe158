"""Typed rows, INSERT statements and views fit the tables that they are about."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from sqlalchemy import Connection, inspect, select, text

from store import rows
from store.bulk import insert
from store.known import Changes
from store.rows import TABLES, instant, moment
from store.store import Store
from tests.store.house import NOON, arrival, ask

PROMISED = {
    "v_messages": "id conversation_id case_id customer_id channel direction kind subject text"
    " reply_text message_id status received_at",
    "v_cases": "id conversation_id customer_id reference subject status",
    "v_conversations": "id customer_id",
    "v_customers": "id",
    "v_identities": "customer_id address",
    "v_ledger": "id channel outcome message_id at",
    "v_events": "cursor type conversation_id at",
}
STATUSES = {
    "in": {"stored", "unread", "quarantined", "spam"},
    "out": {"queued", "sending", "sent", "deferred", "failed", "in_doubt", "draft"},
}
EXAMPLES: dict[Any, Any] = {
    int: 1,
    str: "お問い合わせ %s ? :x",
    bool: True,
    str | None: "text",
    int | None: 1,
    bytes | None: b"\0\xff",
}


@pytest.mark.parametrize("row_type", TABLES)
def test_a_row_has_the_columns_of_its_table_in_their_order(row_type: Any) -> None:
    columns = TABLES[row_type].columns
    assert row_type._fields == tuple(column.name for column in columns)
    for column in columns:
        nullable = type(None) in getattr(get_type_hints(row_type)[column.name], "__args__", ())
        assert nullable == column.nullable, column


def _example(row_type: Any) -> tuple[Any, ...]:
    values = [EXAMPLES[hint] for hint in get_type_hints(row_type).values()]
    row: tuple[Any, ...] = row_type(*values)
    return row


async def test_every_insert_gives_back_what_was_put_in(store: Store) -> None:
    def work(connection: Connection, _: Changes) -> None:
        for row_type, table in TABLES.items():
            row = _example(row_type)
            insert(connection, [row])
            found = connection.execute(select(table)).one()
            assert row_type(*(_plain(value) for value in found)) == row

    await store.write(work)


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


async def test_more_rows_than_one_statement_takes_are_all_written(store: Store) -> None:
    def work(connection: Connection, changes: Changes) -> None:
        told = [rows.Event(changes.new_id(), "x", None, "", "{}") for _ in range(7000)]
        insert(connection, told)

    await store.write(work)
    assert await ask(store, "SELECT count(*), max(cursor) FROM v_events") == [(7000, 7000)]


async def test_the_same_bytes_are_kept_once_whoever_brings_them(store: Store) -> None:
    def work(connection: Connection, changes: Changes) -> None:
        insert(connection, [rows.Blob(changes.new_id(), "ab", 2, b"12") for _ in range(2)])
        insert(connection, [rows.Blob(changes.new_id(), "ab", 2, b"12")])

    await store.write(work)
    assert await ask(store, "SELECT count(*) FROM blobs") == [(1,)]


async def test_views_have_the_columns_that_others_build_on(store: Store) -> None:
    def columns(connection: Connection) -> dict[str, set[str]]:
        found = inspect(connection)
        return {name: {c["name"] for c in found.get_columns(name)} for name in PROMISED}

    found = await store.read(columns)
    for view, promised in PROMISED.items():
        assert set(promised.split()) <= found[view], view


async def test_views_hold_the_words_that_others_build_on(store: Store) -> None:
    for name in ("one", "two", "one"):
        await store.commit_inbound(arrival(name, unit=f"{name} again"))
    await store.commit_inbound(arrival("unread", message=None))
    seen = await ask(store, "SELECT direction, kind, status, received_at FROM v_messages")
    assert len(seen) == 4
    for direction, kind, status, received_at in seen:
        assert kind == ("message" if direction == "in" else "acknowledgement")
        assert status in STATUSES[direction]
        assert moment(received_at) == NOON
    receipts = await ask(store, "SELECT outcome, message_id FROM v_ledger ORDER BY id")
    assert [outcome for outcome, _ in receipts] == ["accepted", "accepted", "accepted"]
    assert await ask(store, "SELECT address FROM v_identities") == [("email:yuki@example.jp",)]
    assert await ask(store, "SELECT status FROM v_cases") == [("new",)]


async def test_text_that_is_all_new_is_also_the_reply(store: Store) -> None:
    await store.commit_inbound(arrival("one"))
    texts = await ask(store, "SELECT text, reply_text FROM v_messages WHERE direction = 'in'")
    assert texts == [("Where is my parcel?", "Where is my parcel?")]


async def test_event_cursors_only_grow(store: Store) -> None:
    for name in "abc":
        await store.commit_inbound(arrival(name))
    cursors = [row[0] for row in await ask(store, "SELECT cursor FROM v_events")]
    assert len(cursors) >= 5
    assert sorted(set(cursors)) == cursors


def test_instants_sort_as_text_as_they_do_as_times() -> None:
    texts = [instant(NOON.replace(microsecond=number)) for number in (0, 1, 10, 999_999)]
    assert sorted(texts) == texts
    assert [moment(written) for written in texts] == sorted(moment(w) for w in texts)


async def test_what_nobody_may_write_is_refused_to_readers(store: Store) -> None:
    with pytest.raises(Exception, match="read"):
        await store.read(lambda c: c.execute(text("DELETE FROM events")))
