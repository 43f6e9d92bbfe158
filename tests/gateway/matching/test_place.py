"""Whose conversation, and which case: the author decides, all else is a claim."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.matching.place import Place, duplicate_of, new_reference, place
from normalizer.message import Automatic, Bounce, Message
from store import rows
from store.known import Accepted, Arrival, Changes, Given, Known, Offered, Person, Seen, Token
from store.rows import instant
from tests.making import KEYS, NOON, arrival, empty, message

YUKI = Person(2, 1, 3, "ja", failing=False)
BOB = Person(12, 11, 13, "", failing=False)
OURS = Seen(40, 3, 4, fingerprint=None)


def case(**more: Any) -> rows.Case:
    """An open case of Yuki's."""
    facts: dict[str, Any] = {
        "id": 4, "conversation_id": 3, "customer_id": 1, "reference": "K4TZ-9QHM", "channel": "mail",
        "subject": "Box", "base_subject": "box", "status": "new", "stage": "", "owner": "",
        "tags": "[]", "unverified": False, "linked_case_id": None, "opened_at": instant(NOON),
        "resolved_at": None,
    }  # fmt: skip
    return rows.Case(**(facts | more))


def known(*cases: rows.Case) -> Known:
    """Yuki and Bob, Yuki's case, a mail of hers in it and one of ours."""
    found = Known(people={"email:yuki@example.jp": YUKI, "email:bob@example.jp": BOB})
    found.cases = {c.id: c for c in cases or (case(),)}
    found.message_ids["hers@example.jp"].append(Seen(39, 3, 4, "print"))
    found.message_ids["ours@example.com"].append(OURS)
    token = KEYS.token(4, 40, "yuki@example.jp")
    found.given[40] = Given(
        4, "mail", "reply", f"{token}@example.com", ("yuki@example.jp",), "We have it.\n\nYours"
    )
    return found


def placed(what: Arrival, before: Known | None = None) -> tuple[Place, Changes]:
    changes = Changes(100)
    assert what.message
    return place(before or known(), what, what.message, changes, KEYS.check), changes


