"""A chain of forwarders counts if every seal holds, and only the word of those whom we chose."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.sender.resolver import Resolver
from gateway.sender.trust import Trust, Verdict
from gateway.sender.vouch import Mail, by_word, judge
from normalizer.email.chains import MAX_HOPS
from normalizer.message import Transport
from tests.dns_server import DnsServer, resolving
from tests.making import mail, read, with_header
from tests.signing import key, published, seal, sign

LIST = "lists.example"
RECORDS = {
    ("_dmarc.example.jp", "TXT"): ["v=DMARC1; p=reject"],
    ("_dmarc.work.jp", "TXT"): ["v=DMARC1; p=quarantine"],
    ("evil.example", "TXT"): ["v=spf1 +all"],
    **published(LIST, key(number=2)),
    **published("other.example", key(number=3)),
    **published("evil.example", key(number=1)),
}
SEALERS = {LIST: key(number=2), "other.example": key(number=3), "evil.example": key(number=1)}
PEER = Transport(peer="203.0.113.66", helo=LIST, sender=f"bounces@{LIST}")
PASSED = "dmarc=pass header.from=example.jp"
FAILED = "dmarc=fail header.from=example.jp"


@asynccontextmanager
async def desk() -> AsyncIterator[tuple[Resolver, DnsServer]]:
    async with resolving(RECORDS) as (resolver, server):
        yield resolver, server


def passed_on(raw: bytes, domain: str = LIST, said: str = PASSED, arc: str = "") -> bytes:
    """The mail as a server passes it on that saw this of its author, and of the chain so far."""
    return seal(raw, domain, SEALERS[domain], said, arc)


def chain(*hops: tuple[str, str]) -> bytes:
    """A mail of Yuki's that went through these domains, each of which said this of its author."""
    raw = mail(subject="[all] Where is my parcel?")
    for number, (domain, said) in enumerate(hops):
        raw = passed_on(raw, domain, said, "pass" if number else "")
    return raw


async def verdict(
    resolver: Resolver, raw: bytes, sealers: tuple[str, ...] = (LIST,), now: float = 1_800_000_000
) -> Verdict:
    content = Mail(read(raw), PEER, Trust(sealers=sealers), now)
    found, is_settled = by_word(content)
    return found if is_settled else await judge(resolver, content, found.results, 4)


def arc(found: Verdict) -> tuple[str, str, str]:
    """What stands of the chain: its outcome, who sealed last, and why."""
    (result,) = (r for r in found.results if r.method == "arc")
    return result.outcome, result.domain, result.reason


async def test_a_list_that_we_chose_speaks_for_the_author_whose_mail_it_changed() -> None:
    async with desk() as (resolver, _):
        found = await verdict(resolver, chain((LIST, PASSED)))
        assert arc(found) == ("pass", LIST, "")
        assert (found.authenticated, found.distrusted) == (True, False)
        assert found.reason == f"it passed for example.jp before {LIST} passed the mail on"
        assert found.speaks_for("example.jp")


async def test_a_chain_of_anybody_else_is_written_down_and_changes_nothing() -> None:
    async with desk() as (resolver, _):
        for sealers in ((), ("other.example",), ("example",), (f"a.{LIST}",)):
            found = await verdict(resolver, chain((LIST, PASSED)), sealers)
            assert arc(found) == ("pass", LIST, "")
            assert (found.authenticated, found.distrusted) == (False, True)
            assert not found.speaks_for(LIST)


async def test_a_mail_that_was_never_passed_on_has_no_result_of_it() -> None:
    async with desk() as (resolver, _):
        assert [r.method for r in (await verdict(resolver, mail())).results] == ["spf", "dmarc"]
        signed = sign(passed_on(mail("a@evil.example")), "evil.example", key(number=1))
        found = await verdict(resolver, signed)
        assert found.authenticated
        assert "arc" not in [r.method for r in found.results], "nothing is left to be proved"


async def test_the_first_of_those_that_we_trust_without_a_gap_is_believed() -> None:
    both = (LIST, "other.example")
    async with desk() as (resolver, _):
        two = chain((LIST, PASSED), ("other.example", FAILED))
        assert (await verdict(resolver, two, both)).authenticated
        assert not (await verdict(resolver, two, (LIST,))).authenticated
        assert not (await verdict(resolver, two, ("other.example",))).authenticated
        three = chain((LIST, PASSED), ("evil.example", PASSED), ("other.example", FAILED))
        found = await verdict(resolver, three, both)
        assert arc(found) == ("pass", "other.example", "")
        assert found.distrusted, "a stranger stands between"


async def test_what_a_stranger_wrote_before_a_trusted_hop_is_not_believed() -> None:
    """A forger seals that he saw the victim, and lets a trusted forwarder add its honest seal."""
    async with desk() as (resolver, _):
        found = await verdict(resolver, chain(("evil.example", PASSED), (LIST, FAILED)))
        assert arc(found)[0] == "pass"
        assert (found.authenticated, found.distrusted) == (False, True)


@pytest.mark.parametrize(
    "said",
    [FAILED, "dmarc=none header.from=example.jp", "dmarc=pass header.from=evil.example",
     "spf=pass smtp.mailfrom=a@evil.example", "dkim=pass header.d=evil.example",
     f"{FAILED}; dkim=pass header.d=example.jp"],
)  # fmt: skip
async def test_a_trusted_hop_that_saw_nothing_of_the_author_proves_nothing(said: str) -> None:
    async with desk() as (resolver, _):
        found = await verdict(resolver, chain((LIST, said)))
        assert (found.authenticated, found.distrusted) == (False, True)


