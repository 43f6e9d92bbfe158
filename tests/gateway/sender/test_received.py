"""The client of a relay is read from the relay's Received, whatever server wrote it."""

from __future__ import annotations

import time

import pytest

from gateway.sender.received import Hop, read, writer
from gateway.sender.trust import Trust
from normalizer.message import Transport
from tests.making import RELAY, mail, with_header
from tests.making import read as read_mail

STYLES = {
    "Postfix": "from helo.jp (name.jp [198.51.100.1]) by mx.jp (Postfix) with ESMTP id A; Tue",
    "Postfix with TLS": "from helo.jp (name.jp [198.51.100.1]) (using TLSv1.3 with cipher X (256/256 bits)) "
    "(No client certificate requested) by mx.jp (Postfix) with ESMTPS id A; Tue",
    "Postfix, an address as greeting": "from [10.0.0.1] (unknown [198.51.100.1]) by mx.jp (Postfix); Tue",
    "sendmail": "from helo.jp (name.jp [198.51.100.1] (may be forged)) by mx.jp (8.17/8.17) with ESMTP; Tue",
    "OpenSMTPD": "from helo.jp (name.jp [198.51.100.1]) by mx.jp (OpenSMTPD) with ESMTP id a; Tue",
    "Google": "from helo.jp (name.jp. [198.51.100.1]) by mx.google.com with ESMTPS id a; Tue",
    "Exim": "from name.jp ([198.51.100.1] helo=helo.jp) by mx.jp with esmtp (Exim 4.96); Tue",
    "Exim with a port": "from name.jp ([198.51.100.1]:4711 helo=helo.jp) by mx.jp with esmtp; Tue",
    "Exim without a name": "from [198.51.100.1] (helo=helo.jp) by mx.jp with esmtp; Tue",
    "Exim, an address as greeting": "from name.jp ([198.51.100.1] helo=[10.0.0.1]) by mx.jp; Tue",
    "qmail": "from unknown (HELO helo.jp) (198.51.100.1) by mx.jp with SMTP; Tue",
    "Exchange": "from helo.jp (198.51.100.1) by mx.jp (10.0.0.2) with Microsoft SMTP Server; Tue",
}  # fmt: skip


@pytest.mark.parametrize("value", STYLES.values(), ids=STYLES)
def test_every_server_s_manner_is_read(value: str) -> None:
    hop = read(value)
    assert hop
    assert hop.ip == "198.51.100.1"
    assert hop.helo in {"helo.jp", "[10.0.0.1]"}
    assert hop.by in {"mx.jp", "mx.google.com"}
    assert writer(value) == hop.by


def test_version_six_has_two_spellings() -> None:
    for literal in ("[IPv6:2001:db8::1]", "[2001:DB8:0::1]"):
        assert read(f"from a.jp (b.jp {literal}) by mx.jp; Tue") == Hop(
            "2001:db8::1", "a.jp", "mx.jp"
        )


@pytest.mark.parametrize(
    "value",
    [
        "",
        "by mx.jp (Postfix, from userid 0) id A; Tue",
        "from a.jp by mx.jp; Tue",
        "from a.jp (b.jp [198.51.100.1]) with no server; Tue",
        "from a.jp (x [10.0.0.1]) (y [198.51.100.1]) by mx.jp; Tue",
        "from a.jp (b.jp [999.1.1.1]) by mx.jp; Tue",
        "from [198.51.100.1] by mx.jp; Tue",
        "from " + "(" * 5000,
        "from " + "a (" * 900 + " by mx.jp",
    ],
)
def test_what_can_be_read_in_two_ways_or_in_none_says_nothing(value: str) -> None:
    began = time.process_time()
    assert read(value) is None
    assert time.process_time() - began < 1


HOP = "from helo.jp (name.jp [198.51.100.1]) by relay.jp (Postfix) with ESMTP id A; Tue"
INSIDE = "from filter (localhost [127.0.0.1]) by relay.jp (Postfix) with ESMTP id B; Tue"
OTHER = f"from relay2.jp (relay2.jp [{RELAY}]) by relay.jp (Postfix) with ESMTP id C; Tue"
FORGED = "from helo.jp (bank.jp [203.0.113.9]) by relay.jp (Postfix) with ESMTP id D; Tue"


@pytest.mark.parametrize("above", [(), (INSIDE,), (OTHER,), (INSIDE, OTHER)])
def test_behind_relays_the_first_stranger_is_the_client(above: tuple[str, ...]) -> None:
    content = read_mail(with_header(mail(), [("Received", v) for v in (*above, HOP, FORGED)]))
    trust = Trust((RELAY,))
    assert trust.client(content, Transport(peer=RELAY)) == ("198.51.100.1", "helo.jp")
    assert trust.client(content, Transport(peer="203.0.113.1", helo="us.jp")) == (
        "203.0.113.1", "us.jp",
    )  # fmt: skip


def test_without_a_received_of_the_relay_nobody_knows() -> None:
    trust = Trust((RELAY,))
    assert trust.client(read_mail(mail()), Transport(peer=RELAY)) == ("", "")
    odd = read_mail(with_header(mail(), [("Received", "from us by you"), ("Received", FORGED)]))
    assert trust.client(odd, Transport(peer=RELAY)) == ("", "")
