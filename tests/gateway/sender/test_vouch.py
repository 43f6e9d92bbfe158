"""Whether the author is who From says: of our own evaluation, behind a relay, from a mailbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.sender.resolver import Resolver
from gateway.sender.trust import Trust, Verdict
from gateway.sender.vouch import Mail, by_word, judge
from normalizer.message import Transport
from tests.dns_server import DnsServer, resolving
from tests.making import RELAY, mail, read, with_header
from tests.signing import key, published, sign

CLIENT = "198.51.100.1"
RECORDS = {
    ("example.jp", "TXT"): [f"v=spf1 ip4:{CLIENT} -all"],
    ("_dmarc.example.jp", "TXT"): ["v=DMARC1; p=reject"],
    ("evil.example", "TXT"): ["v=spf1 +all"],
    ("calm.jp", "TXT"): ["v=spf1 -all"],
    ("_dmarc.calm.jp", "TXT"): ["v=DMARC1; p=none"],
    **published(),
    **published("news.example.jp"),
    **published("evil.example", key(number=1)),
}
DIRECT = Transport(peer=CLIENT, helo="mx.example.jp", sender="yuki@example.jp")
STRANGER = Transport(peer="203.0.113.66", helo="evil.example", sender="yuki@example.jp")
NOBODY = Trust()
HOP = f"from mx.example.jp (mx.example.jp [{CLIENT}]) by relay.jp (Postfix) with ESMTP id A; Tue"


@asynccontextmanager
async def desk() -> AsyncIterator[tuple[Resolver, DnsServer]]:
    async with resolving(RECORDS) as (resolver, server):
        yield resolver, server


async def verdict(
    resolver: Resolver, raw: bytes, transport: Transport, trust: Trust = NOBODY
) -> Verdict:
    """What ingest comes to: a trusted hop's word first, then our own evaluation."""
    content = Mail(read(raw), transport, trust, 1_800_000_000)
    found, is_settled = by_word(content)
    return found if is_settled else await judge(resolver, content, found.results, 4)


def methods(found: Verdict) -> dict[str, str]:
    return {result.method: result.outcome for result in found.results}


async def test_spf_or_dkim_of_the_very_domain_authenticates() -> None:
    async with desk() as (resolver, _):
        by_spf = await verdict(resolver, mail(), DIRECT)
        assert (by_spf.authenticated, by_spf.reason) == (True, "spf passed for example.jp")
        by_dkim = await verdict(resolver, sign(mail()), STRANGER)
        assert (by_dkim.authenticated, by_dkim.reason) == (True, "dkim passed for example.jp")
        assert methods(by_dkim) == {"dkim": "pass", "spf": "fail", "dmarc": "pass"}


async def test_a_signature_of_the_same_organization_does_too() -> None:
    async with desk() as (resolver, _):
        found = await verdict(resolver, sign(mail(), "news.example.jp"), STRANGER)
        assert found.authenticated
        assert found.speaks_for("news.example.jp")
        assert not found.speaks_for("evil.example")


FORGERIES = {
    "nothing": (mail(), STRANGER),
    "S10: spf of another domain": (mail(), STRANGER._replace(sender="a@evil.example")),
    "a signature of another domain": (sign(mail(), "evil.example", key(number=1)), STRANGER),
    "a signature by another's key": (sign(mail(), by=key(number=1)), STRANGER),
    "a changed body": (sign(mail()) + b"PS: another account number", STRANGER),
    "a changed From": (sign(mail("eve@example.jp")).replace(b"eve@", b"yuki@"), STRANGER),
    "a part of a body": (sign(mail(), length=True) + b"PS", STRANGER),
    "S09: one's own results": (
        with_header(mail(), [("Authentication-Results", "mx; dmarc=pass header.from=example.jp")]),
        STRANGER,
    ),
    "a short key": (sign(mail(), by=key(512)), STRANGER),
}


@pytest.mark.parametrize(("raw", "transport"), FORGERIES.values(), ids=FORGERIES)
async def test_what_is_forged_fails_and_is_distrusted(raw: bytes, transport: Transport) -> None:
    async with desk() as (resolver, _):
        found = await verdict(resolver, raw, transport)
        assert (found.authenticated, found.distrusted) == (False, True)
        assert found.reason == "DMARC failed"


async def test_without_a_policy_or_with_a_mild_one_nobody_is_distrusted() -> None:
    async with desk() as (resolver, _):
        for sender in ("yuki@nobody.jp", "yuki@calm.jp"):
            found = await verdict(resolver, mail(sender), STRANGER)
            assert (found.authenticated, found.distrusted, found.temporary) == (False,) * 3


