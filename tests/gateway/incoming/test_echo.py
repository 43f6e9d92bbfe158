"""Our own words from somebody to whom we did not say them: no acknowledgement, but a case."""

from __future__ import annotations

from typing import Any

from gateway.incoming.echo import carried, marks
from gateway.words import Words
from tests.making import Desk, mail, message

STRANGER, OTHER = "yuki@example.jp", "other@example.org"


async def said(desk: Desk, sender: str = STRANGER, **more: Any) -> dict[str, Any]:
    """Somebody writes, and this is what we said to it."""
    await desk.accept(mail(sender, **more), sender)
    return await desk.one(
        "SELECT m.*, c.reference FROM messages m JOIN cases c ON c.id = m.case_id"
        " WHERE m.kind = 'acknowledgement' ORDER BY m.id DESC LIMIT 1"
    )


async def answered(desk: Desk, raw: bytes, sender: str = OTHER, **more: Any) -> str:
    """Why a mail is not acknowledged; "" if it is."""
    receipt = await desk.accept(raw, sender, **more)
    assert receipt.outcome == "accepted"
    decision = await desk.decision(receipt.message)
    return "" if decision["outcome"] == "sent" else decision["reason"]


def test_each_language_has_words_that_do_not_change() -> None:
    found = marks(Words())
    assert "This confirmation was sent automatically." in found
    assert "※受付のお知らせとして自動でお送りしています。" in found
    assert "We have received your message (reference" in found
    assert not carried(message(text="K4TZ-9QHM is my serial number"), found)
    assert carried(message(text=f"> K4TZ-9QHM\n> {found[0]}"), found) == ("K4TZ-9QHM",)


async def test_our_text_from_a_new_address_is_an_echo_l12(desk: Desk) -> None:
    ours = await said(desk)
    for sender, vouched in ((OTHER, ""), ("third@example.net", "example.net")):
        raw = mail(sender, ours["subject"], ours["text"], vouched=vouched)
        assert await answered(desk, raw) == "it carries what we said to somebody else"
    cases = await desk.rows("SELECT DISTINCT conversation_id FROM cases")
    assert len(cases) == 3  # each has one of his own; never the stranger's


async def test_our_subject_alone_is_enough(desk: Desk) -> None:
    ours = await said(desk)
    assert "carries" in await answered(desk, mail(OTHER, f"Re: {ours['subject']}", "Noted."))


async def test_an_answer_to_another_s_mail_is_an_echo(desk: Desk) -> None:
    ours = await said(desk)
    raw = mail(OTHER, "Case 7", "Yes.", In_Reply_To=f"<{ours['message_id']}>")
    assert await answered(desk, raw) == "it answers what we said to somebody else"
    tagged = await answered(desk, mail(OTHER, "Case 8", "Yes."), to=(ours["reply_to"],))
    assert tagged == "it answers what we said to somebody else"


async def test_our_message_id_on_another_s_mail_is_an_echo_l11(desk: Desk) -> None:
    ours = await said(desk)
    raw = mail(OTHER, "Something else", "Entirely.", Message_ID=f"<{ours['message_id']}>")
    assert await answered(desk, raw) == "it answers what we said to somebody else"


async def test_a_reference_that_somebody_types_is_no_echo(desk: Desk) -> None:
    ours = await said(desk)
    raw = mail(OTHER, f"About {ours['reference']}", f"It is {ours['reference']}, still broken!")
    assert not await answered(desk, raw)


async def test_a_reference_of_nobody_s_is_no_echo(desk: Desk) -> None:
    text = "K4TZ-9QHM\nThis confirmation was sent automatically."
    assert not await answered(desk, mail(OTHER, "Serial number", text))


async def test_threads_of_others_are_no_echo(desk: Desk) -> None:
    raw = mail(OTHER, In_Reply_To="<1.2.0123456789abcdef0123@elsewhere.example>")
    assert not await answered(desk, raw)


async def test_the_customer_who_answers_long_after_is_acknowledged_again(desk: Desk) -> None:
    ours = await said(desk, vouched="example.jp")
    await desk.store.write(_resolve)
    desk.clock.advance(days=30)
    raw = mail(STRANGER, vouched="example.jp", In_Reply_To=f"<{ours['message_id']}>")
    assert not await answered(desk, raw, STRANGER)


def _resolve(connection: Any, _: object) -> None:
    connection.exec_driver_sql(
        "UPDATE cases SET status = 'resolved', resolved_at = '2026-11-24T03:00:00.000000Z'"
    )
