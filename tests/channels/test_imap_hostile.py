"""Servers that misbehave cost a connection: never memory, never a loop, never a mail."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from channels.base import ChannelDown
from channels.imap.mailbox import Mailbox
from tests.channels.imap_box import Ledger, channel, reading, settings, until_true
from tests.channels.imap_peer import GREETING, MAIL, Answer, proxy, script
from tests.daemon.dovecot import dovecot
from tests.daemon.servers import require
from tests.making import NOON, mail

MB = 2**20
FETCH = b"UID FETCH 1 (BODY"


def says(data: bytes) -> Answer:
    """An answer that does not care what was asked."""
    return lambda _: data


@pytest.mark.parametrize(
    ("odd", "greeting"),
    [
        ({}, b"* BYE too many of you\r\n"),
        ({}, b"\x00\xff\xfe what?\r\n"),
        ({}, b""),
        ({b"EXAMINE": says(b"* BYE going down\r\n")}, GREETING),
        ({b"EXAMINE": says(b"\x80\x81\r\n")}, GREETING),
        ({b"EXAMINE": lambda tag: tag + b" OK without a word on UIDs\r\n"}, GREETING),
        ({b"EXAMINE": says(b"* OK " + b"x" * (10 * MB) + b"\r\n")}, GREETING),
        ({b"UID SEARCH": says(b"* SEARCH one two\r\n* SEARCH (\r\n")}, GREETING),
        ({b"UID SEARCH": says(b"* 1 EXISTS\r\n" * 1_000_000)}, GREETING),
        ({FETCH: says(b"* 1 FETCH (UID 1 BODY[]<0> {9999999999}\r\nx")}, GREETING),
        ({FETCH: says(b"* 1 FETCH (UID 1 BODY[]<0> {30}\r\nless")}, GREETING),
    ],
)
async def test_nonsense_costs_a_connection_and_the_mail_comes_with_the_next(
    tmp_path: Path, odd: dict[bytes, Answer], greeting: bytes
) -> None:
    """I08: BYE, garbage, a line of 10 MB, a flood, a literal of 10 GB, silence."""
    ledger = Ledger()
    async with (
        script(odd, greeting=greeting) as server,
        reading(server.port, tmp_path, ledger, timeout=0.5, sent="") as mailbox,
    ):
        if FETCH in odd:  # that mail may be the one to blame: others go first
            await until_true(lambda: server.visits == 2 and mailbox.heard_at is not None)
        else:
            await ledger.holds(1)
            assert ledger.contents == [MAIL]
        assert server.visits == 2
        assert server.written < 16 * MB


async def test_a_mail_that_comes_while_we_look_is_found_without_being_told_again(
    tmp_path: Path,
) -> None:
    """It is told of beside an answer, and in IDLE the server says nothing more of it."""
    ledger, listed = Ledger(), iter([b"* SEARCH\r\n* 1 EXISTS\r\n"])
    odd: dict[bytes, Answer] = {
        b"LOGIN": lambda tag: tag + b" OK [CAPABILITY IMAP4rev1 IDLE] in\r\n",
        b"EXAMINE": lambda tag: (
            b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\n"
            + tag
            + b" OK done\r\n"
        ),
        b"UID SEARCH": lambda tag: next(listed, b"* SEARCH 1\r\n") + tag + b" OK done\r\n",
        b"IDLE": lambda _: b"+ idling\r\n",
    }
    async with (
        script(odd, spoilt=99) as server,
        reading(server.port, tmp_path, ledger, sent="", poll=600, idle=600),
    ):
        await ledger.holds(1)
        assert not ledger.mails[0].transport.history
        assert server.visits == 1


async def test_a_mail_that_is_gone_before_we_fetch_it_is_let_go(tmp_path: Path) -> None:
    """I03: listed, and expunged by somebody else; it is asked for again later, and not at once."""
    ledger = Ledger()
    gone = b"UID FETCH 1 (RFC822.SIZE INTERNALDATE)"
    odd: dict[bytes, Answer] = {gone: lambda tag: tag + b" OK done\r\n"}
    async with (
        script(odd, spoilt=99) as server,
        reading(server.port, tmp_path, ledger, sent="", poll=0.2) as mailbox,
    ):
        await until_true(lambda: sum(c.startswith(b"EXAMINE") for c in server.heard) >= 3)
        assert sum(c.startswith(gone) for c in server.heard) == 1
        assert server.visits == 1
        assert not mailbox.trouble
        folder = mailbox._mailbox._folders["INBOX"]  # type: ignore[union-attr]
        assert set(folder.troubles) == {1}
        assert not folder.flying


@pytest.mark.parametrize("answer", [b"%b NO cannot\r\n", b"* 2 FETCH (UID\r\n%b OK done\r\n"])
async def test_a_mail_that_is_refused_never_blocks_the_next(tmp_path: Path, answer: bytes) -> None:
    """R8: NO or nonsense to one FETCH; the connection goes on."""
    ledger = Ledger()
    odd: dict[bytes, Answer] = {
        b"UID SEARCH": lambda tag: b"* SEARCH 1 2\r\n" + tag + b" OK done\r\n",
        b"UID FETCH 2,1": lambda tag: answer % tag,
        b"UID FETCH 2 ": lambda tag: answer % tag,
    }
    async with (
        script(odd, spoilt=9) as server,
        reading(server.port, tmp_path, ledger, sent="") as mailbox,
    ):
        await ledger.holds(1)
        assert ledger.mails[0].unit == "INBOX;7:1"
        assert server.visits == 1
        assert mailbox.trouble == ""


@pytest.mark.parametrize(
    ("odd", "greeting"), [({}, b"* BYE\r\n"), ({b"UID FETCH": says(b"* BYE\r\n")}, GREETING)]
)
async def test_a_server_that_is_always_mad_is_not_stormed(
    tmp_path: Path, odd: dict[bytes, Answer], greeting: bytes
) -> None:
    """I06: the pauses between tries grow, also where each log-in works."""
    listed = {b"UID SEARCH": lambda tag: b"* SEARCH 1 2 3 4 5\r\n" + tag + b" OK done\r\n"}
    async with (
        script(odd | listed, spoilt=99, greeting=greeting) as server,
        reading(server.port, tmp_path, Ledger(), sent="") as mailbox,
    ):
        began = asyncio.get_running_loop().time()
        await until_true(lambda: server.visits >= 3)
        assert asyncio.get_running_loop().time() - began > 1.0
        assert mailbox.ready == bool(odd)


async def test_a_refused_log_in_is_told_and_not_repeated(tmp_path: Path) -> None:
    """I14: an alert in words, and no lock-out storm."""
    odd: dict[bytes, Answer] = {
        b"LOGIN": lambda tag: tag + b" NO [AUTHENTICATIONFAILED] no such password\r\n"
    }
    async with (
        script(odd, spoilt=99) as server,
        reading(server.port, tmp_path, Ledger()) as mailbox,
    ):
        await until_true(lambda: bool(mailbox.trouble))
        assert "refuses the log-in of support" in mailbox.trouble
        assert "no such password" in mailbox.trouble
        assert server.logins() == 1
        with pytest.raises(ChannelDown, match="refuses the log-in"):
            await mailbox.check()
        assert server.logins() == 2


async def test_a_log_in_that_was_refused_is_tried_once_in_five_minutes(tmp_path: Path) -> None:
    """I14: whoever waits, waits that long; a server in trouble of its own is tried sooner."""
    pauses: dict[bytes, float] = {}
    for word in (b"NO [AUTHENTICATIONFAILED] x", b"NO [UNAVAILABLE] x"):
        answer = word

        def refuse(tag: bytes, answer: bytes = answer) -> bytes:
            return tag + b" " + answer + b"\r\n"

        async with script({b"LOGIN": refuse}, spoilt=99) as server:
            pauses[word] = await asyncio.to_thread(_first_pause, server.port)
    refused, unavailable = pauses.values()
    assert 300 <= refused <= 360
    assert unavailable <= 1


def _first_pause(port: int) -> float:
    """How long a mailbox waits after its first try."""
    mailbox = Mailbox(settings(port), _NoGateway(), lambda: NOON)  # type: ignore[arg-type]
    waited: list[float] = []

    class Stopping(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0)
            self.set()
            return True

    mailbox._stopping = Stopping()
    mailbox.run()
    return waited[0]


class _NoGateway:
    class host:  # noqa: N801  stands for an attribute
        data_dir = Path()


async def test_a_line_that_dies_without_a_word_is_noticed_and_its_mail_found(
    tmp_path: Path,
) -> None:
    """I07: half-open TCP during IDLE; the renewal is what notices, not the poll."""
    require("dovecot")
    ledger = Ledger()
    with dovecot() as server:
        async with (
            proxy(server.imap) as line,
            reading(line.port, tmp_path, ledger, poll=600, idle=1, timeout=1) as mailbox,
        ):
            await until_true(lambda: mailbox.heard_at is not None)
            line.kill()
            await asyncio.to_thread(server.deliver, mail())
            await ledger.holds(1)
            assert line.visits == 2
            assert mailbox.silent_after == timedelta(seconds=4)


async def test_a_stop_does_not_wait_for_a_silent_server(tmp_path: Path) -> None:
    """Whoever hangs in a read is cut off."""
    ledger = Ledger()
    async with script({b"EXAMINE": says(b"")}, spoilt=99) as server:
        async with reading(server.port, tmp_path, ledger, timeout=600) as mailbox:
            await until_true(lambda: any(c.startswith(b"EXAMINE") for c in server.heard))
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 5
        assert not mailbox.trouble


@pytest.mark.parametrize(
    ("odd", "greeting", "said"),
    [
        ({}, b"* BYE closed\r\n", "does not speak IMAP"),
        ({b"LOGIN": lambda tag: tag + b" NO wrong\r\n"}, GREETING, "refuses the log-in of support"),
        ({b"LIST": says(b"* BYE\r\n")}, GREETING, "broke off"),
        ({b"LIST": lambda tag: tag + b" OK done\r\n"}, GREETING, 'no folder "Shop"'),
    ],
)
async def test_check_says_what_does_not_work(
    tmp_path: Path, odd: dict[bytes, Answer], greeting: bytes, said: str
) -> None:
    async with script(odd, greeting=greeting, spoilt=9) as server:
        mailbox = channel(server.port, tmp_path, Ledger(), folders=["Shop"], sent="")
        with pytest.raises(ChannelDown, match=said):
            await mailbox.check()
        await mailbox.close()


async def test_check_names_a_server_that_is_not_there_and_one_without_encryption(
    tmp_path: Path,
) -> None:
    async with script(spoilt=9) as server:
        port = server.port
        mailbox = channel(port, tmp_path, Ledger(), tls="implicit", timeout=2)
        with pytest.raises(ChannelDown, match="no encryption there"):
            await mailbox.check()
        mailbox = channel(port, tmp_path, Ledger(), tls="starttls")
        with pytest.raises(ChannelDown, match="STARTTLS"):
            await mailbox.check()
    with pytest.raises(ChannelDown, match="cannot be reached"):
        await channel(port, tmp_path, Ledger()).check()
