"""The spoof matrix: nobody joins by forgery, and every honest one gets in, in the same run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from channels.base import Receipt
from tests.gateway.spoofs import (
    FORGERIES,
    OUR_SERVER,
    PLACINGS,
    THIEF,
    VICTIM,
    Forgery,
    Loot,
    forged,
)
from tests.making import CONFIG, DESK, Desk, mail, opened

TEXT = f"""{CONFIG}trusted_authserv = ["{OUR_SERVER}"]
[[follow_up]]
name = "nudge"
when = "pending"
after = "2 business days"
send = "nudge"
[[staff]]
name = "Aiko"
address = "aiko@corp.example"
notify = ["customer wrote"]
per_hour = 1000
"""
SECRET = "my door code is 1234"  # what the victim wrote, and nobody else may read


class Victim(NamedTuple):
    """Her conversation: a case that waits for her and one that is resolved; what a thief may know."""

    conversation: int
    loot: tuple[Loot, Loot]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, TEXT) as desk:
        yield desk


def honest(sender: str = f"Yuki <{VICTIM}>", subject: str = "Hello", **more: str) -> bytes:
    """A mail whose author our relay vouches for."""
    domain = sender.rpartition("@")[2].rstrip(">")
    stamp = f"Authentication-Results: {OUR_SERVER}; dmarc=pass header.from={domain}\r\n"
    return stamp.encode() + mail(sender, subject, **more)


async def settled(desk: Desk, write: Callable[..., bytes] = honest) -> Victim:
    loot = []
    for subject in ("Where is my parcel?", "The invoice"):
        first = await desk.accept(write(subject=subject, body=SECRET))
        said = await desk.one(
            "SELECT m.message_id AS hers, a.message_id AS ours, a.reply_to, c.reference, c.subject"
            " FROM messages m JOIN cases c ON c.id = m.case_id JOIN messages a"
            " ON a.case_id = c.id AND a.direction = 'out' WHERE m.id = :id",
            id=first.message,
        )
        loot.append(Loot(**said))
    await desk.change(
        "UPDATE cases SET status = 'resolved', resolved_at = '2026-11-24T02:00:00.000000Z'"
        " WHERE subject = 'The invoice'"
    )
    await desk.change("UPDATE cases SET status = 'pending' WHERE subject <> 'The invoice'")
    await desk.change(
        "INSERT INTO follow_ups (id, case_id, conversation_id, rule, cause, state, due_at, reason)"
        " SELECT -id, id, conversation_id, 'nudge', '1', 'pending', '2026-11-26', ''"
        " FROM cases WHERE status = 'pending'"
    )
    seen = await desk.one("SELECT DISTINCT conversation_id AS c FROM messages")
    return Victim(seen["c"], (loot[0], loot[1]))


async def attack(desk: Desk, victim: Victim, forgery: Forgery, *, signs: bool) -> dict[str, int]:
    """All placings of one forgery; how often each led into one of the victim's cases."""
    joined = {}
    numbers = count()
    before = await state(desk, victim)
    for placing, place in PLACINGS.items():
        tries = [beside for loot in victim.loot for beside in place(loot)]
        mails = [forged(forgery, beside, next(numbers), signs=signs) for beside in tries]
        receipts = await asyncio.gather(*(
            desk.accept(raw, THIEF, peer=beside.peer, to=(beside.to,))
            for raw, beside in zip(mails, tries, strict=True)
        ))  # fmt: skip
        assert await state(desk, victim) == before, (placing, forgery)
        joined[placing] = await led_in(desk, victim, [receipt.message for receipt in receipts])
    return joined


async def led_in(desk: Desk, victim: Victim, messages: list[int]) -> int:
    """How many stand in a case of the victim's; each must be a participant's, visibly himself."""
    found = await desk.rows(
        "SELECT m.id, i.address, p.id AS participant FROM messages m"
        " JOIN cases c ON c.id = m.case_id AND NOT c.unverified"
        " LEFT JOIN identities i ON i.id = m.identity_id"
        " LEFT JOIN participants p ON p.case_id = m.case_id AND p.identity_id = m.identity_id"
        " WHERE m.conversation_id = :c AND m.id >= :least",
        c=victim.conversation,
        least=min(messages),
    )
    into = [row for row in found if row["id"] in messages]
    assert all(row["participant"] and row["address"] != f"email:{VICTIM}" for row in into), into
    return len(into)


