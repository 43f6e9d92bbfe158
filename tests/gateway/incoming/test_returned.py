"""A delivery report ends on the very message, and its address is dead until it writes again."""

from __future__ import annotations

import json

import pytest

from channels.base import InDoubt
from channels.mail_out import bounce_address
from gateway.incoming.returned import identified
from normalizer.message import NULL_SENDER, Address, Bounce, Message
from tests.corpus.bounces import BOUNCES, report
from tests.gateway.delivering import deliver_all
from tests.making import DESK, Desk, mail

QUOTED = "ours-1@example.com"
DEAD = "Final-Recipient: rfc822; hanako@example.jp\nAction: failed\nStatus: 5.1.1"


async def acknowledged(desk: Desk, address: str = "hanako@example.jp") -> str:
    """The Message-ID of an acknowledgement that left for this address."""
    host = address.rpartition("@")[2]
    await desk.accept(mail(address, vouched=host), address)
    await deliver_all(desk)
    return desk.wire.sent[-1].message_id


async def returned(desk: Desk, raw: str, to: str = DESK) -> None:
    octets = raw.replace("\n", "\r\n").encode()
    await desk.accept(octets, NULL_SENDER, to=(to,), peer="192.0.2.200")


async def told(desk: Desk, prefix: str = "address.") -> list[str]:
    query = "SELECT type FROM v_events WHERE type LIKE :like ORDER BY cursor"
    return [row["type"] for row in await desk.rows(query, like=f"{prefix}%")]


async def is_failing(desk: Desk, address: str = "hanako@example.jp") -> bool:
    query = "SELECT failing_since FROM v_identities WHERE address = :address"
    return (await desk.one(query, address=f"email:{address}"))["failing_since"] is not None


async def status(desk: Desk, message_id: str) -> str:
    query = "SELECT status FROM v_messages WHERE message_id = :id"
    return str((await desk.one(query, id=message_id))["status"])


@pytest.mark.parametrize(
    ("permanent", "kind", "raw"), [(b[2], b[3], b[5]) for b in BOUNCES], ids=[b[0] for b in BOUNCES]
)
async def test_the_keyed_return_path_names_the_message_whatever_the_report_quotes(
    desk: Desk, permanent: bool | None, kind: str, raw: str
) -> None:
    """RFC 3464, qmail, Exchange, the Japanese carriers; a delay changes nothing."""
    sent = await acknowledged(desk)
    others = await acknowledged(desk, "yuki@example.jp")
    await returned(desk, raw, bounce_address(DESK, sent))
    assert await status(desk, sent) == ("failed" if permanent else "sent")
    assert await is_failing(desk) is bool(permanent and kind == "hard")
    assert await status(desk, others) == "sent"
    assert not await is_failing(desk, "yuki@example.jp")
    landed = await desk.one(
        "SELECT case_id FROM v_messages WHERE direction = 'in' ORDER BY id DESC LIMIT 1"
    )
    ours = await desk.one("SELECT case_id FROM v_messages WHERE message_id = :id", id=sent)
    assert landed == ours


@pytest.mark.parametrize(
    ("kind", "raw"),
    [(b[3], b[5]) for b in BOUNCES if b[2] and QUOTED in b[5]],
    ids=[b[0] for b in BOUNCES if b[2] and QUOTED in b[5]],
)
async def test_a_report_that_quotes_the_message_needs_no_key(
    desk: Desk, kind: str, raw: str
) -> None:
    sent = await acknowledged(desk)
    await returned(desk, raw.replace(QUOTED, sent))
    assert await status(desk, sent) == "failed"
    assert await is_failing(desk) is (kind == "hard")
    assert await told(desk) == (["address.failing"] if kind == "hard" else [])


async def test_what_a_server_gave_up_has_failed_though_its_reason_may_pass(desk: Desk) -> None:
    """Action: failed with 4.4.7 is what a relay says after five days (RFC 3464 section 2.3.3)."""
    sent = await acknowledged(desk)
    given_up = "Final-Recipient: rfc822; hanako@example.jp\nAction: failed\nStatus: 4.4.7"
    await returned(desk, report(given_up).replace(QUOTED, sent))
    assert await status(desk, sent) == "failed"
    assert not await is_failing(desk)


