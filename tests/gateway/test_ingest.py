"""How a message gets in, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest

from channels.base import Unavailable
from gateway import ingest as module
from gateway.readers import ReaderDied, Readers, TooSlow
from store import whole
from store.engine import StoreUnavailable
from store.shapes import Author
from tests.making import DESK, KEYS, Desk, envelope, mail, opened, with_header

YUKI = "yuki@example.jp"


async def test_a_mail_is_one_conversation_one_case_one_acknowledgement(desk: Desk) -> None:
    receipt = await desk.accept(mail(vouched="example.jp"))
    assert receipt.outcome == "accepted"
    shown = await desk.rows("SELECT * FROM v_messages ORDER BY id")
    assert [(row["direction"], row["kind"]) for row in shown] == [
        ("in", "message"), ("out", "acknowledgement"),
    ]  # fmt: skip
    assert {row["case_id"] for row in shown} == {shown[0]["case_id"]}
    assert desk.woken == ["mail"]


HOPS = [("Received", "from a by other-path; Tue, 24 Nov 2026 12:00:01 +0900")]


async def test_the_same_mail_by_two_paths_and_to_two_addresses_is_one_message(desk: Desk) -> None:
    raw = mail(To="support@example.com, sales@example.com")
    ends = [
        await desk.accept(raw),
        await desk.accept(with_header(raw, HOPS), to=("sales@example.com",)),
        await desk.accept(raw.replace(b"\r\n", b"\n")),
    ]
    assert [end.outcome for end in ends] == ["accepted", "duplicate", "duplicate"]
    assert len({end.message for end in ends}) == 1
    assert await desk.count("ledger") == 3
    assert await desk.count("outbox") == 1


async def test_twenty_at_once_are_one_message(desk: Desk) -> None:
    raw = mail()
    ends = await asyncio.gather(*(desk.accept(raw) for _ in range(20)))
    assert sorted(end.outcome for end in ends) == ["accepted"] + 19 * ["duplicate"]
    assert await desk.count("messages WHERE direction = 'in'") == 1
    assert (await desk.count("outbox"), await desk.count("ledger")) == (1, 20)


async def test_without_a_message_id_the_same_bytes_are_the_same_mail(desk: Desk) -> None:
    raw = mail(Message_ID="")
    ends = [await desk.accept(raw), await desk.accept(raw), await desk.accept(raw + b"x")]
    assert [end.outcome for end in ends] == ["accepted", "duplicate", "accepted"]


async def test_the_same_message_id_with_another_body_is_two_messages_i12(desk: Desk) -> None:
    first, second = (mail(Message_ID="<same@x.example>", body=body) for body in "ab")
    assert (await desk.accept(first)).outcome == "accepted"
    again = await desk.accept(second)
    assert again.outcome == "accepted"
    row = await desk.one("SELECT reading FROM messages WHERE id = :id", id=again.message)
    assert "same-message-id" in row["reading"]


async def test_a_message_id_that_was_sent_ahead_swallows_nothing_i12(desk: Desk) -> None:
    """An attacker who guesses the Message-ID of a customer's next mail uses it first."""
    same = {"Message_ID": "<next@example.jp>", "subject": "Order"}
    ahead = await desk.accept(mail("mallory@evil.example", vouched="evil.example", **same))
    hers = await desk.accept(mail(vouched="example.jp", **same))
    answer = await desk.accept(mail(vouched="example.jp", In_Reply_To="<next@example.jp>"))
    found = await desk.rows("SELECT id, conversation_id AS c, reading FROM messages ORDER BY id")
    stand = {row["id"]: row for row in found}
    assert hers.outcome == "accepted"
    assert "same-message-id" in stand[hers.message]["reading"]
    assert stand[ahead.message]["c"] != stand[hers.message]["c"] == stand[answer.message]["c"]


async def test_no_message_id_and_the_same_second_are_two_messages_i13(desk: Desk) -> None:
    first, second = (mail(Message_ID="", body=body) for body in ("One box.", "Two boxes."))
    ends = [await desk.accept(raw) for raw in (first, second)]
    assert [end.outcome for end in ends] == ["accepted", "accepted"]
    assert len({end.message for end in ends}) == 2