TOKEN = (Token(4, 40),)
NAMES = {
    "References": {"references": ("x@y.example", "hers@example.jp")},
    "In-Reply-To": {"in_reply_to": "hers@example.jp"},
    "the subject": {"base_subject": "box"},
    "the reference, typed": {"mentions": ("K4TZ-9QHM",)},
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_what_a_mail_names_chooses_the_case_when_it_is_authenticated(names: dict[str, Any]) -> None:
    where, changes = placed(arrival(message(**names), known=True))
    assert (where.case.id, where.is_new) == (4, False)
    assert not changes.added


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_the_same_unauthenticated_is_a_separate_unverified_case(names: dict[str, Any]) -> None:
    where, _ = placed(arrival(message(**names)))
    assert where.is_new
    assert where.case.unverified
    assert where.case.linked_case_id is None
    assert where.conversation_id == YUKI.conversation_id


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("is_known", [True, False])
def test_nothing_that_a_mail_names_leads_into_another_s_conversation(
    names: dict[str, Any], is_known: bool
) -> None:
    stranger = message("bob@example.jp", **names)
    where, _ = placed(arrival(stranger, known=is_known))
    assert where.conversation_id == BOB.conversation_id
    assert where.is_new


@pytest.mark.parametrize("is_known", [True, False])
def test_a_token_given_to_this_address_continues_its_case(is_known: bool) -> None:
    where, _ = placed(arrival(known=is_known, tokens=TOKEN))
    assert (where.case.id, where.is_new) == (4, False)


def test_a_token_is_surer_than_references() -> None:
    other = case(id=5, reference="B111-1111", base_subject="other")
    before = known(case(), other)
    before.message_ids["old@example.jp"].append(Seen(30, 3, 5, "p"))
    what = arrival(message(references=("old@example.jp",)), known=True, tokens=TOKEN)
    assert placed(what, before)[0].case.id == 4


def test_an_empty_subject_is_no_subject_to_share() -> None:
    before = known(case(base_subject=""))
    assert placed(arrival(message(base_subject=""), known=True), before)[0].is_new


def resolved(days: float) -> rows.Case:
    return case(status="resolved", resolved_at=instant(NOON - timedelta(days=days)))


def test_a_reply_within_fourteen_days_reopens() -> None:
    before = known(resolved(13.9))
    where, changes = placed(arrival(tokens=TOKEN), before)
    assert where.case.status == "open"
    assert not where.is_new
    reopened = {"status": "open", "resolved_at": None, "unanswered_since": instant(NOON)}
    assert [u.values for u in changes.updated] == [reopened]
    assert before.cases[4].status == "open"  # so that the batch's next mail sees it open


def test_a_later_reply_opens_a_linked_case() -> None:
    where, changes = placed(arrival(tokens=TOKEN), known(resolved(14.1)))
    assert where.is_new
    assert where.case.linked_case_id == 4
    assert not changes.updated


def test_automatic_mail_never_reopens() -> None:
    robot = message(automatic=Automatic(is_auto=True, kind="auto-reply"))
    for days in (1, 100):
        where, changes = placed(arrival(robot, known=True, tokens=TOKEN), known(resolved(days)))
        assert (where.case.id, where.case.status, where.is_new) == (4, "resolved", False)
        assert not changes.updated


def test_a_person_who_only_asks_for_silence_does_reopen_l07() -> None:
    quiet = message(automatic=Automatic(is_auto=False, suppress_reply=True))
    assert placed(arrival(quiet, tokens=TOKEN), known(resolved(1)))[0].case.status == "open"


def test_a_resolved_case_with_the_same_subject_stays_resolved() -> None:
    where, _ = placed(arrival(message(base_subject="box"), known=True), known(resolved(1)))
    assert where.is_new


SENT = KEYS.token(4, 40, "yuki@example.jp")
OWN_MAIL = {
    "as itself (L11)": message(message_id=f"{SENT}@example.com", text="We have it. Yours\r\n"),
    "in a report (L04)": message("", claims=(), bounce=Bounce((), original_message_id="ours@example.com")),
}  # fmt: skip


@pytest.mark.parametrize("content", OWN_MAIL.values(), ids=OWN_MAIL)
def test_our_own_mail_coming_back_goes_where_it_came_from(content: Message) -> None:
    where, changes = placed(arrival(content, author="", offered=(Offered(SENT, 40),)))
    assert (where.case.id, where.is_new, where.person) == (4, False, None)
    assert not changes.added
    assert not changes.updated


@pytest.mark.parametrize(
    "content",
    [
        message(message_id=f"{SENT}@example.com", text="We have it. Yours. Pay here", claims=()),
        message(message_id=f"{SENT}@evil.example", text="We have it. Yours", claims=()),
    ],
    ids=["other words", "another domain"],
)
def test_a_stolen_message_id_is_not_our_mail_coming_back_l11(content: Message) -> None:
    where, _ = placed(arrival(content, author="", offered=(Offered(SENT, 40),)))
    assert where.is_new
    assert where.conversation_id != YUKI.conversation_id


def test_a_customer_s_message_id_is_not_ours() -> None:
    assert placed(arrival(message(message_id="hers@example.jp")))[0].is_new


def test_nobody_s_mails_never_meet_even_with_the_same_bytes() -> None:
    before, changes = empty()
    one, two = (arrival(message("", claims=())) for _ in range(2))
    assert one.message
    assert two.message
    first = place(before, one, one.message, changes, KEYS.check)
    second = place(before, replace(two, raw=one.raw), two.message, changes, KEYS.check)
    assert first.conversation_id != second.conversation_id


def test_a_new_customer_is_known_to_the_rest_of_the_batch() -> None:
    before, changes = empty()
    for _ in range(3):
        what = arrival(message("new@example.jp"), known=True)
        assert what.message
        where = place(before, what, what.message, changes, KEYS.check)
    assert len(changes.added[rows.Customer]) == len(changes.added[rows.Conversation]) == 1
    assert where.person == before.people["email:new@example.jp"]


def test_history_is_resolved_from_the_start() -> None:
    where, _ = placed(arrival(history=True))
    assert (where.case.status, where.case.resolved_at) == ("resolved", instant(NOON))


def test_automatic_mail_that_opens_a_case_is_tagged() -> None:
    robot = message(automatic=Automatic(is_auto=True, kind="bulk"))
    assert placed(arrival(robot))[0].case.tags == '["automatic"]'


def test_what_becomes_a_row_holds_nothing_that_a_database_refuses() -> None:
    content = message("new@example.jp", subject="a\0b\ud800", base_subject="a\0b\ud800")
    what = arrival(content)
    _, changes = placed(replace(what, author=what.author._replace(name="a\0\ud800")), empty()[0])
    assert [row.subject for row in changes.added[rows.Case]] == ["a\ufffdb?"]  # type: ignore[attr-defined]  # a row of that table
    assert [row.name for row in changes.added[rows.Identity]] == ["a\ufffd?"]  # type: ignore[attr-defined]  # a row of that table


def test_references_can_be_read_aloud_and_do_not_count() -> None:
    found = {new_reference() for _ in range(500)}
    assert len(found) == 500
    assert all(
        re.fullmatch(r"[A-HJKMNPQRSTVWXYZ][0-9A-HJKMNPQRSTVWXYZ]{3}-[0-9A-HJKMNPQRSTVWXYZ]{4}", r)
        for r in found
    )


def test_the_same_unit_or_the_same_mail_is_a_duplicate() -> None:
    before, what = known(), arrival()
    assert duplicate_of(before, what) is None
    before.fingerprints[what.fingerprint] = OURS
    found = duplicate_of(before, what)
    assert found
    assert found[:2] == (40, "duplicate")
    before.units[what.channel, what.unit] = Accepted(41, "accepted")
    again = duplicate_of(before, what)
    assert again
    assert again[:2] == (41, "duplicate")


def test_the_same_unit_of_another_channel_is_none() -> None:
    before, what = known(), arrival()
    before.units["other", what.unit] = Accepted(41, "accepted")
    assert duplicate_of(before, what) is None


def test_a_message_that_is_read_again_is_no_copy_of_itself() -> None:
    what = arrival(rereads=40)
    before = known()
    before.units[what.channel, what.unit] = Accepted(40, "accepted")
    before.fingerprints[what.fingerprint] = OURS
    assert duplicate_of(before, what) is None
    before.fingerprints[what.fingerprint] = OURS._replace(id=39)
    assert duplicate_of(before, what) is not None