@pytest.mark.parametrize("how", ["unknown", "wrongly keyed", "made-up address", "no address"])
async def test_a_forged_report_changes_nothing(desk: Desk, how: str) -> None:
    sent = await acknowledged(desk)
    key, _, domain = sent.partition("@")
    forged = f"{key[:-1]}{'0' if key[-1] != '0' else '1'}@{domain}"
    named = forged if how == "wrongly keyed" else "nobody@example.com"
    to = bounce_address(DESK, forged) if how == "made-up address" else DESK
    await returned(desk, report(DEAD).replace(QUOTED, named), to)
    assert await status(desk, sent) == "sent"
    assert not await is_failing(desk)
    assert await told(desk) == []
    assert await told(desk, "delivery.failed") == []


async def test_the_same_report_twice_is_told_once(desk: Desk) -> None:
    sent = await acknowledged(desk)
    for number in range(2):
        again = report(DEAD).replace(QUOTED, sent).replace("<b1@", f"<b{number}@")
        await returned(desk, again)
    assert await told(desk, "delivery.failed") == ["delivery.failed"]
    assert await told(desk) == ["address.failing"]


async def test_a_report_settles_what_was_in_doubt(desk: Desk) -> None:
    """Then the peer did have it, and it has failed."""
    desk.wire.answers = [InDoubt("the connection broke")]
    await desk.accept(mail("hanako@example.jp"))
    await deliver_all(desk, None, "in_doubt")
    sent = str(
        (await desk.one("SELECT message_id FROM messages WHERE direction = 'out'"))["message_id"]
    )
    await returned(desk, report(DEAD), bounce_address(DESK, sent))
    assert await status(desk, sent) == "failed"
    assert await is_failing(desk)


async def test_an_answer_to_the_return_path_is_no_report(desk: Desk) -> None:
    """RFC 3834 section 4: responders write to the return path too, from the null one."""
    sent = await acknowledged(desk)
    away = mail("hanako@example.jp", "I am away", Auto_Submitted="auto-replied")
    await desk.accept(away, NULL_SENDER, to=(bounce_address(DESK, sent),))
    assert await status(desk, sent) == "sent"
    assert not await is_failing(desk)


async def test_who_writes_again_and_surely_is_alive(desk: Desk) -> None:
    """An acknowledgement leaves again; the events name the address."""
    sent = await acknowledged(desk)
    await returned(desk, report(DEAD).replace(QUOTED, sent))
    desk.clock.advance(days=1)
    forged = await desk.accept(mail("hanako@example.jp", "Another matter"), peer="192.0.2.200")
    assert await is_failing(desk)
    assert (await desk.decision(forged.message))["reason"] == "mail to this address fails"
    for number in range(2):
        await desk.accept(mail("hanako@example.jp", f"A third {number}", vouched="example.jp"))
    assert not await is_failing(desk)
    assert await told(desk) == ["address.failing", "address.alive"]
    data = await desk.rows("SELECT data FROM v_events WHERE type LIKE 'address.%'")
    assert {json.loads(row["data"])["address"] for row in data} == {"email:hanako@example.jp"}
    await deliver_all(desk, None, "sent", "failed")
    assert desk.wire.sent[-1].to[0].address == "hanako@example.jp"


async def test_an_old_mail_is_no_sign_of_life(desk: Desk) -> None:
    sent = await acknowledged(desk)
    await returned(desk, report(DEAD).replace(QUOTED, sent))
    old = mail("hanako@example.jp", "Long ago", vouched="example.jp")
    received = desk.clock()
    desk.clock.advance(days=3)
    await desk.accept(old, received_at=received)
    assert await is_failing(desk)


def test_only_reports_are_given_a_message() -> None:
    """And only by an address that could be a return path of ours."""
    at = "support+bounce-1.2.3@example.com"
    assert identified(Message(), (at,)) == Message()
    found = identified(Message(bounce=Bounce(())), ("x@example.com", at)).bounce
    assert found == Bounce((), original_message_id="1.2.3@example.com")
    shown = Message(bounce=Bounce(()), to=(Address("", at),))
    assert identified(shown, ()).bounce == found  # from a mailbox, without an envelope
    for other in ("support+1.2.3@example.com", "support+bounce-@example.com", "bounce-1@x"):
        quoting = Message(bounce=Bounce((), original_message_id="q"))
        assert identified(quoting, (other,)) == quoting
