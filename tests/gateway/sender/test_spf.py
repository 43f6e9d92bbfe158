"""SPF by the letter of RFC 7208: mechanisms, macros, limits, and whose domain is asked."""

from __future__ import annotations

import time
from ipaddress import ip_address

import pytest

from gateway.sender.resolver import Answer, DnsTrouble
from gateway.sender.spf import Ask, check, parse
from gateway.sender.spf_macros import Facts, Malformed, expand
from tests.dns_server import Records

SENDER = "yuki@example.jp"
HELO = "mx.example.jp"
RECORDS: Records = {
    ("example.jp", "A"): ["192.0.2.10"],
    ("example.jp", "AAAA"): ["2001:db8::10"],
    ("example.jp", "MX"): ["mx.example.jp", "mx2.example.jp"],
    ("mx.example.jp", "A"): ["192.0.2.20"],
    ("mx2.example.jp", "A"): ["192.0.2.21"],
    ("ok.jp", "TXT"): ["v=spf1 ip4:192.0.2.0/24 -all"],
    ("no.jp", "TXT"): ["v=spf1 -all"],
    ("soft.jp", "TXT"): ["v=spf1 ~all"],
    ("broken.jp", "TXT"): ["v=spf1 ipv4:192.0.2.1 -all"],
    ("twice.jp", "TXT"): ["v=spf1 -all", "v=spf1 +all"],
    ("loop.jp", "TXT"): ["v=spf1 include:loop.jp -all"],
    ("mail.jp", "TXT"): ["v=spf1 exists:%{ir}.%{l1r+-}.%{d} -all"],
    ("10.2.0.192.yuki.mail.jp", "A"): ["127.0.0.2"],
    ("10.2.0.192.in-addr.arpa", "PTR"): ["host.example.jp", "liar.example.jp"],
    ("host.example.jp", "A"): ["192.0.2.10"],
    ("many.jp", "MX"): [f"mx{i}.many.jp" for i in range(11)],
}


def asking(record: str = "", trouble: str = "") -> Ask:
    """The DNS as a dict; `record` is that of example.jp, `trouble` a name that nobody answers for."""
    known = {**RECORDS, ("example.jp", "TXT"): ["some other text", record] if record else []}

    async def ask(name: str, kind: str) -> Answer:
        if name == trouble:
            raise DnsTrouble
        records = known.get((name, kind), [])
        return Answer(tuple(records), bool(records) or any(name == n for n, _ in known))

    return ask


@pytest.mark.parametrize(
    ("record", "ip", "outcome"),
    [
        ("", "192.0.2.10", "none"),
        ("v=spf10 +all", "192.0.2.10", "none"),
        ("v=spf1", "192.0.2.10", "neutral"),
        ("V=SPF1 +ALL", "192.0.2.10", "pass"),
        ("v=spf1 -all", "192.0.2.10", "fail"),
        ("v=spf1 ~all", "127.0.0.1", "softfail"),
        ("v=spf1 ?all", "10.0.0.1", "neutral"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.10", "pass"),
        ("v=spf1 ip4:192.0.2.11 -all", "192.0.2.10", "fail"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "::ffff:192.0.2.10", "pass"),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::1", "pass"),
        ("v=spf1 ip6:2001:db8::/32 -all", "192.0.2.10", "fail"),
        ("v=spf1 a -all", "192.0.2.10", "pass"),
        ("v=spf1 a -all", "2001:db8::10", "pass"),
        ("v=spf1 a/24 -all", "192.0.2.99", "pass"),
        ("v=spf1 a:mx.example.jp/30//64 -all", "192.0.2.23", "pass"),
        ("v=spf1 a//120 -all", "2001:db8::1f", "pass"),
        ("v=spf1 mx -all", "192.0.2.21", "pass"),
        ("v=spf1 mx/24 -all", "192.0.3.1", "fail"),
        ("v=spf1 ptr -all", "192.0.2.10", "pass"),
        ("v=spf1 ptr:mple.jp -all", "192.0.2.10", "fail"),
        ("v=spf1 include:ok.jp -all", "192.0.2.10", "pass"),
        ("v=spf1 include:no.jp ~all", "192.0.2.10", "softfail"),
        ("v=spf1 -include:ok.jp +all", "192.0.2.10", "fail"),
        ("v=spf1 redirect=ok.jp", "192.0.2.10", "pass"),
        ("v=spf1 ?all redirect=ok.jp", "192.0.2.10", "neutral"),
        ("v=spf1 include:mail.jp -all", "192.0.2.10", "pass"),
        ("v=spf1 exp=why.jp unknown=%{d} -all", "192.0.2.10", "fail"),
    ],
)
async def test_a_record_says_who_may_send(record: str, ip: str, outcome: str) -> None:
    assert await check(asking(record), ip, SENDER, HELO) == (outcome, "example.jp")


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 ipv4:192.0.2.1 -all",
        "v=spf1 ip4:192.0.2.256 -all",
        "v=spf1 ip4 -all",
        "v=spf1 a/33 -all",
        "v=spf1 a/032 -all",
        "v=spf1 a: -all",
        "v=spf1 all:example.jp",
        "v=spf1 include -all",
        "v=spf1 include:ok.jp/24 -all",
        "v=spf1 redirect=ok.jp redirect=no.jp",
        "v=spf1 redirect=",
        "v=spf1 include:nobody.jp -all",
        "v=spf1 redirect=nobody.jp",
        "v=spf1 include:broken.jp -all",
        "v=spf1 include:twice.jp -all",
        "v=spf1 exists:%{x}.jp -all",
        "v=spf1 exists:%{d0}.jp -all",
        "v=spf1 include:loop.jp -all",
        "v=spf1 mx:many.jp -all",
        "v=spf1 a:n1.jp a:n2.jp a:n3.jp -all",
        "v=spf1 " + "include:soft.jp " * 11 + "-all",
    ],
)
async def test_what_cannot_be_evaluated_is_a_permanent_error(record: str) -> None:
    """Errors of syntax, records that are missing where one must be, and the limits of section 4.6.4."""
    assert await check(asking(record), "192.0.2.10", SENDER, HELO) == ("permerror", "example.jp")


