"""Our tokens cannot be guessed, and only a trusted hop is believed."""

from __future__ import annotations

import secrets

import pytest

from gateway.authenticate import Keys, Trust, is_trusted, tokens, vouched
from store.known import Token
from tests.making import KEYS, RELAY, mail, read, with_header

YUKI = "yuki@example.jp"
GIVEN = KEYS.token(7, 41, YUKI)


def test_a_token_leads_back_to_its_case_and_message() -> None:
    assert KEYS.check(GIVEN, YUKI) == Token(7, 41)
    assert KEYS.check(GIVEN.upper(), YUKI) == Token(7, 41)  # some servers change the case


FORGED = {
    "another address (S16)": (GIVEN, "mallory@example.jp"),
    "truncated": (GIVEN[:-1], YUKI),
    "longer": (GIVEN + "0", YUKI),
    "another case": (KEYS.token(8, 41, YUKI).rpartition(".")[0] + GIVEN[-21:], YUKI),
    "another message": (KEYS.token(7, 42, YUKI).rpartition(".")[0] + GIVEN[-21:], YUKI),
    "another key": (Keys(b"x" * 32).token(7, 41, YUKI), YUKI),
    "digits run together": (GIVEN.replace(".", ""), YUKI),
    "a bare number": ("41", YUKI),
    "empty": ("", YUKI),
    "a line end behind it": (GIVEN + "\n", YUKI),
}


@pytest.mark.parametrize(("text", "address"), FORGED.values(), ids=FORGED)
def test_what_is_not_exactly_the_token_is_none_s12(text: str, address: str) -> None:
    assert KEYS.check(text, address) is None


def test_a_hundred_thousand_guesses_never_match_s12() -> None:
    head = GIVEN.rpartition(".")[0]
    hits = sum(
        KEYS.check(f"{head}.{secrets.token_hex(10)}", YUKI) is not None for _ in range(100_000)
    )
    assert hits == 0


def test_tokens_come_from_reply_addresses_and_message_ids_each_once() -> None:
    other = KEYS.token(9, 50, YUKI)
    recipients = (f"support+{GIVEN}@example.com", "help+jp@example.com")
    found = tokens(KEYS, (f"{GIVEN}@example.com", f"{other}@example.com", ""), recipients, YUKI)
    assert found == (Token(7, 41), Token(9, 50))


def test_a_tag_behind_an_address_that_has_a_plus_of_its_own_counts() -> None:
    assert tokens(KEYS, (), (f"help+jp+{GIVEN}@example.com",), YUKI) == (Token(7, 41),)


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
    verdict = vouched((("authentication-results", value),), (), "example.jp")
    assert verdict.authenticated is authenticated
    assert verdict.reason


def test_a_quotation_mark_in_a_comment_hides_no_failure() -> None:
    value = 'mx; spf=pass (a " b) smtp.mailfrom=x@example.jp; dmarc=fail (c " d)'
    assert vouched((("authentication-results", value),), (), "example.jp").reason == "DMARC failed"


@pytest.mark.parametrize(
    ("words", "distrusted"),
    [("(p=reject dis=none)", True), ("policy.published=quarantine", True), ("(p=none)", False)],
)
def test_dmarc_failure_is_distrust_where_the_domain_asks_for_it(
    words: str, distrusted: bool
) -> None:
    value = f"mx; dmarc=fail {words} header.from=example.jp"
    verdict = vouched((("authentication-results", value),), (), "example.jp")
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
    found = Trust((RELAY,), ("mx",)).verdict(read(with_header(mail(), head)), RELAY)
    assert found.authenticated is authenticated


def test_a_stranger_s_word_counts_for_nothing_s09() -> None:
    forged = read(with_header(mail(), [PASS]))
    assert not Trust((RELAY,)).verdict(forged, "198.51.100.1").authenticated
    assert not Trust().verdict(forged, RELAY).authenticated
    assert not Trust().verdict(forged, "").authenticated
    assert Trust((), ("mx",)).verdict(forged, "").authenticated  # a mailbox: its server is named


def test_nobody_vouches_for_a_from_that_names_nobody_s07() -> None:
    found = Trust((RELAY,)).verdict(read(with_header(mail("a@b@example.jp"), [PASS])), RELAY)
    assert not found.authenticated