async def state(desk: Desk, victim: Victim) -> dict[str, Any]:
    """Everything of the victim's that no stranger may change."""
    cases = await desk.rows(
        "SELECT id, status, resolved_at FROM cases WHERE conversation_id = :c AND NOT unverified",
        c=victim.conversation,
    )
    said = await desk.rows(
        "SELECT m.id FROM messages m WHERE m.direction = 'out' AND m.kind <> 'notice'"
        " AND m.conversation_id = :c",
        c=victim.conversation,
    )
    follow_ups = await desk.rows("SELECT id, state FROM follow_ups ORDER BY id")
    identities = await desk.rows(
        "SELECT i.id, i.address, i.failing_since FROM identities i JOIN conversations c"
        " ON c.customer_id = i.customer_id WHERE c.id = :c",
        c=victim.conversation,
    )
    return {
        "cases": {c["id"]: c for c in cases}, "said": said, "follow_ups": follow_ups,
        "identities": identities,
    }  # fmt: skip


async def revealed(desk: Desk, victim: Victim) -> list[str]:
    """What of the victim's stands in anything that we wrote to others but our own people."""
    written = await desk.rows(
        "SELECT subject, text FROM messages WHERE direction = 'out' AND kind <> 'notice'"
        " AND conversation_id <> :c",
        c=victim.conversation,
    )
    secrets = (SECRET, VICTIM, *(loot.reference for loot in victim.loot))
    return [s for row in written for s in secrets if s in str(row.values())]


def each_a_thief(forgeries: tuple[Forgery, ...]) -> Iterator[Forgery]:
    """Whoever was let in once is in: each forgery is another thief's."""
    for number, forgery in enumerate(forgeries):
        yield forgery._replace(lines=forgery.lines.replace("mallory@", f"mallory{number}@"))


# The placings in which a thief holds a token of ours: in the case that is open he may stand with it.
SURE = {
    "stolen References": 1,
    "our Message-ID": 1,
    "the reply address, guessed and stolen (S12)": 1,
}


@pytest.mark.parametrize("signs", [False, True], ids=["unauthenticated", "signs as himself (S10)"])
@pytest.mark.parametrize("forgeries", FORGERIES.values(), ids=FORGERIES)
async def test_nobody_joins_by_forgery_and_every_honest_one_gets_in(
    desk: Desk, forgeries: tuple[Forgery, ...], signs: bool
) -> None:
    """Who signs as himself and holds a token of ours is a participant, and that is all."""
    victim = await settled(desk)
    for forgery in each_a_thief(forgeries):
        joined = await attack(desk, victim, forgery, signs=signs)
        expected = SURE if signs and forgery.himself else {}
        assert {placing: n for placing, n in joined.items() if n} == expected, forgery
    assert await desk.count("participants") == sum(f.himself for f in forgeries) * signs
    assert await revealed(desk, victim) == []
    for control in CONTROLS:
        await control(desk, victim)


async def stands(desk: Desk, receipt: Receipt) -> dict[str, Any]:
    return await desk.one(
        "SELECT m.case_id, m.conversation_id, c.status, c.unverified, i.address FROM messages m"
        " JOIN cases c ON c.id = m.case_id LEFT JOIN identities i ON i.id = m.identity_id"
        " WHERE m.id = :id",
        id=receipt.message,
    )


async def case_of(desk: Desk, reference: str) -> int:
    row = await desk.one("SELECT id FROM cases WHERE reference = :r", r=reference)
    return int(row["id"])


