"""What a peer may say, in which order, and for whom we take mail."""

from __future__ import annotations

import asyncio
import smtplib
from itertools import product
from pathlib import Path

import pytest

from channels.smtp.address import Recipients
from tests.channels.smtp_peer import MAIL, NOW, OURS, desk


async def test_a_mail_by_smtplib_arrives_as_it_was_sent(tmp_path: Path) -> None:
    def deliver(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="peer.example") as client:
            client.sendmail("yuki@example.jp", [OURS], MAIL)

    async with desk(tmp_path) as running:
        await asyncio.to_thread(deliver, running.port)
        (envelope,) = running.gateway.envelopes
    assert envelope.raw == MAIL
    assert (envelope.channel, envelope.format, envelope.received_at) == ("mail", "rfc5322", NOW)
    assert envelope.transport.peer == "127.0.0.1"
    assert envelope.transport.helo == "peer.example"
    assert envelope.transport.sender == "yuki@example.jp"
    assert envelope.transport.recipients == (OURS,)


async def test_the_reply_names_the_unit_of_the_envelope(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).in_content()
        reply = await peer.say(MAIL + b".\r\n")
        assert reply == f"250 2.0.0 queued as {running.gateway.envelopes[0].unit}\r\n"


async def test_ehlo_offers_what_holds_and_nothing_else(tmp_path: Path) -> None:
    async with desk(tmp_path, max_size="1 MiB", smtputf8=False) as running:
        peer = await (await running.peer()).greeted()
        offered = (await peer.say("EHLO x")).splitlines()
    assert offered == [
        "250-mx.example",
        "250-SIZE 1048576",
        "250-8BITMIME",
        "250-PIPELINING",
        "250 ENHANCEDSTATUSCODES",
    ]


async def test_pipelined_commands_are_answered_in_order(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).helloed()
        await peer.send(
            b"MAIL FROM:<a@example.jp>\r\nRCPT TO:<nobody@example.com>\r\n"
            b"RCPT TO:<support@example.com>\r\nDATA\r\n"
        )
        codes = [(await peer.reply())[:3] for _ in range(4)]
        assert codes == ["250", "550", "250", "354"]
        # RFC 2920 section 3.1: the next transaction may follow the final dot at once.
        await peer.send(MAIL + b".\r\nMAIL FROM:<b@example.jp>\r\nRSET\r\nQUIT\r\n")
        assert [(await peer.reply())[:3] for _ in range(5)] == ["250", "250", "250", "221", ""]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["MAIL FROM:<a@b.example>"], "503 5.5.1"),
        (["EHLO x", "RCPT TO:<support@example.com>"], "503 5.5.1"),
        (["EHLO x", "DATA"], "503 5.5.1"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "DATA"], "503 5.5.1"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "MAIL FROM:<a@b.example>"], "503 5.5.1"),
        (["EHLO x", "MAIL FROM:a@b.example"], "501 5.1.7"),
        (["EHLO x", "MAIL FROM:<a@b.example> RET=FULL"], "555 5.5.4"),
        (["EHLO x", "MAIL FROM:<a@b.example> BODY=BINARYMIME"], "501 5.5.4"),
        (["EHLO x", "MAIL FROM:<a@b.example> SIZE=ten"], "501 5.5.4"),
        (["EHLO x", "MAIL FROM:<a@b.example> SIZE=99999999"], "552 5.3.4"),
        (["EHLO x", "MAIL FROM:<ä@b.example>"], "553 5.6.7"),
        (["EHLO"], "501 5.5.4"),
        (["EHLO x", "AUTH PLAIN AAAA"], "502 5.5.1"),
        (["STARTTLS"], "502 5.5.1"),
        (["GET / HTTP/1.1"], "500 5.5.1"),
        ([""], "500 5.5.1"),
    ],
)
async def test_what_is_out_of_order_or_malformed_gets_its_code(
    tmp_path: Path, lines: list[str], code: str
) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).greeted()
        for line in lines[:-1]:
            assert (await peer.say(line)).startswith("250")
        assert (await peer.say(lines[-1])).startswith(code)


async def test_a_full_disk_is_told_before_the_mail(tmp_path: Path) -> None:
    async with desk(tmp_path, full=lambda: True) as running:
        peer = await (await running.peer()).helloed()
        assert (await peer.say("MAIL FROM:<a@b.example>")).startswith("452 4.3.1")


@pytest.mark.parametrize(
    "recipient",
    [OURS, "Support@Example.COM", "support+ref.x7@example.com", '"support"@example.com'],
)
async def test_our_addresses_are_taken_in_any_case_and_with_a_tag(
    tmp_path: Path, recipient: str
) -> None:
    async with desk(tmp_path) as running:
        await (await running.peer()).addressed(recipient)


