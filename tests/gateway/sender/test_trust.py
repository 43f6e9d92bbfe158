"""Only the hop that we trust is believed, and only what it says of the domain in From."""

from __future__ import annotations

import pytest

from gateway.sender.trust import Trust, Verdict, heard, is_trusted, judged
from gateway.sender.vouch import Mail, by_word
from normalizer.message import Message, Transport
from tests.making import RELAY, mail, read, with_header


@pytest.mark.parametrize(
    ("peer", "relays", "trusted"),
    [
        ("192.0.2.7", ("192.0.2.7",), True),
        ("192.0.2.8", ("192.0.2.7",), False),
        ("192.0.2.8", ("192.0.2.0/24",), True),
        ("2001:db8::1", ("192.0.2.0/24", "2001:db8::/32"), True),
        ("nonsense", ("192.0.2.7",), False),
        ("192.0.2.7", (), False),
    ],
)
def test_a_relay_is_trusted_by_address_or_network(
    peer: str, relays: tuple[str, ...], trusted: bool
) -> None:
    assert is_trusted(peer, relays) is trusted


def said(value: str) -> Verdict:
    found = heard((("authentication-results", value),), ())
    assert found
    return judged(found, "example.jp")


def word(trust: Trust, message: Message, peer: str) -> Verdict:
    return by_word(Mail(message, Transport(peer=peer), trust, 0))[0]


RESULTS = {
    "dmarc": ("mx; dmarc=pass header.from=example.jp", True),
    "dkim by domain": ("mx; dkim=pass header.d=example.jp", True),
    "dkim by identity": ("mx; dkim=pass header.i=@example.jp", True),
    "spf aligned": ("mx; spf=pass smtp.mailfrom=bounce@example.jp", True),
    "a version": ("mx 1; dkim/1=pass header.d=example.jp", True),
    "a comment": ("mx; dkim=pass (2048-bit (rsa) key) header.d=example.jp", True),
    "S10: spf not aligned": ("mx; spf=pass smtp.mailfrom=a@evil.example", False),
    "another domain's dkim": ("mx; dkim=pass header.d=evil.example", False),
    "a subdomain": ("mx; dkim=pass header.d=sub.example.jp", False),
    "nothing passed": ("mx; dkim=fail header.d=example.jp; spf=none", False),
    "a pass in a comment": ("mx; spf=fail (x; dkim=pass header.d=example.jp)", False),
    "a pass in a comment in a comment": ("mx; spf=fail (a (b) ; dkim=pass header.d=example.jp )", False),
    "a pass in a quoted local part": (
        'mx; spf=pass smtp.mailfrom="a; dkim=pass header.d=example.jp; b"@evil.example', False,
    ),
    "a pass in an unended quotation": ('mx; reason="a; dkim=pass header.d=example.jp', False),
    "dmarc failed, dkim passed": ("mx; dkim=pass header.d=example.jp; dmarc=fail", False),
    "empty": ("", False),
    "none": ("mx; none", False),
}  # fmt: skip


@pytest.mark.parametrize(("value", "authenticated"), RESULTS.values(), ids=RESULTS)
def test_a_result_counts_for_the_domain_of_from_only(value: str, authenticated: bool) -> None:
    verdict = said(value)
    assert verdict.authenticated is authenticated
    assert verdict.reason


def test_a_quotation_mark_in_a_comment_hides_no_failure() -> None:
    value = 'mx; spf=pass (a " b) smtp.mailfrom=x@example.jp; dmarc=fail (c " d)'
    assert said(value).reason == "DMARC failed"


@pytest.mark.parametrize(
    ("words", "distrusted"),
    [("(p=reject dis=none)", True), ("policy.published=quarantine", True), ("(p=none)", False)],
)
def test_dmarc_failure_is_distrust_where_the_domain_asks_for_it(
    words: str, distrusted: bool
) -> None:
    value = f"mx; dmarc=fail {words} header.from=example.jp"
    verdict = said(value)
    assert verdict.distrusted is distrusted


PASS = ("Authentication-Results", "mx; dmarc=pass header.from=example.jp")
FAIL = ("Authentication-Results", "mx; dmarc=none")
HOP = ("Received", "from a by b; Tue, 24 Nov 2026 12:00:00 +0900")
HEADS = {
    "the relay's": ([PASS, HOP, HOP], True),
    "below the relay's own Received": ([HOP, PASS, HOP], True),
    "S09: only the topmost counts": ([FAIL, HOP, PASS, HOP], False),
    "S09: below the second Received": ([HOP, HOP, PASS], False),
    "S09: of another server": ([("Authentication-Results", "other; " + PASS[1]), HOP], False),
    "arc is no such word": ([("ARC-Authentication-Results", "i=1; " + PASS[1]), HOP], False),
}


@pytest.mark.parametrize(("head", "authenticated"), HEADS.values(), ids=HEADS)
def test_only_the_trusted_hop_is_believed(head: list[tuple[str, str]], authenticated: bool) -> None:
    found = word(Trust((RELAY,), ("mx",)), read(with_header(mail(), head)), RELAY)
    assert found.authenticated is authenticated


def test_a_stranger_s_word_counts_for_nothing_s09() -> None:
    forged = read(with_header(mail(), [PASS]))
    assert not word(Trust((RELAY,)), forged, "198.51.100.1").authenticated
    assert not word(Trust(), forged, RELAY).authenticated
    assert not word(Trust(), forged, "").authenticated
    assert word(Trust((), ("mx",)), forged, "").authenticated  # a mailbox: its server is named


def test_nobody_vouches_for_a_from_that_names_nobody_s07() -> None:
    found = word(Trust((RELAY,)), read(with_header(mail("a@b@example.jp"), [PASS])), RELAY)
    assert not found.authenticated