async def her_reply(desk: Desk, victim: Victim) -> None:
    """Her own reply ends the waiting for her, and reopens what was resolved."""
    for loot in victim.loot:
        reply = await desk.accept(honest(subject="Re: x", In_Reply_To=f"<{loot.ours}>"))
        found = await stands(desk, reply)
        assert found["case_id"] == await case_of(desk, loot.reference)
        assert found["status"] == "open"
    assert (await desk.one("SELECT state FROM follow_ups"))["state"] == "cancelled"


async def her_second_matter(desk: Desk, victim: Victim) -> None:
    second = await desk.accept(honest(subject="Another thing"))
    found = await stands(desk, second)
    assert found["conversation_id"] == victim.conversation
    assert not found["unverified"]
    said = await desk.rows(
        "SELECT id FROM messages WHERE direction = 'out' AND case_id = :c", c=found["case_id"]
    )
    assert len(said) == 1


async def her_other_address(desk: Desk, victim: Victim) -> None:
    """Signed, with a token: by header, or by the reply address; and her plus-tagged address."""
    loot = victim.loot[0]
    case = await case_of(desk, loot.reference)
    for sender, names, to in (
        ("Yuki <yuki@work.example>", {"In_Reply_To": f"<{loot.ours}>"}, DESK),
        ("Yuki <yuki@phone.example>", {}, loot.reply_to),
        ("Yuki <yuki+shop@example.jp>", {"References": f"<{loot.ours}>"}, DESK),
    ):
        receipt = await desk.accept(honest(sender, "Re: x", **names), to=(to,))
        assert (await stands(desk, receipt))["case_id"] == case, sender


async def a_colleague_in_cc(desk: Desk, victim: Victim) -> None:
    """She answers us with him in Cc; he answers to all."""
    loot = victim.loot[0]
    cc = {"Cc": "ken@work.example", "Message_ID": "<cc@example.jp>"}
    await desk.accept(honest(subject="Re: x", In_Reply_To=f"<{loot.ours}>", **cc))
    thread = {"In_Reply_To": "<cc@example.jp>", "References": f"<{loot.ours}> <cc@example.jp>"}
    receipt = await desk.accept(honest("Ken <ken@work.example>", "Re: x", **thread))
    found = await stands(desk, receipt)
    assert found["case_id"] == await case_of(desk, loot.reference)
    assert found["address"] == "email:ken@work.example"


async def a_group_s_members(desk: Desk, victim: Victim) -> None:
    """Google Groups write as the group: each member's mail is a conversation of its own."""
    group = {"List_Id": "<all.example.org>", "Precedence": "list", "To": "all@example.org"}
    seen = {victim.conversation}
    for n, who in enumerate(("Ann", "Ben", "Yuki")):
        raw = honest(f"'{who}' via All <all@example.org>", "Where is my parcel?", **group)
        seen.add((await stands(desk, await desk.accept(raw)))["conversation_id"])
        assert len(seen) == n + 2


async def a_colleague_s_reply(desk: Desk, victim: Victim) -> None:
    """She writes once more, a colleague is told, and his answer goes out to her."""
    loot = victim.loot[0]
    await desk.accept(honest(subject="Re: x", In_Reply_To=f"<{loot.ours}>"))
    reply = await answered_by_a_colleague(desk, honest)
    assert reply["case_id"] == await case_of(desk, loot.reference)


async def answered_by_a_colleague(desk: Desk, write: Callable[..., bytes]) -> dict[str, Any]:
    """What goes out when Aiko answers the mail that told her last."""
    told = await desk.rows("SELECT reply_to FROM messages WHERE kind = 'notice' ORDER BY id")
    answer = write("Aiko <aiko@corp.example>", "Re: x", body="It left today.")
    await desk.accept(answer, "aiko@corp.example", to=(told[-1]["reply_to"],))
    reply = await desk.one("SELECT * FROM messages WHERE kind = 'reply'")
    assert (reply["direction"], reply["text"]) == ("out", "It left today.")
    assert json.loads(reply["recipients"])["to"] == [["Yuki", VICTIM]]
    return reply


CONTROLS = (
    her_reply,
    her_second_matter,
    her_other_address,
    a_colleague_in_cc,
    a_colleague_s_reply,
    a_group_s_members,
)
