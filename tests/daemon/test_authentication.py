"""The whole daemon asks a real DNS who wrote, and never keeps a peer waiting for it."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.servers import Site, daemon, lay_out, wait_until
from tests.daemon.window import logged
from tests.dns_server import DnsServer, dns_server
from tests.making import DESK, mail
from tests.signing import key, published, sign

pytestmark = pytest.mark.daemon

RECORDS = {
    ("example.jp", "TXT"): ["v=spf1 ip4:127.0.0.0/8 -all"],
    ("signed.jp", "TXT"): ["v=spf1 -all"],
    ("_dmarc.signed.jp", "TXT"): ["v=DMARC1; p=reject"],
    ("mild.jp", "TXT"): ["v=spf1 -all"],
    ("_dmarc.mild.jp", "TXT"): ["v=DMARC1; p=none"],
    **published("signed.jp"),
}
_SECRET = "Zebra crossing 4711"  # what only a known sender reads back


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Site, DnsServer]]:
    with dns_server(RECORDS) as dns:
        site = lay_out(tmp_path, more=f'\n[authentication]\ndns = "{dns.address}"\n')
        with daemon(site):
            yield site, dns


def send(site: Site, sender: str, raw: bytes) -> float:
    """Hand a mail in; the seconds from the dot to the 250."""
    with smtplib.SMTP("127.0.0.1", site.smtp, timeout=60) as client:
        client.ehlo("mx.example.jp")
        client.mail(sender)
        client.rcpt(DESK)
        began = time.monotonic()
        assert client.data(raw)[0] == 250
        return time.monotonic() - began


def answers(site: Site) -> list[str]:
    return [path.read_text("utf-8", "replace") for path in sorted(site.sent.glob("*"))]


def answered(site: Site, sender: str) -> str:
    """The acknowledgement to a sender, once it is there."""

    def found() -> list[str]:
        return [text for text in answers(site) if f"To: {sender}" in text or f"<{sender}>" in text]

    wait_until(lambda: bool(found()), 60, f"{sender} is acknowledged")
    return found()[0]


def test_who_is_known_is_answered_in_full_who_is_not_in_fixed_words_and_a_forgery_never(
    desk: tuple[Site, DnsServer],
) -> None:
    site, _ = desk
    send(site, "yuki@example.jp", mail("yuki@example.jp", _SECRET))
    assert _SECRET in answered(site, "yuki@example.jp")
    send(site, "taro@elsewhere.jp", sign(mail("taro@signed.jp", _SECRET), "signed.jp"))
    assert _SECRET in answered(site, "taro@signed.jp")
    forged = sign(mail("hana@signed.jp", _SECRET), "signed.jp", key(number=1))
    send(site, "hana@signed.jp", forged)
    send(site, "ken@mild.jp", mail("ken@mild.jp", _SECRET))
    assert _SECRET not in answered(site, "ken@mild.jp")
    assert not [text for text in answers(site) if "hana@" in text]


def test_a_silent_dns_delays_neither_the_250_nor_the_answer(desk: tuple[Site, DnsServer]) -> None:
    """The first mail has its 250 before anybody knows who wrote; all have an answer without that."""
    site, dns = desk
    dns.silent.add("*")
    waits, ends = [], []
    for number in range(5):
        sender = f"a{number}@silent{number}.jp"
        began = time.monotonic()
        waits.append(send(site, sender, mail(sender, _SECRET)))
        assert _SECRET not in answered(site, sender)
        ends.append(time.monotonic() - began)
    print(  # noqa: T201  the figure
        f"DNS silent: 250 after {max(waits):.3f} s at most, answer after {max(ends):.2f} s at most"
    )
    assert len(logged(site, "message.accepted")) == len(waits)
    assert logged(site, "message.read_later")
