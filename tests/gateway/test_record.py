"""A message as rows: nothing that a database refuses, nothing lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from gateway.record import message_row, part_rows, storable, to_json
from normalizer.message import Address, Message, Part
from store import rows
from store.known import Changes
from tests.making import arrival, message


def row(content: Message) -> rows.Message:
    return message_row(
        1, arrival(content), content, status="stored", where=(1, 2, 3, 4), flags=(), decisions=()
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("a\0b", "a\ufffdb"),
        ("佐藤\0", "佐藤\ufffd"),
        ("a\ud800b", "a?b"),
        ("", ""),
    ],
)
def test_text_is_what_both_databases_take(text: str, kept: str) -> None:
    assert storable(text) == kept


def test_no_column_holds_what_a_database_refuses() -> None:
    evil = "\0\ud800"
    where = (Address(evil, f"a{evil}@b.jp"),)
    content = message(
        subject=evil, text=evil, reply_text="x" + evil, message_id=evil, in_reply_to=evil,
        references=(evil,), from_=where, to=where, cc=where, reply_to=where, defects=(evil,),
        unreadable=evil,
    )  # fmt: skip
    for value in row(content):
        if isinstance(value, str):
            value.encode("utf-8")
            assert "\0" not in value
            assert "\\u0000" not in value


def test_what_the_wire_said_is_json_whatever_its_bytes() -> None:
    said = to_json({"helo": "a\udc80\0", "pair": Address("n", "佐\ud800")})
    assert json.loads(said) == {"helo": "a?\ufffd", "pair": ["n", "佐?"]}


DATES: dict[str, tuple[datetime | None, str | None]] = {
    "none": (None, None),
    "an offset": (datetime(2026, 1, 1, 9, tzinfo=timezone(timedelta(hours=9))), "2026-01-01T00:00:00.000000Z"),
    "before the first year in UTC": (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9))), None),
    "after the last": (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-9))), None),
    "the first moment": (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
}  # fmt: skip


@pytest.mark.parametrize(("date", "kept"), DATES.values(), ids=DATES)
def test_a_date_of_any_year_is_kept_or_none_t06(date: datetime | None, kept: str | None) -> None:
    assert row(message(date=date)).date == kept


def test_new_words_are_kept_apart_only_where_there_are_old_ones() -> None:
    assert row(message(text="new\n", reply_text="new")).reply_text is None
    assert row(message(text="new\n> old", reply_text="new")).reply_text == "new"
    assert row(message(text="> old", reply_text="")).reply_text == ""


def test_the_author_shown_is_the_address_not_the_name_s08() -> None:
    shown: dict[str, Any] = json.loads(
        row(
            message("x@evil.example", from_=(Address("ceo@corp.example", "x@evil.example"),))
        ).author
    )
    assert (shown["name"], shown["address"]) == ("ceo@corp.example", "x@evil.example")
    assert shown["authenticated"] is False


def test_every_part_has_its_row_and_small_bytes_their_blob() -> None:
    parts = tuple(
        Part(role="attachment", content_type="a/b", size=1, sha256=name, data=b"x", filename="\0f")
        for name in "ab"
    )
    changes = Changes(0)
    part_rows(changes, 7, message(parts=parts))
    assert [part[1:] for part in changes.added[rows.Part]] == [
        (7, "attachment", "a/b", "\ufffdf", "", 1, name, "") for name in "ab"
    ]
    assert len(changes.added[rows.Blob]) == 2
