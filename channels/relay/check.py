"""The probe of `madoguchi check --connect`: a mail that is begun with a smarthost, never sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

from aiosmtplib import SMTP, SMTPException
from aiosmtplib.response import SMTPResponse

from channels.base import ChannelDown
from channels.mail_compose import clean
from channels.relay import Probe, Relay
from channels.relay.dial import Dial, hang_up
from channels.relay.why import why_no_session


async def tried(dial: Dial, probe: Probe) -> str:
    """What works. Raises ChannelDown with one line for each thing that does not."""
    relay = dial.relay
    try:
        client = await dial.open()
    except (SMTPException, OSError) as error:
        raise ChannelDown(why_no_session(relay, error)) from error
    try:
        wrong = [line async for line in _complaints(client, relay, probe)]
    except (SMTPException, OSError) as error:
        raise ChannelDown(why_no_session(relay, error)) from error
    finally:
        await hang_up(client)
    if wrong:
        raise ChannelDown("\n".join(wrong))
    return _praise(relay, probe)


def _praise(relay: Relay, probe: Probe) -> str:
    protected = {"none": "not encrypted", "starttls": "STARTTLS", "implicit": "TLS"}[relay.tls]
    user = f", logged in as {relay.user}" if relay.user else ""
    to = f"{probe.own} and {probe.tagged}" if probe.tags else probe.own
    return f"{relay} ({protected}{user}) takes mail from <{probe.bounce}> and <{probe.own}> to {to}"


async def _complaints(client: SMTP, relay: Relay, probe: Probe) -> AsyncIterator[str]:
    """The dialogue; RSET takes each beginning back, and DATA is never said."""
    for sender in (probe.bounce, probe.own):
        reply = await _said(client, f"MAIL FROM:<{sender}>")
        if reply.code >= 400:
            yield f"{relay}: {_sender_refused(probe, sender, reply)}"
        elif sender == probe.own:
            for recipient in (probe.own, *((probe.tagged,) if probe.tags else ())):
                reply = await _said(client, f"RCPT TO:<{recipient}>")
                if reply.code >= 400:
                    yield f"{relay}: {_recipient_refused(probe, recipient, reply)}"
        with suppress(SMTPException):
            await _said(client, "RSET")


async def _said(client: SMTP, command: str) -> SMTPResponse:
    return await client.execute_command(command.encode())


def _sender_refused(probe: Probe, sender: str, reply: SMTPResponse) -> str:
    said = f"MAIL FROM:<{sender}> is refused ({_words(reply)})"
    if reply.code < 500:
        return f"{said}; that may pass, so try again in some minutes"
    if reply.code == 530:
        return f"{said}; it wants a log-in: write smtp://USER@HOST:PORT in send, and a password"
    if not sender:
        return f'{said}; say return_path = "bounce"'
    if sender == probe.bounce:
        return f'{said}; say return_path = "null"'
    return f"{said}; the user in send must be allowed to write as {sender}"


def _recipient_refused(probe: Probe, recipient: str, reply: SMTPResponse) -> str:
    said = f"RCPT TO:<{recipient}> is refused ({_words(reply)})"
    if reply.code < 500:
        return f"{said}; that may pass, so try again in some minutes"
    if reply.code == 530:
        return f"{said}; it wants a log-in: write smtp://USER@HOST:PORT in send, and a password"
    if recipient == probe.tagged:
        more = ' and return_path = "null"' if probe.bounce else ""
        return f"{said}; it knows no plus addressing: say reply_tag = false{more}"
    return f"{said}; make that address there, or let this machine or user send through it"


def _words(reply: SMTPResponse) -> str:
    return clean(f"{reply.code} {reply.message}")