async def test_the_real_address_is_shown_beside_a_name_that_imitates_another_s08(
    desk: Desk,
) -> None:
    receipt = await desk.accept(mail('"ceo@corp.example" <mallory@evil.example>'))
    opened = await desk.store.read(lambda c: whole.message(c, receipt.message))
    assert opened
    assert opened.message.author == Author(
        name="ceo@corp.example", address="mallory@evil.example", authenticated=False
    )


async def conversations(desk: Desk, *mails: bytes) -> list[int]:
    found = []
    for raw in mails:
        receipt = await desk.accept(raw)
        row = await desk.one(
            "SELECT conversation_id AS c FROM messages WHERE id = :id", id=receipt.message
        )
        found.append(int(row["c"]))
    return found


LIST = {"List_Id": "<all.example.org>", "Precedence": "list"}
BEHIND_ONE_ADDRESS = {
    "a form with Reply-To": [
        mail("Shop <form@shop.example>", Reply_To=f"{who}@example.jp", subject="Order")
        for who in ("a", "b")
    ],
    "a form that is our own address": [
        mail(DESK, Reply_To=f"{who}@example.jp", subject="Order") for who in ("a", "b")
    ],
    "a list that rewrites From": [
        mail(f"'{who}' via All <all@example.org>", subject="Order", **LIST) for who in ("A", "B")
    ],
    "a relay that vouches for the list": [
        mail(f"{who} via All <all@example.org>", vouched="example.org", **LIST) for who in ("A", "B")
    ],
    "malformed (S07)": [mail("a@b@c.example", subject="Order") for _ in range(2)],
}  # fmt: skip


@pytest.mark.parametrize("mails", BEHIND_ONE_ADDRESS.values(), ids=BEHIND_ONE_ADDRESS)
async def test_two_people_behind_one_address_never_meet(desk: Desk, mails: list[bytes]) -> None:
    first, second = await conversations(desk, *mails)
    assert first != second


async def acknowledged(desk: Desk, message: int) -> dict[str, Any]:
    """What we said about a message."""
    return await desk.one(
        "SELECT a.* FROM messages m JOIN messages a ON a.case_id = m.case_id "
        "AND a.kind = 'acknowledgement' WHERE m.id = :id",
        id=message,
    )


async def case_of(desk: Desk, message: int) -> int:
    row = await desk.one("SELECT case_id FROM messages WHERE id = :id", id=message)
    return int(row["case_id"])


async def test_an_answer_to_our_acknowledgement_continues_the_case(desk: Desk) -> None:
    first = await desk.accept(mail())
    said = await acknowledged(desk, first.message)
    by_header = await desk.accept(mail(In_Reply_To=f"<{said['message_id']}>", subject="Re: x"))
    by_address = await desk.accept(mail(subject="y", vouched="example.jp"), to=(said["reply_to"],))
    cases = {await case_of(desk, r.message) for r in (first, by_header, by_address)}
    assert len(cases) == 1
    assert await desk.count("outbox") == 1


async def test_a_mailbox_knows_no_envelope_so_the_tag_in_to_counts(desk: Desk) -> None:
    first = await desk.accept(mail(vouched="example.jp"))
    said = await desk.one("SELECT * FROM messages WHERE direction = 'out'")
    answer = mail(subject="y", vouched="example.jp", To=f"Support <{said['reply_to']}>")
    by_tag = await desk.accept(answer, to=())
    cases = await desk.rows("SELECT DISTINCT case_id FROM messages WHERE direction = 'in'")
    assert len(cases) == 1
    assert by_tag.message != first.message


async def test_a_person_with_reply_to_elsewhere_is_known_again_by_our_token(desk: Desk) -> None:
    first = await desk.accept(mail(Reply_To="yuki@work.example"))
    said = await acknowledged(desk, first.message)
    again = await desk.accept(
        mail(Reply_To="yuki@work.example", In_Reply_To=f"<{said['message_id']}>")
    )
    assert await case_of(desk, again.message) == await case_of(desk, first.message)


async def test_a_token_of_another_s_opens_no_door_to_nobody_known_s12_s13_s14(desk: Desk) -> None:
    first = await desk.accept(mail())
    said = await acknowledged(desk, first.message)
    names = {"In_Reply_To": f"<{said['message_id']}>", "Cc": YUKI}
    thief = await desk.accept(mail("mallory@evil.example", **names), to=(said["reply_to"],))
    found = await desk.rows(
        "SELECT conversation_id AS c, customer_id AS k FROM messages WHERE id IN (:a, :b)",
        a=first.message,
        b=thief.message,
    )
    assert len({row["c"] for row in found}) == len({row["k"] for row in found}) == 2


