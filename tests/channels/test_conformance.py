"""Our own channels keep the promises of the seam, by the kit that strangers use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels.testing import Ability, Check, checks
from tests.channels.api_double import opened
from tests.channels.conformance import ImapSubject, LineSubject, LmtpSubject, SmtpSubject
from tests.channels.graph_double import Graph, WhatsAppSubject
from tests.channels.http_peer import HttpSubject, other
from tests.channels.line_double import platform
from tests.channels.matrix_channel import MatrixSubject, chat
from tests.channels.slack_double import SlackSubject, workspace
from tests.channels.smtp_sink import sink
from tests.channels.telegram_channel import AskingSubject, CalledSubject
from tests.channels.twilio_double import SmsSubject, Twilio
from tests.channels.web_peer import CANNOT, WebSubject
from tests.daemon.dovecot import Dovecot, dovecot
from tests.daemon.servers import require
from tests.daemon.synapse import Synapse
from tests.telegram_server import bot_server

MAIL: dict[Ability, str] = {
    "units": "a mail that is handed over again is known by its words, not by its transaction",
    "pause": "SMTP replies name no time",
}


LINE: dict[Ability, str] = {
    "key": "a push that comes again with its key is not sent again",
    "vanishes": "a push carries a key by which LINE knows it: trying again is safe",
}
TELEGRAM: dict[Ability, str] = {
    "key": "the Bot API takes no key by which a second try would be known",
}


MATRIX: dict[Ability, str] = {
    "vanishes": "the homeserver knows a transaction that comes again: trying again is safe",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    require("dovecot")
    with dovecot() as running:
        yield running


@pytest.mark.parametrize("check", checks(MAIL), ids=str)
async def test_smtp(check: Check) -> None:
    async with sink() as (it, port):
        await check(SmtpSubject(it, port))


@pytest.mark.parametrize("check", checks(MAIL), ids=str)
async def test_lmtp(check: Check) -> None:
    async with sink() as (it, port):
        await check(LmtpSubject(it, port))


@pytest.mark.daemon
@pytest.mark.parametrize("check", checks(MAIL), ids=str)
async def test_imap(check: Check, server: Dovecot) -> None:
    async with sink() as (it, port):
        await check(ImapSubject(it, port, server, f"u{check.name.encode().hex()[-40:]}"))


@pytest.mark.parametrize("check", checks(LINE), ids=str)
async def test_line(check: Check) -> None:
    with platform() as line:
        await check(LineSubject(line))


@pytest.mark.parametrize("check", checks(), ids=str)
async def test_http(check: Check) -> None:
    async with other() as it:
        await check(HttpSubject(it))


@pytest.mark.parametrize("check", checks(TELEGRAM), ids=str)
async def test_telegram_that_calls(check: Check) -> None:
    with bot_server() as bot:
        await check(CalledSubject(bot))


@pytest.mark.parametrize("check", checks(TELEGRAM), ids=str)
async def test_telegram_that_is_asked(check: Check) -> None:
    with bot_server() as bot:
        await check(AskingSubject(bot))


@pytest.mark.daemon
@pytest.mark.xdist_group("synapse")
@pytest.mark.parametrize("check", checks(MATRIX), ids=str)
async def test_matrix(check: Check, homeserver: Synapse) -> None:
    with chat(homeserver) as one:
        await check(MatrixSubject(one))


SMS: dict[Ability, str] = {"key": "Twilio takes none: what is in doubt stays in doubt"}


@pytest.mark.parametrize("check", checks(SMS), ids=str)
async def test_sms(check: Check) -> None:
    async with opened(Twilio()) as twilio:
        await check(SmsSubject(twilio))


@pytest.mark.parametrize("check", checks(), ids=str)
async def test_whatsapp(check: Check) -> None:
    async with opened(Graph()) as graph:
        await check(WhatsAppSubject(graph))


@pytest.mark.parametrize("check", checks(), ids=str)
async def test_slack(check: Check) -> None:
    async with workspace() as it:
        await check(SlackSubject(it))


@pytest.mark.parametrize("check", checks(CANNOT), ids=str)
async def test_web(check: Check) -> None:
    await check(WebSubject())
