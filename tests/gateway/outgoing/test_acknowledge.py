"""Every reason for silence, once; and what must not silence us."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.outgoing.acknowledge import Asked, Limits, budget, count, decide
from normalizer.message import Automatic, Message, Transport
from store.known import Author, Spent
from tests.making import DESK, NOON, OWN, arrival, mail, message, read

NO_LIMITS = Limits(0, 0, 0, 0, 0, 0)


def asked(content: Message | None = None, *, known: bool = True, **more: Any) -> Asked:
    content = content if content is not None else message()
    facts: dict[str, Any] = {
        "arrival": replace(arrival(content, known=known), budget=budget(content)),
        "message": content,
        "own": OWN,
        "enabled": True,
        "mode": "live",
        "to_blind_copies": False,
        "is_new_case": True,
        "conversation_id": 1,
        "failing": False,
        "distrusted": False,
    }
    return Asked(**(facts | more))


def why(question: Asked, limits: Limits = NO_LIMITS, spent: Spent | None = None) -> str:
    """The reason for silence; empty when we answer."""
    decision = decide(question, limits, spent or Spent())
    assert decision.reason
    assert bool(decision.to) is (decision.send or decision.watched)
    return "" if decision.send else decision.reason


def from_wire(sender: str, content: Message) -> Asked:
    question = asked(content)
    return replace(question, arrival=replace(question.arrival, transport=Transport(sender=sender)))


SILENT = {
    "it is off": (asked(enabled=False), "off"),
    "history": (asked(arrival=arrival(history=True)), "history"),
    "unreadable": (asked(message(unreadable="x")), "could not be read"),
    "no new case": (asked(is_new_case=False), "not a new case"),
    "nobody to answer": (asked(message(claims=())), "no address"),
    "ourselves (L10)": (asked(message(DESK)), "our own"),
    "ourselves, tagged (L10)": (asked(message("support+x@example.com")), "our own"),
    "nobody knows who": (asked(arrival=arrival(message(), author="")), ""),
    "null return path": (from_wire("<>", message()), "return path is null"),
    "a robot in From (L09)": (asked(message("noreply@example.jp")), "nobody reads"),
    "a robot on the wire (L09)": (from_wire("bounce+1@example.jp", message()), "nobody reads"),
    "DMARC": (asked(distrusted=True), "DMARC"),
    "a dead address": (asked(failing=True), "fails"),
    "a blind copy (L15)": (asked(message(to=())), "not among To and Cc"),
    "watching": (asked(mode="watch"), "watching"),
}


@pytest.mark.parametrize(("question", "reason"), SILENT.values(), ids=SILENT)
def test_silence_has_a_reason(question: Asked, reason: str) -> None:
    if not reason:
        unknown = replace(question.arrival, author=Author(None, reason="a list"))
        question, reason = replace(question, arrival=unknown), "a list"
    assert reason in why(question)


REPORT = "multipart/report; report-type={}; boundary=b"
PARTS = "--b\r\n\r\nIt went wrong.\r\n--b--"
ROBOTS = {
    "auto-replied": {"Auto_Submitted": "auto-replied"},
    "auto-generated, with a comment and in capitals": {"Auto_Submitted": "Auto-Generated (cron); x=1"},
    "auto-notified": {"Auto_Submitted": "auto-notified"},
    "L04: delivery report": {"Content_Type": REPORT.format("delivery-status"), "body": PARTS},
    "L05: receipt": {"Content_Type": REPORT.format("disposition-notification"), "body": PARTS},
    "L05: complaint": {"Content_Type": REPORT.format("feedback-report"), "body": PARTS},
    "L05: calendar answer": {"Content_Type": "text/calendar; method=REPLY"},
    "list": {"List_Id": "<l.example>"},
    "list post": {"List_Post": "<mailto:l@example.jp>"},
    "bulk": {"Precedence": "Bulk"},
    "junk": {"Precedence": "junk"},
    "X-Precedence": {"X_Precedence": "auto_reply"},
    "L07: suppress all": {"X_Auto_Response_Suppress": "All"},
    "L07: suppress answers": {"X_Auto_Response_Suppress": "DR, AutoReply"},
    "X-Autoreply": {"X_Autoreply": "yes"},
    "X-Autorespond": {"X_Autorespond": "1"},
    "X-Loop": {"X_Loop": "a@b.example"},
    "absence": {"subject": "Out of office: back on Monday"},
    "absence in Japanese": {"subject": "自動応答: 不在通知"},
    "daemon": {"sender": "MAILER-DAEMON@example.jp"},
    "return path": {"Return_Path": "<>"},
}  # fmt: skip


@pytest.mark.parametrize("headers", ROBOTS.values(), ids=ROBOTS)
def test_robots_are_not_answered(headers: dict[str, str]) -> None:
    assert why(asked(read(mail(**headers))))


PEOPLE = {
    "plain": {},
    "L02: Auto-Submitted: no": {"Auto_Submitted": "no"},
    "Auto-Submitted: No, with a comment": {"Auto_Submitted": "No (a person)"},
    "suppress none": {"X_Auto_Response_Suppress": "None"},
    "first class": {"Precedence": "first-class"},
    "read receipt wanted": {"Disposition_Notification_To": "yuki@example.jp"},
    "an invitation": {"Content_Type": "text/plain; method=REPLY"},
    "Cc only": {"To": "boss@example.jp", "Cc": f"Desk <{DESK.upper()}>"},
    "our tagged address": {"To": "support+abc@example.com"},
    "Reply-To elsewhere (L14)": {"Reply_To": "victim@example.org"},
    "talks about automatic replies": {"subject": "I got no automatic reply"},
}


@pytest.mark.parametrize("headers", PEOPLE.values(), ids=PEOPLE)
def test_people_are_answered_at_their_own_address(headers: dict[str, str]) -> None:
    content = read(mail(**headers))
    decision = decide(asked(content), Limits(), Spent())
    assert decision.send, decision.reason
    assert decision.to == "yuki@example.jp"


def test_blind_copies_are_answered_where_the_admin_says_so_l15() -> None:
    assert not why(asked(message(to=()), to_blind_copies=True))


SPENT = {
    "authenticated, a day": (Limits(5, 0, 0, 0, 0, 0), True, Spent(sender_day={"yuki@example.jp": 5})),
    "unauthenticated, a day": (Limits(5, 1, 0, 0, 0, 0), False, Spent(sender_day={"yuki@example.jp": 1})),
    "all strangers, an hour": (Limits(0, 0, 60, 0, 0, 0), False, Spent(unauthenticated_hour=60)),
    "a conversation, a day": (Limits(0, 0, 0, 5, 0, 0), True, Spent(conversation_day={1: 5})),
    "a domain, an hour": (Limits(0, 0, 0, 0, 9, 0), True, Spent(domain_hour={"example.jp": 9})),
    "everybody, a minute": (Limits(0, 0, 0, 0, 0, 7), True, Spent(all_minute=7)),
}  # fmt: skip


@pytest.mark.parametrize(("limits", "known", "spent"), SPENT.values(), ids=SPENT)
def test_a_spent_budget_is_silence_and_one_less_is_not(
    limits: Limits, known: bool, spent: Spent
) -> None:
    for counted in (spent.sender_day, spent.domain_hour):
        counted.setdefault("yuki@example.jp", 0)
        counted.setdefault("example.jp", 0)
    spent.conversation_day.setdefault(1, 0)
    question = asked(known=known)
    assert "is spent" in why(question, limits, spent)
    spent.sender_day = {name: n - 1 for name, n in spent.sender_day.items()}
    spent.domain_hour = {name: n - 1 for name, n in spent.domain_hour.items()}
    spent.conversation_day = {name: n - 1 for name, n in spent.conversation_day.items()}
    spent.unauthenticated_hour -= 1
    spent.all_minute -= 1
    assert not why(question, limits, spent)


@pytest.mark.parametrize("known", [True, False])
def test_the_same_batch_counts_l18(known: bool) -> None:
    spent, sent = Spent(), 0
    for _ in range(20):
        question = asked(known=known)
        if not why(question, Limits(), spent):
            sent += 1
            count(spent, question.arrival, 1)
    assert sent == (5 if known else 1)


def test_budgets_see_one_person_behind_many_spellings_l18() -> None:
    spent = Spent()
    count(spent, asked(message("y.u.ki+1@example.jp")).arrival, 1)
    assert why(asked(message("yuki@example.jp"), known=False), Limits(), spent)
    assert budget(message("Y.uki+x@example.jp")) == ("yuki@example.jp", "example.jp")


def test_only_what_has_a_limit_is_counted() -> None:
    assert NO_LIMITS.counted == frozenset()
    assert Limits(0, 1, 0, 0, 0, 0).counted == {"sender_day"}
    assert Limits().counted == {"sender_day", "conversation_day", "unauthenticated_hour"}


def test_a_request_for_silence_is_no_proof_of_a_robot_l07() -> None:
    automatic = Automatic(is_auto=False, suppress_reply=True, reasons=("x",))
    assert why(asked(message(automatic=automatic))) == "it asks not to be answered: x"


def test_history_is_about_us_not_about_the_date_header_t06() -> None:
    old = message(date=NOON - timedelta(days=4000))
    assert not why(asked(old))
