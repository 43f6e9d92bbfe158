"""A real Postfix as the smarthost: what it accepts from us, and what it delivers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from channels.base import ChannelDown, Host, Rejected
from channels.mail import MailSettings
from channels.mail_out import MailOut
from normalizer.message import Address, Message, Part
from tests.bench import postfix
from tests.daemon.servers import require, wait_until

pytestmark = pytest.mark.daemon

ANSWER = Message(
    kind="acknowledgement",
    message_id="1.2.token@example.com",
    in_reply_to="question@example.com",
    to=(Address("山田 太郎", "yuki@example.com"),),
    reply_to=(Address("", "support+1.2.token@example.com"),),
    subject="Re: 注文した商品がまだ届きません。いつごろ発送されますか",
    text=".\n..\nお問い合わせありがとうございます。\n",
)


@pytest.fixture(scope="module")
def relay() -> Iterator[postfix.Postfix]:
    require("master", "postfix")
    with postfix.start() as running:
        yield running


@asynccontextmanager
async def mail_out(relay: postfix.Postfix, tmp_path: Path, **more: str) -> AsyncIterator[MailOut]:
    known = {"name": "mail", "type": "smtp", "addresses": ["support@example.com"]}
    send = f"smtp://127.0.0.1:{relay.port}?tls=none"
    settings = MailSettings.model_validate(known | {"send": send} | more)
    out = MailOut(settings, Host("mx.example.com", tmp_path))
    yield out
    await out.close()


def delivered(relay: postfix.Postfix, message_id: str) -> EmailMessage:
    """The mail as Postfix put it into its Maildir."""
    found: list[EmailMessage] = []

    def arrived() -> bool:
        mails = (file.read_bytes() for file in relay.delivered.glob("*"))
        read = (message_from_bytes(octets, policy=policy.default) for octets in mails)
        found.extend(mail for mail in read if mail["Message-ID"] == f"<{message_id}>")
        return bool(found)

    wait_until(arrived, 60, f"Postfix delivers {message_id}")
    return found[0]


async def test_an_acknowledgement_reaches_the_mailbox(
    relay: postfix.Postfix, tmp_path: Path
) -> None:
    """With the null return path, and everything as it was written."""
    async with mail_out(relay, tmp_path) as out:
        await out.check()
        assert "queued as" in (await out.send(ANSWER, "1")).peer_id
    mail = await asyncio.to_thread(delivered, relay, ANSWER.message_id)
    assert mail["Return-Path"] == "<>"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["To"] == "山田 太郎 <yuki@example.com>"
    assert mail["Subject"] == ANSWER.subject
    assert mail["References"] == "<question@example.com>"
    assert mail.get_content().replace("\r\n", "\n") == ANSWER.text


async def test_a_reply_with_everything_reaches_the_mailbox(
    relay: postfix.Postfix, tmp_path: Path
) -> None:
    """A person's reply, HTML, a file, a local part with two dots, and a copy."""
    data = bytes(range(256)) * 200
    part = Part(
        role="attachment",
        content_type="application/pdf",
        size=len(data),
        sha256="",
        data=data,
        filename="請求書 2026年11月分.pdf",
    )
    reply = Message(
        kind="reply",
        message_id="2.2.token@example.com",
        to=(Address("", "foo..bar@example.com"),),
        cc=(Address("", "ken@example.com"),),
        subject="Your invoice",
        text="Here it is.\n",
        html="<p>Here it is.</p>",
        parts=(part,),
    )
    async with mail_out(relay, tmp_path) as out:
        await out.send(reply, "2")
    mail = await asyncio.to_thread(delivered, relay, reply.message_id)
    assert mail["Return-Path"] == "<support@example.com>"
    assert mail["Auto-Submitted"] is None
    [file] = mail.iter_attachments()
    assert file.get_filename() == part.filename
    assert file.get_content() == data


async def test_an_address_beyond_ascii_reaches_the_mailbox(
    relay: postfix.Postfix, tmp_path: Path
) -> None:
    """SMTPUTF8 all the way (RFC 6531)."""
    mail = Message(
        kind="notice", message_id="3@example.com", to=(Address("", "用户@example.com"),), text="x"
    )
    async with mail_out(relay, tmp_path, return_path="bounce") as out:
        await out.send(mail, "3.3.token")
    read = await asyncio.to_thread(delivered, relay, "3@example.com")
    assert read["Return-Path"] == "<support+bounce-3.3.token@example.com>"
    assert "用户@example.com" in str(read["To"])


async def test_a_hundred_at_once_are_all_taken(relay: postfix.Postfix, tmp_path: Path) -> None:
    async with mail_out(relay, tmp_path) as out:
        mails = [Message(to=ANSWER.to, message_id=f"{n}@bulk", text="x") for n in range(100)]
        sent = await asyncio.gather(*(out.send(mail, mail.message_id) for mail in mails))
    assert len({peer_id for (peer_id,) in sent}) == 100


async def test_a_recipient_that_postfix_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    require("master", "postfix")
    refused = Message(kind="notice", to=(Address("", "nobody@nowhere.invalid"),), text="x")
    with postfix.start({"smtpd_recipient_restrictions": "reject_unauth_destination"}) as closed:
        async with mail_out(closed, tmp_path) as out:
            with pytest.raises(Rejected, match="Relay access denied") as error:
                await out.send(refused, "5")
    assert error.value.reason == "content"


async def test_encryption_that_postfix_does_not_offer_is_not_done_without(
    relay: postfix.Postfix, tmp_path: Path
) -> None:
    send = f"smtp://127.0.0.1:{relay.port}?tls=starttls"
    async with mail_out(relay, tmp_path, send=send) as out:
        with pytest.raises(ChannelDown, match="STARTTLS"):
            await out.send(ANSWER, "6")