async def test_a_forged_from_neither_reopens_nor_continues(desk: Desk) -> None:
    """Without our token, an unauthenticated mail in Yuki's name is a case apart."""
    first = await desk.accept(mail(Message_ID="<hers@example.jp>", vouched="example.jp"))
    forged = await desk.accept(
        mail(In_Reply_To="<hers@example.jp>", References="<hers@example.jp>"), peer="198.51.100.9"
    )
    assert await case_of(desk, first.message) != await case_of(desk, forged.message)
    row = await desk.one(
        "SELECT unverified FROM cases WHERE id = :c", c=await case_of(desk, forged.message)
    )
    assert row["unverified"]


async def test_a_login_code_sent_to_a_reply_address_joins_nobody_s15(desk: Desk) -> None:
    first = await desk.accept(mail())
    said = await acknowledged(desk, first.message)
    code = mail("noreply@login.example", body="Your code is 471100", vouched="login.example")
    sent = await desk.accept(code, to=(said["reply_to"],))
    (seen,) = await desk.rows(
        "SELECT DISTINCT conversation_id AS c FROM messages WHERE id = :i", i=first.message
    )
    (other,) = await desk.rows(
        "SELECT conversation_id AS c FROM messages WHERE id = :i", i=sent.message
    )
    assert seen != other
    assert await desk.count("outbox") == 1


async def test_our_own_mail_coming_back_is_recognised_l11(desk: Desk) -> None:
    first = await desk.accept(mail())
    said = await acknowledged(desk, first.message)
    back = mail(DESK, said["subject"], said["text"], Message_ID=f"<{said['message_id']}>")
    again = await desk.accept(back)
    assert await case_of(desk, again.message) == await case_of(desk, first.message)
    assert await desk.count("conversations") == 1
    assert await desk.count("outbox") == 1


@pytest.mark.parametrize("trouble", [TooSlow, ReaderDied])
async def test_what_cannot_be_read_in_time_is_durable_and_acknowledged_later(
    desk: Desk, trouble: type[Exception]
) -> None:
    desk.inline.troubles = [trouble()]
    receipt = await desk.accept(mail())
    assert receipt.outcome == "accepted"
    row = await desk.one("SELECT status FROM v_messages")
    assert row["status"] == "unread"
    (kept,) = await desk.backlog.waiting("unread")
    await desk.backlog.reread(kept)
    shown = await desk.rows("SELECT id, status, kind FROM v_messages ORDER BY id")
    assert (shown[0]["id"], shown[0]["kind"]) == (receipt.message, "message")
    assert shown[0]["status"] == "stored"
    assert [r["kind"] for r in shown] == ["message", "acknowledgement"]


@pytest.mark.parametrize("date", ["", "Mon, 1 Jan 0000 00:00:00 +0000", "Thu, 1 Jan 1970 00:00:00 GMT",
                                  "1 Jan 99999 00:00:00 +0000", "Tue, 24 Nov 2026 12:00:00 +9999",
                                  "Tue, 1 Jan 0001 00:00:00 +2300", "31 Dec 9999 23:59:59 -2300", "tomorrow"])  # fmt: skip
async def test_the_date_header_decides_nothing_t06(desk: Desk, date: str) -> None:
    receipt = await desk.accept(mail(Date=date))
    row = await desk.one("SELECT received_at FROM messages WHERE id = :i", i=receipt.message)
    assert row["received_at"] == "2026-11-24T03:00:00.000000Z"
    assert await desk.count("outbox") == 1


ODD = {
    "controls": "=?utf-8?q?a=00b=0Bc=0Cd?=",
    "line separators": "=?utf-8?q?a=E2=80=A8b=C2=85c?=",
    "a line end": "=?utf-8?q?a=0D=0ABcc:_victim=40example.org?=",
    "right to left": "=?utf-8?q?=E2=80=AEfdp.exe?=",
    "half a surrogate pair": "=?utf-8?q?=ED=A0=80?=",
    "bytes of no charset": "=?x-none?q?=FF=FE?=",
    "100 kB": "x" * 100_000,
}


@pytest.mark.parametrize("subject", ODD.values(), ids=ODD)
async def test_an_odd_subject_is_stored_and_answered_on_one_short_line_s03(
    desk: Desk, subject: str
) -> None:
    first = await desk.accept(mail(subject=subject, vouched="example.jp"))
    said = await acknowledged(desk, first.message)
    assert len(said["subject"]) <= 250
    assert not {category(c) for c in said["subject"]} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