@pytest.mark.parametrize(
    "said", ["spf=pass smtp.mailfrom=yuki@example.jp", "dkim=pass header.d=news.example.jp"]
)
async def test_spf_or_dkim_that_it_saw_are_weighed_by_the_author_s_policy(said: str) -> None:
    async with desk() as (resolver, _):
        assert (await verdict(resolver, chain((LIST, said)))).authenticated


def fields(raw: bytes) -> tuple[list[bytes], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    return re.split(rb"\r\n(?![ \t])", head), body


def without(name: bytes, number: int) -> Callable[[bytes], bytes]:
    """A mail without this field of this hop."""

    def change(raw: bytes) -> bytes:
        kept, body = fields(raw)
        begin, mark = name.lower() + b":", b"i=%d;" % number
        gone = [f for f in kept if f.lower().startswith(begin) and mark in f]
        assert len(gone) == 1
        return b"\r\n".join(f for f in kept if f not in gone) + b"\r\n\r\n" + body

    return change


def swapped(raw: bytes) -> bytes:
    """The two hops by each other's number."""
    return re.sub(rb"\bi=([12]);", lambda m: b"i=%d;" % (3 - int(m[1])), raw)


def twice(raw: bytes) -> bytes:
    """The newest seal stands there twice."""
    kept, _ = fields(raw)
    assert kept[0].lower().startswith(b"arc-seal")
    return kept[0] + b"\r\n" + raw


def renamed(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        assert old in raw
        return raw.replace(old, new, 1)

    return change


SEALED = chain(("other.example", PASSED), (LIST, PASSED))
TAMPERED: dict[str, Callable[[bytes], bytes]] = {
    "the body": lambda raw: raw + b"PS: another account number\r\n",
    "From": renamed(b"Yuki <yuki@", b"Yuki <eve@"),
    "Subject": renamed(b"my parcel", b"my money"),
    "what the newest hop saw": renamed(b"dmarc=pass", b"dmarc=none"),
    "a seal": renamed(b"cv=pass", b"cv=fail"),
    "the first seal": renamed(b"cv=none", b"cv=pass"),
    "the newest is missing, but for its results": lambda raw: without(b"ARC-Seal", 2)(
        without(b"ARC-Message-Signature", 2)(raw)
    ),
    "the first seal is missing": without(b"ARC-Seal", 1),
    "the first results are missing": without(b"ARC-Authentication-Results", 1),
    "the first signature is missing": without(b"ARC-Message-Signature", 1),
    "the hops in another order": swapped,
    "a seal twice": twice,
    "no number": renamed(b"i=2;", b"i=x;"),
    "number nought": renamed(b"i=1;", b"i=0;"),
    "a number far off": renamed(b"i=2;", b"i=50;"),
    "results alone": lambda _: with_header(
        mail(), [("ARC-Authentication-Results", f"i=1; {LIST}; {PASSED}")]
    ),
    "another's seal": lambda _: seal(mail(), LIST, key(number=1), PASSED, ""),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
async def test_what_was_changed_since_it_was_sealed_is_a_broken_chain(
    change: Callable[[bytes], bytes],
) -> None:
    async with desk() as (resolver, _):
        both = (LIST, "other.example")
        assert (await verdict(resolver, SEALED, both)).authenticated
        found = await verdict(resolver, change(SEALED), both)
        assert arc(found)[0] == "fail"
        assert arc(found)[2], "it says why"
        assert (found.authenticated, found.distrusted) == (False, True)


async def test_a_hop_that_calls_the_chain_broken_ends_it() -> None:
    """cv=fail, sealed as it ought to be: nothing before or after it counts."""
    async with desk() as (resolver, server):
        raw = passed_on(SEALED + b"PS\r\n", LIST, PASSED, "fail")
        server.asked.clear()
        assert arc(await verdict(resolver, raw))[0] == "fail"
        assert not [name for name, _ in server.asked if "_domainkey" in name]


async def test_a_chain_may_be_long_but_not_endless() -> None:
    async with desk() as (resolver, _):
        longest = chain(*[(LIST, PASSED)] * MAX_HOPS)
        assert arc(await verdict(resolver, longest))[0] == "pass"
        longer = passed_on(longest, LIST, PASSED, "pass")
        assert arc(await verdict(resolver, longer)) == ("fail", "", "the chain is too long")


async def test_a_key_that_cannot_be_had_may_come_later() -> None:
    async with desk() as (resolver, server):
        server.failing.add(f"s1._domainkey.{LIST}")
        found = await verdict(resolver, chain((LIST, PASSED)))
        assert arc(found)[0] == "temperror"
        assert (found.authenticated, found.distrusted, found.temporary) == (False, False, True)
        found = await verdict(resolver, chain((LIST, FAILED)))
        assert (found.distrusted, found.temporary) == (True, False), "it could prove nothing"
        found = await verdict(resolver, chain((LIST, PASSED)), ())
        assert (found.distrusted, found.temporary) == (True, False), "nor could a stranger's"


async def test_a_forger_s_silent_dns_makes_no_forged_chain_a_doubtful_one() -> None:
    async with desk() as (resolver, server):
        server.failing.add("s1._domainkey.evil.example")
        raw = chain(("evil.example", PASSED))
        forged = seal(raw, LIST, key(number=4), PASSED, "pass")
        found = await verdict(resolver, forged)
        assert arc(found)[0] == "fail"
        assert (found.distrusted, found.temporary) == (True, False)


async def test_two_authors_are_proved_by_no_chain() -> None:
    async with desk() as (resolver, _):
        raw = passed_on(b"From: eve@evil.example\r\n" + mail())
        assert not (await verdict(resolver, raw)).authenticated
        other = b"From: Yuki <yuki@work.jp>\r\n"
        assert not (await verdict(resolver, other + chain((LIST, PASSED)))).authenticated
