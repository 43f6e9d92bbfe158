"""What an acknowledgement says, to whom, and what it never repeats."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.matching.place import Place
from gateway.outgoing.acknowledge import Decision
from gateway.outgoing.answer import _REFERENCE, Writer
from gateway.promises.word import promise
from gateway.rules import admission
from normalizer.message import Address, Message
from scheduler.duration import Duration
from store import rows
from store.known import Person
from store.rows import instant
from tests.making import CONFIG, KEYS, NOON, arrival, configure, message

CASE = rows.Case(
    4, 3, 1, "K4TZ-9QHM", "mail", "Box", "box", "new", "", "", "[]", False, None, instant(NOON), None
)  # fmt: skip
EVIL = 'EVIL "words" <b>'


def writer(folder: Path, text: str = CONFIG) -> Writer:
    found = admission(configure(folder, text), KEYS).write_acknowledgement
    assert isinstance(found, Writer)
    return found


def said(
    folder: Path, *, known: bool, person: str = "", config: str = CONFIG, **more: Any
) -> rows.Message:
    content = message("yuki@example.jp", **more)
    where = Place(Person(2, 1, 3, person, failing=False), CASE, True, "new")
    what = arrival(content, known=known)
    return writer(folder, config)(what, content, where, Decision(True, "", "yuki@example.jp"), 9)


def test_it_goes_to_one_recipient_in_the_thread(tmp_path: Path) -> None:
    row = said(tmp_path, known=True, message_id="a@x.jp", references=("r@x.jp",))
    assert json.loads(row.recipients) == {"to": [["", "yuki@example.jp"]]}
    assert row.in_reply_to == "a@x.jp"
    assert json.loads(row.references) == ["r@x.jp", "a@x.jp"]
    assert (row.direction, row.kind, row.conversation_id, row.case_id) == (
        "out",
        "acknowledgement",
        3,
        4,
    )


def test_its_ids_are_keyed_for_this_address(tmp_path: Path) -> None:
    row = said(tmp_path, known=True)
    token = KEYS.token(4, 9, "yuki@example.jp")
    assert row.message_id == f"{token}@example.com"
    assert row.reply_to == f"support+{token}@example.com"


def test_reply_to_elsewhere_changes_no_recipient_l14(tmp_path: Path) -> None:
    row = said(tmp_path, known=False, reply_to=tuple(Address("", f"v{n}@x.jp") for n in range(50)))
    assert json.loads(row.recipients) == {"to": [["", "yuki@example.jp"]]}
    assert "v1@x.jp" not in "".join(map(str, row))


def test_a_stranger_reads_nothing_that_he_chose_l18(tmp_path: Path) -> None:
    row = said(
        tmp_path, known=False, subject=EVIL, text=EVIL, from_=(Address(EVIL, "yuki@example.jp"),),
        references=("evil@x.jp",), message_id="own@x.jp",
    )  # fmt: skip
    assert "EVIL" not in "".join(map(str, row))
    assert json.loads(row.references) == ["own@x.jp"]


@pytest.mark.parametrize(
    "name", ["a b@x.jp", "a@x.jp\r\nBcc: v@x.jp", "x" * 300, "a<b@x.jp", "佐@x.jp", "a\0b@x.jp", ""]
)
def test_a_message_id_that_could_break_a_header_is_not_repeated_s04(
    tmp_path: Path, name: str
) -> None:
    row = said(tmp_path, known=True, message_id=name, references=(name, "good@x.jp"))
    assert row.in_reply_to == ""
    assert json.loads(row.references) == []


def test_references_do_not_grow_without_an_end(tmp_path: Path) -> None:
    row = said(tmp_path, known=True, references=tuple(f"{n}@x.jp" for n in range(200)))
    found = json.loads(row.references)
    assert len(found) == 21
    assert found[-1] == row.in_reply_to


LANGUAGES = {
    "the message's": ({"language": "ja"}, "en", "ja"),
    "the customer's earlier": ({}, "ja", "ja"),
    "the channel's": ({}, "", "ja"),
}


@pytest.mark.parametrize(("content", "person", "spoken"), LANGUAGES.values(), ids=LANGUAGES)
def test_it_speaks_the_customer_s_language(
    tmp_path: Path, content: dict[str, str], person: str, spoken: str
) -> None:
    text = CONFIG.replace('type = "smtp"', 'type = "smtp"\nlanguage = "ja"')
    row = said(tmp_path, known=True, person=person, config=text, **content)
    assert row.language == spoken
    assert "受付" in row.text or "承り" in row.text or "お問い合わせ" in row.text


def test_without_any_other_it_speaks_the_gateway_s(tmp_path: Path) -> None:
    assert said(tmp_path, known=True).language == "en"


def test_it_names_the_reference_and_to_the_known_the_subject(tmp_path: Path) -> None:
    row = said(tmp_path, known=True, subject="Where is it?")
    assert "K4TZ-9QHM" in row.text + row.subject
    assert "Where is it?" in row.subject + row.text


TEMPLATES = "{{7*7}} {{cycler.__init__.__globals__}} ${x} %(x)s {0.__class__} {% raw %} {token}"


def test_template_words_in_a_mail_are_words_b16(tmp_path: Path) -> None:
    row = said(tmp_path, known=True, subject=TEMPLATES, text=TEMPLATES)
    shown = row.subject + row.text
    assert TEMPLATES in shown
    assert "49" not in shown


def test_a_subject_that_names_our_placeholder_shows_the_reference_once_b16(tmp_path: Path) -> None:
    plain = said(tmp_path, known=True, subject="x")
    odd = said(tmp_path, known=True, subject=f"x {_REFERENCE}")
    count = [(row.subject + row.text).count("K4TZ-9QHM") for row in (plain, odd)]
    assert _REFERENCE not in odd.subject + odd.text
    assert count[0] >= 1
    assert count[1] >= count[0]


def test_no_tag_where_plus_addresses_may_not_come_back(tmp_path: Path) -> None:
    text = CONFIG.replace('"maildir:sent"', '"smtp://relay.example:25"')
    assert said(tmp_path, known=True, config=text).reply_to == ""


def test_a_promise_lies_in_opening_hours_and_ahead(tmp_path: Path) -> None:
    calendar = configure(tmp_path).calendar_()
    for hours in range(0, 24 * 14, 5):
        at = NOON + timedelta(hours=hours)
        found = promise(calendar, Duration.parse("4 business hours"), at)
        assert found.by > at
        assert (found.reopens_at is None) is found.open_now


def test_who_asks_in_the_same_minute_gets_the_same_promise(tmp_path: Path) -> None:
    write = writer(tmp_path)
    where = Place(Person(2, 1, 3, "", failing=False), CASE, True, "new")
    texts = set()
    for second in (0, 30, 59):
        content: Message = message()
        what = arrival(content, received_at=NOON + timedelta(seconds=second))
        texts.add(write(what, content, where, Decision(True, "", "yuki@example.jp"), 9).text)
    assert len(texts) == 1