async def test_p11_a_thousand_relay_probes_pass_nothing(tmp_path: Path) -> None:
    foreign = [f"victim{n}@elsewhere{n}.example" for n in range(20)]
    forms = [
        "{}", "{}%@example.com", '"{}"@example.com', "support%{}@example.com", "{}!support",
        "@example.com:{}", "@elsewhere.example,@example.com:{}", "support+{}@example.com",
        "{}@example.com", "elsewhere.example!{}@example.com", '"support@example.com"%{}',
        "support@example.com%{}", "support@example.com@{}", "{}+support@example.com.",
        "support@[127.0.0.1]{}", "support@example.com.{}", "support@{}", "{}:support@example.com",
        '"support+{}"@example.com', "<support@example.com>{}", "support\\@{}", "support {}",
        "support,{}", "support@example.com,{}", "support@example.com\x00{}",
        "support/{}@example.com", "|{}@example.com", "SMTP:{}", "=?utf-8?q?{}?=@example.com",
        "postmaster+{}@example.com", "{}%example.com@example.com", "support@EXAMPLE.com%00{}",
        "ｓupport@example.com+{}", "support@example.com\t{}", "x400:/s={}/@example.com",
        "support..{}@example.com", ".support@example.com{}", "support@@{}", "@{}", "{}@",
        "support@example.com:25{}", "support#{}@example.com", "'{}'@example.com",
        "support@exampIe.com{}", "support;{}@example.com", "support@ example.com{}",
        "`{}`@example.com", "$(x){}@example.com", "support\u200b@example.com{}", "\udcff{}",
    ]  # fmt: skip
    probes = [form.format(victim) for form, victim in product(forms, foreign)]
    assert len(probes) >= 1000
    async with desk(tmp_path, max_bad_commands=100_000) as running:
        peer = await (await running.peer()).mailed()
        for probe in probes:
            await peer.send(b"RCPT TO:<%s>\r\n" % probe.encode("utf-8", "surrogateescape"))
        replies = [await peer.reply() for _ in probes]
    assert {reply[:3] for reply in replies} <= {"550", "501", "553", "555"}
    assert replies[0].startswith("550 5.7.1")


async def test_an_unknown_mailbox_of_ours_is_told_from_a_foreign_domain(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).mailed()
        assert (await peer.say("RCPT TO:<nobody@example.com>")).startswith("550 5.1.1")
        assert (await peer.say("RCPT TO:<support@example.org>")).startswith("550 5.7.1")


async def test_p12_recipients_end_at_the_limit(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).mailed()
        await peer.send(f"RCPT TO:<{OURS}>\r\n".encode() * 5000)
        replies = [await peer.reply() for _ in range(5000)]
        assert [reply[:9] for reply in replies] == ["250 2.1.5"] * 100 + ["452 4.5.3"] * 4900
        assert (await peer.say("DATA")).startswith("354")
        assert (await peer.say(MAIL + b".\r\n")).startswith("250")
    assert len(running.gateway.envelopes[0].transport.recipients) == 100


async def test_p18_a_null_sender_is_welcome(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).helloed()
        for line in ("MAIL FROM:<>", f"RCPT TO:<{OURS}>"):
            assert (await peer.say(line)).startswith("250")
        await peer.say("DATA")
        assert (await peer.say(MAIL + b".\r\n")).startswith("250 2.0.0")
    assert running.gateway.envelopes[0].transport.sender == "<>"


async def test_p19_addresses_beyond_ascii_go_round(tmp_path: Path) -> None:
    addresses = ["窓口@例え.jp"]
    async with desk(tmp_path, addresses=addresses) as running:
        peer = await (await running.peer()).greeted()
        assert "SMTPUTF8" in await peer.say("EHLO x")
        lines = ["MAIL FROM:<ゆき@例.jp> SMTPUTF8 BODY=8BITMIME", "RCPT TO:<窓口@例え.jp>"]
        for line in [*lines, "RCPT TO:<窓口+札@xn--r8jz45g.jp>"]:
            assert (await peer.say(line)).startswith("250")
        await peer.say("DATA")
        assert (await peer.say("件名\r\n".encode() + b".\r\n")).startswith("250 2.0.0")
    (envelope,) = running.gateway.envelopes
    assert envelope.transport.sender == "ゆき@例.jp"
    assert envelope.transport.recipients == ("窓口@例え.jp", "窓口+札@xn--r8jz45g.jp")
    assert envelope.raw == "件名\r\n".encode()


async def test_an_address_with_dots_where_carriers_put_them_is_taken(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        peer = await (await running.peer()).helloed()
        assert (await peer.say("MAIL FROM:<b..c.@docomo.ne.jp>")).startswith("250")


def test_a_configured_tag_or_percent_sign_is_an_address_like_any_other() -> None:
    recipients = Recipients(["a+shop@example.com", "100%@example.com"])
    assert recipients.knows("A+shop@example.com")
    assert recipients.knows("100%@example.com")
    assert not recipients.knows("a@example.com")
