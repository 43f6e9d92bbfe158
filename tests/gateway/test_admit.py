"""The plan of one transaction: rows, decisions and events of an arrival."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from gateway.admit import Admission
from gateway.rules import admission
from normalizer.message import Automatic, Message
from store import rows
from store.known import Arrival, Changes, Known
from store.rows import instant
from tests.making import CONFIG, KEYS, NOON, Desk, arrival, configure, empty, message


def rules(tmp_path: Any, more: str = "", *, mode: str = "live") -> Admission:
    text = CONFIG.replace('timezone = "Asia/Tokyo"', f'timezone = "Asia/Tokyo"\nmode = "{mode}"')
    return admission(configure(tmp_path, text + more), KEYS)


def of(changes: Changes, kind: type) -> list[Any]:
    return changes.added.get(kind, [])


def events(changes: Changes) -> list[str]:
    return [event.type for event in of(changes, rows.Event)]


def decisions(row: rows.Message) -> dict[str, tuple[str, str]]:
    return {d["about"]: (d["outcome"], d["reason"]) for d in json.loads(row.decisions)}


def test_a_first_mail_makes_every_row_once(tmp_path: Any) -> None:
    known, changes = empty()
    accepted = rules(tmp_path)(known, arrival(known=True), changes)
    assert accepted.outcome == "accepted"
    made = {kind.__name__: len(added) for kind, added in changes.added.items()}
    assert made == {
        "Customer": 1, "Identity": 1, "Conversation": 1, "Case": 1, "Message": 2, "Blob": 1,
        "Ledger": 1, "Outbox": 1, "Event": 3,
    }  # fmt: skip
    assert events(changes) == ["case.opened", "message.received", "acknowledgement.queued"]
    ids = [row[0] for kind in changes.added.values() for row in kind]
    assert len(ids) == len(set(ids))


def test_every_decision_has_its_reason(tmp_path: Any) -> None:
    known, changes = empty()
    rules(tmp_path)(known, arrival(known=True), changes)
    told = decisions(of(changes, rows.Message)[0])
    assert told["author"] == ("email:yuki@example.jp", "as the test says")
    assert told["case"][1] == "a new matter"
    assert told["acknowledgement"] == ("sent", "a new case")


def test_the_outbox_row_is_for_the_acknowledgement(tmp_path: Any) -> None:
    known, changes = empty()
    rules(tmp_path)(known, arrival(), changes)
    (out,), (_, said) = of(changes, rows.Outbox), of(changes, rows.Message)
    assert (out.message_id, out.state, out.automatic, out.authenticated) == (
        said.id,
        "queued",
        True,
        False,
    )
    assert (out.budget_key, out.domain, out.due_at) == (
        "yuki@example.jp",
        "example.jp",
        instant(NOON),
    )


def test_watching_says_nothing_and_shows_what_it_would(tmp_path: Any) -> None:
    known, changes = empty()
    rules(tmp_path, mode="watch")(known, arrival(), changes)
    assert not of(changes, rows.Outbox)
    outcome, reason = decisions(of(changes, rows.Message)[0])["acknowledgement"]
    assert (outcome, reason) == ("silence", "watching: an acknowledgement would have been sent")


def test_approving_leaves_a_draft(tmp_path: Any) -> None:
    known, changes = empty()
    rules(tmp_path, mode="approve")(known, arrival(), changes)
    assert [row.state for row in of(changes, rows.Outbox)] == ["draft"]


def test_copies_in_one_batch_are_one_message(tmp_path: Any) -> None:
    known, changes = empty()
    plan, first = rules(tmp_path), arrival(known=True)
    copy = replace(first, unit="another", channel="mail")
    one, two, three = (plan(known, what, changes) for what in (first, copy, first))
    assert (one.outcome, two.outcome, three.outcome) == ("accepted", "duplicate", "duplicate")
    assert one.message == two.message == three.message
    assert [row.outcome for row in of(changes, rows.Ledger)] == ["accepted", "duplicate"]
    assert len(of(changes, rows.Outbox)) == 1


def test_the_same_message_id_with_another_body_is_another_message_and_flagged(
    tmp_path: Any,
) -> None:
    known, changes = empty()
    plan = rules(tmp_path)
    for _ in range(2):
        plan(known, arrival(message(message_id="same@example.jp"), known=True), changes)
    first, second = (r for r in of(changes, rows.Message) if r.direction == "in")
    assert "defects" not in json.loads(first.reading)
    assert json.loads(second.reading)["defects"] == ["same-message-id"]


def test_a_mail_in_a_loop_is_refused_with_a_reason_and_a_ledger_row(tmp_path: Any) -> None:
    known, changes = empty()
    looped = arrival(message(defects=("too-many-received",)))
    refused = rules(tmp_path)(known, looped, changes)
    assert (refused.message, refused.outcome) == (0, "refused")
    assert refused.reason
    assert set(changes.added) == {rows.Ledger}


async def test_what_would_be_refused_but_was_taken_unread_is_stored_as_nobody_s(desk: Desk) -> None:
    looped = arrival(message(defects=("too-many-received",)))
    unread = await desk.store.commit_inbound(replace(looped, message=None))
    await desk.store.commit_inbound(replace(looped, rereads=unread.message))
    kept = await desk.one("SELECT status, case_id, decisions FROM messages")
    assert (kept["status"], kept["case_id"]) == ("stored", None)
    assert "going round in a loop" in kept["decisions"]
    assert await desk.count("ledger") == 1


def test_what_nobody_read_yet_is_durable_and_says_nothing(tmp_path: Any) -> None:
    known, changes = empty()
    accepted = rules(tmp_path)(known, replace(arrival(), message=None), changes)
    assert accepted.outcome == "accepted"
    assert set(changes.added) == {rows.Message, rows.Blob, rows.Ledger}
    assert of(changes, rows.Message)[0].status == "unread"


def reread(status: str, *, author: str, left: str = "new") -> tuple[Known, Arrival]:
    """A stored message that is read again, with the case that it opened then."""
    known, changes = empty()
    what = arrival(message(author), author=author)
    case = rows.Case(
        50, 51, 52, "K4TZ-9QHM", "mail", "", "", left, "", "", "[]", True, None, instant(NOON),
        None,
    )  # fmt: skip
    before = rows.Message(
        60, 51, 50, 52, 53, "mail", "in", "message", status, "", "", "[]", "raw:x", "", "", None,
        "", "{}", "{}", "", "", "{}", "[]", "x", None, instant(NOON),
    )  # fmt: skip
    known.cases[50], known.rereading[60] = case, before
    assert changes.last_id == 0
    return known, replace(what, rereads=60)


def test_a_message_read_at_last_moves_to_its_author_in_place(tmp_path: Any) -> None:
    known, what = reread("quarantined", author="yuki@example.jp")
    changes = Changes(100)
    accepted = rules(tmp_path)(known, what, changes)
    assert accepted == (60, "accepted", "")
    updates = {(u.table, u.id): u.values for u in changes.updated}
    assert updates["messages", 60]["status"] == "stored"
    assert updates["messages", 60]["case_id"] == of(changes, rows.Case)[0].id
    assert updates["cases", 50]["status"] == "resolved"
    assert rows.Ledger not in changes.added
    assert changes.removed_parts == [60]


def test_a_case_that_others_write_in_is_not_resolved_when_a_message_leaves_it(
    tmp_path: Any,
) -> None:
    known, what = reread("quarantined", author="yuki@example.jp", left="open")
    changes = Changes(100)
    rules(tmp_path)(known, what, changes)
    assert not [u for u in changes.updated if u.table == "cases"]


def test_a_message_that_stays_unreadable_stays_where_it_is(tmp_path: Any) -> None:
    known, what = reread("quarantined", author="")
    changes = Changes(100)
    again = rules(tmp_path)(known, replace(what, message=Message(unreadable="still")), changes)
    assert again.outcome == "quarantined"
    assert rows.Customer not in changes.added
    assert rows.Case not in changes.added
    moved = {u.table: u.values for u in changes.updated}["messages"]
    assert (moved["case_id"], moved["identity_id"], moved["customer_id"]) == (50, 53, 52)


def test_a_message_that_waited_for_long_lands_where_people_look(tmp_path: Any) -> None:
    known, what = reread("quarantined", author="yuki@example.jp")
    changes = Changes(100)
    rules(tmp_path)(known, replace(what, history=True), changes)
    assert [row.status for row in of(changes, rows.Case)] == ["new"]
    assert not of(changes, rows.Outbox)


def test_an_unread_copy_is_dropped_for_the_message_that_it_copies(tmp_path: Any) -> None:
    known, changes = empty()
    plan, first = rules(tmp_path), arrival(known=True)
    kept = plan(known, first, changes)
    copy = plan(known, replace(first, unit="another", rereads=77), changes)
    assert (copy.message, copy.outcome) == (kept.message, "duplicate")
    assert changes.discarded == [(77, copy)]


def test_automatic_mail_is_stored_and_threaded_and_says_why_it_is_silent(tmp_path: Any) -> None:
    known, changes = empty()
    robot = message(
        automatic=Automatic(True, "auto-reply", True, ("Auto-Submitted: auto-replied",))
    )
    rules(tmp_path)(known, arrival(robot, known=True), changes)
    assert not of(changes, rows.Outbox)
    told = decisions(of(changes, rows.Message)[0])["acknowledgement"]
    assert told == ("silence", "automatic mail (auto-reply): Auto-Submitted: auto-replied")


def test_what_is_quarantined_opens_a_case_and_is_told(tmp_path: Any) -> None:
    known, changes = empty()
    accepted = rules(tmp_path)(known, arrival(Message(unreadable="x"), author="a@b.jp"), changes)
    assert accepted.outcome == "quarantined"
    assert len(of(changes, rows.Case)) == 1
    assert events(changes) == ["case.opened", "message.quarantined"]
