"""To whom a person's words go, on which way, and in which thread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from channels.base import Settings
from channels.mail import MailSettings
from gateway.desk import speak
from gateway.desk.speak import Desk, Refused, Way
from normalizer.message import Identity
from store import rows
from store.desk import Facts, Heard, Known
from tests.gateway.api.seed import FOLLOW
from tests.making import KEYS, NOON

MAIL = MailSettings(name="mail", type="smtp", addresses=("support@example.com",), send="maildir:x")
SHOP = MailSettings(name="shop", type="smtp", addresses=("shop@example.com",), send="maildir:x")
DESK = Desk({"mail": MAIL, "shop": SHOP}, MAIL.own() | SHOP.own(), KEYS, FOLLOW)
CASE = rows.Case(
    7, 3, 2, "K4TZ-9QHM", "mail", "Parcel", "Parcel", "new", "", "", "[]", False, None,
    "2026", None,
)  # fmt: skip
YUKI = Known(1, 2, 3, "email:yuki@example.jp", "Yuki", failing=False)


def heard(identity: str = "email:yuki@example.jp", **more: Any) -> Heard:
    facts: dict[str, Any] = {
        "id": 10, "case_id": 7, "channel": "mail", "identity": identity, "name": "Yuki",
        "message_id": "a@example.jp", "references": (), "subject": "Parcel", "is_automatic": False,
    }  # fmt: skip
    return Heard(**(facts | more))


def found(*words: Heard, people: tuple[Known, ...] = (YUKI,)) -> Facts:
    return Facts(CASE, words, (), people)


def way(facts: Facts, *to: str, channel: str = "", force: bool = False) -> Way:
    where = speak.way(DESK, facts, to, (), channel, force=force, others={})
    assert isinstance(where, Way), where
    return where


def refusal(facts: Facts, *to: str, channel: str = "") -> str:
    where = speak.way(DESK, facts, to, (), channel, force=False, others={})
    assert isinstance(where, Refused)
    return where.detail


def test_it_goes_the_way_that_the_customer_wrote_last() -> None:
    where = way(found(heard(channel="shop"), heard()))
    assert (where.settings.name, where.to[0]) == ("shop", ("Yuki", "yuki@example.jp"))
    assert where.identity_id == YUKI.id


def test_a_robots_mail_is_answered_only_when_nobody_else_wrote() -> None:
    robot = heard("email:noreply@robot.example", is_automatic=True)
    assert way(found(robot, heard())).to[0].address == "yuki@example.jp"
    assert way(found(robot)).to[0].address == "noreply@robot.example"


def test_the_customer_behind_a_form_is_answered_not_the_form() -> None:
    behind = Known(5, 2, 3, "form:web@shop.example>yuki@example.jp", "Yuki", failing=False)
    where = way(found(heard(behind.address), people=(behind,)))
    assert where.to[0].address == "yuki@example.jp"
    assert where.identity_id == behind.id


def test_somebody_without_an_address_needs_one_named() -> None:
    facts = found(heard("message:abc.1"), people=(YUKI._replace(address="message:abc.1"),))
    assert "name one" in refusal(facts)
    assert way(facts, "ken@example.jp").to[0].address == "ken@example.jp"


@pytest.mark.parametrize("to", ["support@example.com", "Shop+x@example.com", "", "a b@c.d", "x"])
def test_neither_ourselves_nor_what_is_no_address_is_written_to(to: str) -> None:
    assert refusal(found(heard()), to)


def test_an_address_that_fails_needs_force() -> None:
    failing = found(heard(), people=(YUKI._replace(failing=True),))
    assert "force" in refusal(failing)
    assert way(failing, force=True).to[0].address == "yuki@example.jp"


def test_a_thread_ends_in_what_is_answered() -> None:
    word = heard(references=("b@x", "bad id", "b@x"))
    assert speak.threaded(word, [(9, "ours@y"), (11, "later@y")]) == (
        "b@x", "ours@y", "a@example.jp",
    )  # fmt: skip
    assert speak.threaded(None, [(9, "ours@y"), (11, "later@y")]) == ("ours@y", "later@y")
    assert speak.threaded(heard(message_id="<x>\r\nBcc: y"), ()) == ()


@pytest.mark.parametrize(
    ("wanted", "before", "answers", "said"),
    [
        ("", "Parcel", True, "Re: Parcel"),
        ("", "RE: re：Parcel", True, "Re: Parcel"),
        ("", "Parcel\r\nBcc: x@y", True, "Re: Parcel Bcc: x@y"),
        ("", "Parcel", False, "Parcel"),
        ("", "", True, ""),
        (" Other ", "Parcel", True, "Other"),
    ],
)
def test_a_subject_is_one_line_and_has_one_re(
    wanted: str, before: str, answers: bool, said: str
) -> None:
    assert speak.subject(wanted, before, answers=answers) == said


@pytest.mark.parametrize(
    ("written", "who"),
    [
        (" Yuki@Example.jp ", Identity("email", "yuki@example.jp")),
        ("email:Yuki@Example.jp", Identity("email", "yuki@example.jp")),
        ("pager:U4AFf980", Identity("pager", "U4AFf980")),
    ],
)
def test_capitals_make_a_difference_but_in_mail(written: str, who: Identity) -> None:
    pager = Settings(name="pager", type="pager")
    desk = replace(DESK, channels={"mail": MAIL, "pager": pager})
    assert speak.identity(desk, MAIL, written) == who


@pytest.mark.parametrize(
    ("written", "who"),
    [
        ("tel:+8131234", Identity("tel", "+8131234")),
        ("+81 3 1234", Identity("tel", "+81 3 1234")),
        ("Yuki@Example.jp", Identity("email", "yuki@example.jp")),
        ("Email:Yuki@Example.jp", Identity("email", "yuki@example.jp")),
        ("pager:U4AFf980", Identity("pager", "U4AFf980")),
        ("  ", None),
    ],
)
def test_a_caller_is_an_address_or_a_number(written: str, who: Identity | None) -> None:
    assert speak.caller(written) == who


def test_words_that_are_said_have_an_author_and_a_time() -> None:
    who = speak.Who("Aiko", "desk", NOON)
    row = speak.spoken(CASE, speak.Words("お世話になっております。"), who, 12)
    assert (row.direction, row.kind, row.language) == ("out", "reply", "ja")
    assert '"Aiko"' in row.author