async def test_an_address_with_a_line_end_in_it_is_never_written_to_s04(desk: Desk) -> None:
    await desk.accept(mail("=?utf-8?q?yuki=0D=0ABcc:x=40y.jp?= <yuki\r\n @example.jp>"))
    await desk.accept(mail('"yuki\\\r\n x"@example.jp'))
    written = await desk.rows("SELECT recipients FROM messages WHERE direction = 'out'")
    assert not [r for r in written if "\\r" in r["recipients"] or "\\n" in r["recipients"]]


async def test_a_mail_that_cannot_be_read_opens_a_case_from_its_envelope(desk: Desk) -> None:
    desk.inline.unreadable = b"poison"
    receipt = await desk.accept(mail(body="poison"), sender=YUKI)
    assert receipt.outcome == "quarantined"
    row = await desk.one("SELECT * FROM v_messages")
    assert (row["status"], row["direction"]) == ("quarantined", "in")
    who = await desk.one("SELECT address FROM v_identities")
    assert who["address"] == f"email:{YUKI}"
    assert await desk.count("cases WHERE status = 'new'") == 1


async def test_our_own_address_on_an_unreadable_mail_is_no_customer_l10(desk: Desk) -> None:
    desk.inline.unreadable = b"poison"
    await desk.accept(mail(body="poison"), sender=DESK)
    assert not await desk.rows("SELECT * FROM v_identities WHERE address LIKE '%support@%'")


async def test_a_store_in_trouble_is_a_reason_to_come_again(desk: Desk) -> None:
    for error, code in ((StoreUnavailable("locked"), 451), (StoreUnavailable("x", full=True), 452)):

        def broken(_: Any, error: Exception = error) -> Any:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(error)
            return future

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(desk.store, "commit_inbound", broken)
            with pytest.raises(Unavailable) as caught:
                await desk.accept(mail())
        assert caught.value.code == code
        assert "locked" not in str(caught.value)
    assert (await desk.accept(mail())).outcome == "accepted"


async def test_a_store_that_hangs_is_a_reason_to_come_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    monkeypatch.setattr(
        desk.store, "commit_inbound", lambda _: asyncio.get_running_loop().create_future()
    )
    with pytest.raises(Unavailable):
        await desk.accept(mail())


async def test_a_mail_that_could_not_be_stored_leaves_no_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: Any) -> Any:
        raise StoreUnavailable("full", full=True)

    raw = mail(Content_Type="application/pdf", body="x" * 300_000)
    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "keep", full)
        with pytest.raises(Unavailable):
            await desk.accept(raw)
    assert desk.store.blobs.clear_spool() == 0
    assert (await desk.accept(raw)).outcome == "accepted"
    assert desk.store.blobs.clear_spool() == 0


async def test_mail_by_no_channel_of_ours_is_history(desk: Desk) -> None:
    receipt = await desk.accept(mail(), channel="import")
    assert (await desk.decision(receipt.message))["reason"].startswith("history")
    assert await desk.count("outbox") == 0


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk with two reading processes."""
    (tmp_path / "spool").mkdir()
    readers = Readers(2, tmp_path / "spool")
    await readers.start()
    try:
        async with opened(tmp_path, readers=readers) as desk:
            await readers.read(envelope(mail()), patient=True)
            yield desk
    finally:
        await readers.close()


async def test_the_whole_way_through_real_readers(real: Desk) -> None:
    raw = mail(vouched="example.jp")
    ends = await asyncio.gather(*(real.accept(raw) for _ in range(20)))
    assert "accepted" in {end.outcome for end in ends}
    for kept in await real.backlog.everything("unread"):
        await real.backlog.reread(kept)
    assert await real.count("messages WHERE direction = 'in'") == 1
    assert (await real.count("outbox"), await real.count("ledger")) == (1, 20)


async def test_a_token_is_given_for_the_message_that_carries_it(desk: Desk) -> None:
    first = await desk.accept(mail())
    said = await acknowledged(desk, first.message)
    token = KEYS.check(said["message_id"].partition("@")[0], YUKI)
    assert token == (said["case_id"], said["id"])
    assert said["reply_to"] == f"support+{said['message_id'].partition('@')[0]}@example.com"