async def test_ten_questions_are_allowed() -> None:
    record = "v=spf1 " + "include:no.jp " * 10 + "+all"
    assert (await check(asking(record), "192.0.2.10", SENDER, HELO))[0] == "pass"


@pytest.mark.parametrize("trouble", ["example.jp", "ok.jp", "mx.example.jp"])
async def test_a_dns_that_does_not_answer_is_a_temporary_error(trouble: str) -> None:
    ask = asking("v=spf1 mx include:ok.jp -all", trouble)
    assert (await check(ask, "192.0.2.10", SENDER, HELO))[0] == "temperror"


async def test_without_a_sender_the_greeting_is_asked_about() -> None:
    assert await check(asking(), "192.0.2.10", "", "OK.jp.") == ("pass", "ok.jp")
    assert await check(asking(), "192.0.2.10", "<>", "ok.jp") == ("pass", "ok.jp")
    assert await check(asking(), "192.0.2.10", "", "[192.0.2.10]") == ("none", "[192.0.2.10]")
    assert (await check(asking("v=spf1 +all"), "unix socket", SENDER, HELO))[0] == "none"


# RFC 7208 section 7.4 with its facts: the sender strong-bad@email.example.com from two addresses.
FOUR = Facts(ip_address("192.0.2.3"), "strong-bad", "email.example.com", "")
SIX = FOUR._replace(ip=ip_address("2001:db8::cb01"))


@pytest.mark.parametrize(
    ("text", "facts", "name"),
    [
        ("%{s}", FOUR, "strong-bad@email.example.com"),
        ("%{d4}", FOUR, "email.example.com"),
        ("%{d2}", FOUR, "example.com"),
        ("%{dr}", FOUR, "com.example.email"),
        ("%{d2r}", FOUR, "example.email"),
        ("%{l-}", FOUR, "strong.bad"),
        ("%{lr-}", FOUR, "bad.strong"),
        ("%{l1r-}", FOUR, "strong"),
        ("%{ir}.%{v}._spf.%{d2}", FOUR, "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", FOUR,
         "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", FOUR, "example.com.trusted-domains.example.net"),
        ("%{ir}.%{v}._spf.%{d2}", SIX,
         "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"),
        ("%%-%_-%-", FOUR, "%- -%20"),
        ("%{S}", FOUR, "strong-bad%40email.example.com"),
    ],
)  # fmt: skip
def test_macros_are_those_of_the_standard(text: str, facts: Facts, name: str) -> None:
    assert expand(text, "email.example.com", facts) == name


def test_a_name_that_gets_too_long_loses_labels_on_the_left() -> None:
    found = expand("%{l}." + "x" * 60 + ".example.jp", "", FOUR._replace(local="a." * 120 + "z"))
    assert len(found) <= 253
    assert found.endswith("x.example.jp")


@pytest.mark.parametrize("text", ["%", "%{d", "%{}", "%{d2x}", "%a"])
def test_a_macro_that_nobody_knows_is_no_macro(text: str) -> None:
    with pytest.raises(Malformed):
        expand(text, "example.jp", FOUR)


def test_a_hostile_record_costs_no_time() -> None:
    began = time.process_time()
    for word in ("a" * 60_000, "a:" + "/" * 60_000, "=" * 60_000, "a/" + "1" * 60_000):
        with pytest.raises(ValueError, match=r"."):
            parse(f"v=spf1 {word} {word}")
    assert time.process_time() - began < 2