@pytest.mark.parametrize(
    "sender",
    ["a@b@example.jp", "yuki@example.jp, eve@evil.example", "friends: yuki@example.jp;", "<@>", ""],
)
async def test_a_from_that_names_not_one_mailbox_never_authenticates_s07(sender: str) -> None:
    async with desk() as (resolver, server):
        assert not (await verdict(resolver, mail(sender), DIRECT)).authenticated
        twice = b"From: eve@evil.example\r\n" + mail()
        assert not (await verdict(resolver, sign(twice), DIRECT)).authenticated
        assert server.asked == []


async def test_a_loopback_peer_has_no_free_pass() -> None:
    async with desk() as (resolver, _):
        for peer in ("127.0.0.1", "10.0.0.1", "::1"):
            found = await verdict(resolver, mail(), DIRECT._replace(peer=peer))
            assert found.reason == "DMARC failed"


async def test_behind_a_relay_its_word_counts_and_nobody_is_asked() -> None:
    async with desk() as (resolver, server):
        word = ("Authentication-Results", "relay.jp; dkim=pass header.d=example.jp")
        raw = with_header(mail(), [("Received", HOP), word])
        found = await verdict(resolver, raw, Transport(peer=RELAY), Trust((RELAY,)))
        assert found.authenticated
        assert server.asked == []


async def test_behind_a_relay_that_says_nothing_its_received_tells_the_client() -> None:
    async with desk() as (resolver, _):
        transport = Transport(peer=RELAY, helo="relay.jp", sender="yuki@example.jp")
        raw = with_header(mail(), [("Received", HOP)])
        assert (await verdict(resolver, raw, transport, Trust((RELAY,)))).authenticated
        assert not (await verdict(resolver, raw, transport)).authenticated
        forged = with_header(mail(), [("Received", HOP.replace(CLIENT, "203.0.113.66")), ("Received", HOP)])  # fmt: skip
        assert not (await verdict(resolver, forged, transport, Trust((RELAY,)))).authenticated


async def test_a_relay_s_results_of_the_same_organization_are_weighed_by_its_policy() -> None:
    async with desk() as (resolver, _):
        for domain, authenticated in (("news.example.jp", True), ("evil.example", False)):
            word = ("Authentication-Results", f"relay.jp; dkim=pass header.d={domain}; spf=none")
            raw = with_header(mail(), [("Received", HOP), word])
            found = await verdict(resolver, raw, Transport(peer=RELAY), Trust((RELAY,)))
            assert found.authenticated is authenticated


async def test_a_relay_without_a_name_is_believed_in_its_own_s09() -> None:
    """The sender's own header stands below the relay's Received, where filters write theirs too."""
    async with desk() as (resolver, _):
        word = ("Authentication-Results", "mx.elsewhere; dmarc=pass header.from=example.jp")
        raw = with_header(mail(), [("Received", HOP.replace(CLIENT, "203.0.113.66")), word])
        transport = Transport(peer=RELAY, sender="yuki@example.jp")
        assert (await verdict(resolver, raw, transport, Trust((RELAY,)))).distrusted
        named = Trust((RELAY,), ("mx.elsewhere",))
        assert (await verdict(resolver, raw, transport, named)).authenticated


async def test_in_a_mailbox_only_its_provider_is_believed_and_signatures_speak_for_themselves() -> (
    None
):
    async with desk() as (resolver, _):
        word = ("Authentication-Results", "mx.provider; dmarc=pass header.from=example.jp")
        raw = with_header(mail(), [word])
        assert (
            await verdict(resolver, raw, Transport(), Trust((), ("mx.provider",)))
        ).authenticated
        assert not (
            await verdict(resolver, raw, Transport(), Trust((), ("mx.other",)))
        ).authenticated
        assert not (await verdict(resolver, raw, Transport())).authenticated
        assert (await verdict(resolver, sign(mail()), Transport())).authenticated


async def test_a_silent_dns_is_a_temporary_error_within_the_patience() -> None:
    async with desk() as (resolver, server):
        server.silent.add("*")
        content = Mail(read(sign(mail())), STRANGER, Trust(), 0)
        found = await judge(resolver, content, (), 0.05)
        assert (found.authenticated, found.distrusted) == (False, False)
        assert (found.temporary, found.late) == (True, True)


async def test_a_failing_dns_is_a_temporary_error_that_nobody_waits_for() -> None:
    async with desk() as (resolver, server):
        server.failing.add("*")
        found = await verdict(resolver, mail(), STRANGER)
        assert (found.temporary, found.late) == (True, False)


async def test_a_machine_without_dns_is_not_asked_again() -> None:
    found = await verdict(Resolver(()), sign(mail()), STRANGER)
    assert (found.authenticated, found.temporary, found.late) == (False, False, False)
    silent = await verdict(Resolver([("127.0.0.1", 9)]), sign(mail()), STRANGER)
    assert (silent.authenticated, silent.temporary, silent.late) == (False, True, False)
