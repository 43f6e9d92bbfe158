"""A token of ours in other hands: who becomes a participant of a case, and who never does."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from store import reading
from store.desk import facts
from tests.making import DESK, KEYS, Desk, mail

YUKI, KENJI = "yuki@example.jp", "Kenji <kenji@work.example>"


class Given(NamedTuple):
    """A case of Yuki's, and what we said in it."""

    message: int
    case: int
    conversation: int
    message_id: str
    reply_to: str


async def begun(desk: Desk, **more: Any) -> Given:
    first = await desk.accept(mail(vouched="example.jp", Message_ID="<hers@example.jp>"), **more)
    said = await desk.one(
        "SELECT a.* FROM messages m JOIN messages a ON a.case_id = m.case_id AND a.direction = 'out'"
        " WHERE m.id = :id",
        id=first.message,
    )
    ids = (first.message, said["case_id"], said["conversation_id"])
    return Given(*ids, f"<{said['message_id']}>", said["reply_to"])


async def row(desk: Desk, message: int) -> dict[str, Any]:
    return await desk.one(
        "SELECT m.*, i.address, i.customer_id AS writer FROM messages m "
        "LEFT JOIN identities i ON i.id = m.identity_id WHERE m.id = :id",
        id=message,
    )


WAYS = {
    "In-Reply-To": lambda g: ({"In_Reply_To": g.message_id}, (DESK,)),
    "References": lambda g: ({"References": f"<x@y.example> {g.message_id} <z@y.example>"}, (DESK,)),
    "the reply address": lambda g: ({}, (g.reply_to,)),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_another_authenticated_author_with_a_token_is_a_participant(
    desk: Desk, way: Any
) -> None:
    given = await begun(desk)
    names, to = way(given)
    joined = await desk.accept(mail(KENJI, "Re: x", vouched="work.example", **names), to=to)
    found = await row(desk, joined.message)
    assert (found["case_id"], found["conversation_id"]) == (given.case, given.conversation)
    assert found["address"] == "email:kenji@work.example"
    assert found["writer"] != found["customer_id"]
    (one,) = await desk.rows("SELECT case_id, identity_id, evidence FROM participants")
    assert (one["case_id"], one["identity_id"]) == (given.case, found["identity_id"])
    assert one["evidence"].startswith("a token of ours")
    event = await desk.one("SELECT * FROM events WHERE type = 'participant.joined'")
    assert event["conversation_id"] == given.conversation
    assert await desk.count("cases") == 1
    assert await desk.count("outbox") == 1  # Yuki's; nothing to Kenji


async def test_participants_are_shown_with_the_case_and_the_conversation(desk: Desk) -> None:
    given = await begun(desk)
    await desk.accept(mail(KENJI, vouched="work.example", In_Reply_To=given.message_id))
    whole = await desk.store.read(lambda c: reading.conversation(c, given.conversation))
    case = await desk.store.read(lambda c: reading.case(c, given.case))
    assert whole
    assert case
    assert whole.participants == case.participants
    assert [(p.case_id, p.address) for p in whole.participants] == [
        (given.case, "email:kenji@work.example")
    ]


async def test_a_participant_s_later_mails_follow_the_thread_or_are_his_own(desk: Desk) -> None:
    given = await begun(desk)
    once = {"Message_ID": "<his@work.example>", "In_Reply_To": given.message_id}
    first = await desk.accept(mail(KENJI, vouched="work.example", **once))
    again = await desk.accept(mail(KENJI, vouched="work.example", In_Reply_To="<his@work.example>"))
    token = await desk.accept(mail(KENJI, vouched="work.example"), to=(given.reply_to,))
    new = await desk.accept(mail(KENJI, "Something else", vouched="work.example"))
    same = await desk.accept(mail(KENJI, "Where is my parcel?", vouched="work.example"))
    stands = [await row(desk, r.message) for r in (first, again, token, new, same)]
    here = [r["conversation_id"] == given.conversation for r in stands]
    assert here == [True, True, True, False, False]
    assert await desk.count("participants") == 1
    assert await desk.count("events WHERE type = 'participant.joined'") == 1


async def test_the_customer_s_own_reply_makes_no_participant(desk: Desk) -> None:
    given = await begun(desk)
    for vouched in ("", "example.jp"):
        reply = await desk.accept(mail(In_Reply_To=given.message_id, vouched=vouched))
        assert (await row(desk, reply.message))["case_id"] == given.case
    assert await desk.count("participants") == 0


async def test_references_alone_let_nobody_in_s14(desk: Desk) -> None:
    """A colleague or a thief in Cc of the customer's first mail knows her Message-ID, not ours."""
    given = await begun(desk)
    answer = await desk.accept(mail(KENJI, vouched="work.example", In_Reply_To="<hers@example.jp>"))
    assert (await row(desk, answer.message))["conversation_id"] != given.conversation


async def test_an_answer_still_goes_to_the_customer_when_a_participant_wrote_last(
    desk: Desk,
) -> None:
    given = await begun(desk)
    await desk.accept(mail(KENJI, vouched="work.example", In_Reply_To=given.message_id))
    found = await desk.store.read(lambda c: facts(c, given.case))
    assert found
    assert [one.identity for one in found.heard] == [f"email:{YUKI}"]


async def test_an_unauthenticated_holder_of_a_token_is_a_case_apart(desk: Desk) -> None:
    given = await begun(desk)
    names = {"In_Reply_To": given.message_id}
    thief = await desk.accept(mail(KENJI, **names), to=(given.reply_to,))
    found = await row(desk, thief.message)
    assert found["conversation_id"] != given.conversation
    assert await desk.count("cases WHERE unverified") == 1
    assert await desk.count("participants") == 0


async def test_a_participant_whom_nobody_vouches_for_is_a_case_apart(desk: Desk) -> None:
    given = await begun(desk)
    names = {"In_Reply_To": given.message_id}
    await desk.accept(mail(KENJI, vouched="work.example", **names))
    forged = await desk.accept(mail(KENJI, body="Pay here", **names))
    assert (await row(desk, forged.message))["conversation_id"] != given.conversation


MACHINES: dict[str, dict[str, str]] = {
    "no-reply": {"sender": "noreply@login.example"},
    "a security address": {"sender": "security@login.example"},
    "a code": {"sender": "hello@login.example", "body": "Your verification code is 471100."},
    "a code in Japanese": {"sender": "hello@login.example", "subject": "認証コード", "body": "471100"},
    "a list": {"sender": "ann@login.example", "List_Id": "<all.login.example>"},
    "an absence": {"sender": "ann@login.example", "Auto_Submitted": "auto-replied"},
    "what asks for silence": {"sender": "ann@login.example", "X_Auto_Response_Suppress": "All"},
}  # fmt: skip


@pytest.mark.parametrize("what", MACHINES.values(), ids=MACHINES)
async def test_a_machine_never_becomes_a_participant_s15(desk: Desk, what: dict[str, str]) -> None:
    given = await begun(desk)
    sent = await desk.accept(mail(**what, vouched="login.example"), to=(given.reply_to,))
    assert (await row(desk, sent.message))["conversation_id"] != given.conversation
    assert await desk.count("participants") == 0


@pytest.mark.parametrize("sender", ["<>", "bounces+77@mailer.example"])
async def test_a_machine_s_return_path_admits_nobody_s15(desk: Desk, sender: str) -> None:
    given = await begun(desk)
    raw = mail(KENJI, vouched="work.example", In_Reply_To=given.message_id)
    await desk.accept(raw, sender=sender)
    assert await desk.count("participants") == 0


async def test_a_person_who_answers_with_a_code_is_a_person(desk: Desk) -> None:
    given = await begun(desk)
    body = "The access code of the door is 4711."
    raw = mail(KENJI, body=body, vouched="work.example", In_Reply_To=given.message_id)
    assert (await row(desk, (await desk.accept(raw)).message))["case_id"] == given.case


async def test_a_participant_reopens_nothing(desk: Desk) -> None:
    given = await begun(desk)
    await desk.accept(mail(KENJI, vouched="work.example", In_Reply_To=given.message_id))
    await resolve(desk, given.case)
    raw = mail(KENJI, body="One more thing", vouched="work.example", In_Reply_To=given.message_id)
    late = await row(desk, (await desk.accept(raw)).message)
    assert late["conversation_id"] != given.conversation
    assert await desk.one("SELECT status FROM cases WHERE id = :i", i=given.case) == {
        "status": "resolved"
    }
    linked = await desk.one(
        "SELECT linked_case_id AS l FROM cases WHERE id = :i", i=late["case_id"]
    )
    assert linked["l"] == given.case


async def resolve(desk: Desk, case: int) -> None:
    await desk.change(
        "UPDATE cases SET status = 'resolved', resolved_at = :at WHERE id = :id",
        at="2026-11-24T02:00:00.000000Z",
        id=case,
    )


async def test_who_was_shown_out_is_let_in_by_no_token(desk: Desk) -> None:
    given = await begun(desk)
    names = {"In_Reply_To": given.message_id, "Message_ID": "<his@work.example>"}
    await desk.accept(mail(KENJI, vouched="work.example", **names))
    await desk.change("UPDATE participants SET removed_at = '2026-11-24T03:00:00.000000Z'")
    for name in (given.message_id, "<his@work.example>"):
        raw = mail(KENJI, body=name, vouched="work.example", In_Reply_To=name)
        late = await row(desk, (await desk.accept(raw, to=(given.reply_to,))).message)
        assert late["conversation_id"] != given.conversation
    assert await desk.count("participants") == 1


async def test_a_token_of_another_channel_lets_nobody_in_s16(desk: Desk) -> None:
    given = await begun(desk)
    raw = mail(KENJI, vouched="work.example", In_Reply_To=given.message_id)
    await desk.accept(raw, channel="other")
    assert await desk.count("participants") == 0


@pytest.mark.parametrize("kind", ["note", "notice"])
async def test_what_we_wrote_to_colleagues_lets_nobody_in_s13(desk: Desk, kind: str) -> None:
    given = await begun(desk)
    await desk.change("UPDATE messages SET kind = :k WHERE direction = 'out'", k=kind)
    await desk.accept(mail(KENJI, vouched="work.example", In_Reply_To=given.message_id))
    assert await desk.count("participants") == 0


async def test_a_message_that_is_read_again_stays_with_its_participant(desk: Desk) -> None:
    given = await begun(desk)
    desk.inline.unreadable = b"poison"
    names = {"In_Reply_To": given.message_id}
    await desk.accept(mail(KENJI, body="poison", vouched="work.example", **names))
    desk.inline.unreadable = b""
    (kept,) = await desk.backlog.waiting("quarantined")
    await desk.backlog.reread(kept)
    assert (await row(desk, kept.id))["case_id"] == given.case
    assert await desk.count("participants") == 1


async def test_what_robots_answer_to_the_return_path_finds_its_case(desk: Desk) -> None:
    """RFC 3834 section 4: responders answer the return path, not Reply-To."""
    given = await begun(desk)
    token = given.message_id[1:].partition("@")[0]
    assert KEYS.check(token, YUKI)
    raw = mail(subject="I am away", Auto_Submitted="auto-replied")
    away = await desk.accept(raw, to=(f"support+bounce-{token}@example.com",))
    assert (await row(desk, away.message))["case_id"] == given.case


async def test_a_bounce_address_lets_nobody_else_in(desk: Desk) -> None:
    given = await begun(desk)
    tag = given.message_id[1:].partition("@")[0]
    raw = mail(KENJI, vouched="work.example")
    await desk.accept(raw, to=(f"support+bounce-{tag}@example.com",))
    assert await desk.count("participants") == 0
