"""Is the author who From says? A trusted hop's word, else SPF, DKIM and DMARC of our own."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from gateway.sender import arc, dkim, dmarc, spf
from gateway.sender.dmarc import Result
from gateway.sender.resolver import Answer, DnsLate, Resolver
from gateway.sender.trust import NOBODY_VOUCHES, Heard, Trust, Verdict, judged, results_in
from normalizer.message import NULL_SENDER, Message, Transport

_UNANSWERED = Verdict(False, "the DNS does not answer: nobody can say who wrote")


class Mail(NamedTuple):
    """What a judgement rests on: what arrived, how, and `now` in seconds since 1970."""

    message: Message
    transport: Transport
    trust: Trust
    now: float


class _Asking:
    """The resolver with a deadline, and whether that has passed for any question."""

    def __init__(self, resolver: Resolver, patience: float) -> None:
        self._resolver = resolver
        self._until = asyncio.get_running_loop().time() + patience
        self.late = False

    async def __call__(self, name: str, kind: str) -> Answer:
        try:
            return await self._resolver.lookup(name, kind, self._until)
        except DnsLate:
            self.late = True
            raise


def author_domain(message: Message) -> str:
    """The domain that From names, if it names one mailbox and no more (RFC 7489 section 6.6.1)."""
    for claim in message.claims:
        if claim.source == "from" and claim.identity.kind == "email":
            return claim.identity.address.rpartition("@")[2]
    return ""


def by_word(mail: Mail) -> tuple[Verdict, bool]:
    """What a trusted hop's own words say, and whether nobody else need be asked."""
    domain = author_domain(mail.message)
    said = mail.trust.heard(mail.message, mail.transport.peer)
    if said is None:
        return NOBODY_VOUCHES, not domain
    verdict = judged(said, domain)
    is_settled = verdict.authenticated or any(r.method == "dmarc" for r in said.results)
    return verdict, is_settled or not domain


async def judge(
    resolver: Resolver, mail: Mail, said: tuple[Result, ...], patience: float
) -> Verdict:
    """What the DNS adds to what a trusted hop `said`, at the latest after `patience` seconds.

    Never raises.
    """
    domain = author_domain(mail.message)
    if not resolver.answers:
        return _UNANSWERED._replace(results=said, temporary=resolver.exists)
    _want(resolver, mail, domain)
    asking = _Asking(resolver, patience)
    found = [*said, *await _own(asking, mail, {result.method for result in said})]
    result, distrusted = await dmarc.evaluate(asking, domain, found)
    if mail.message.chain and result.outcome != "pass":
        sealed = await arc.check(asking, mail.message.chain, mail.now)
        found.append(Result("arc", sealed.outcome, sealed.domain, sealed.reason))
        if earlier := await _before_it_was_changed(asking, mail, domain, sealed.outcome):
            result, distrusted = earlier, False
    temporary = result.outcome == "temperror"
    return Verdict(
        result.outcome == "pass",
        _reason(result),
        distrusted,
        (*found, result),
        temporary,
        temporary and asking.late,
    )


def _want(resolver: Resolver, mail: Mail, domain: str) -> None:
    """Ask for all at once what is looked at one after another."""
    resolver.want(f"_dmarc.{domain}", "TXT")
    for seal in mail.message.seals:
        if not seal.outcome:
            resolver.want(dkim.key_name(seal), "TXT")
    if mail.message.chain and arc.believed(mail.message.chain, mail.trust.sealers):
        for name in arc.key_names(mail.message.chain):
            resolver.want(name, "TXT")
    sender = mail.transport.sender
    if sender != NULL_SENDER and spf.is_domain(host := sender.rpartition("@")[2]):
        resolver.want(host, "TXT")


async def _own(asking: _Asking, mail: Mail, known: set[str]) -> list[Result]:
    """The methods that nobody has told us of."""
    found = []
    for seal in () if "dkim" in known else mail.message.seals:
        checked = await dkim.check(asking, seal, mail.now)
        found.append(Result("dkim", checked.outcome, checked.domain, checked.reason))
    ip, helo = mail.trust.client(mail.message, mail.transport)
    if ip and "spf" not in known:
        outcome, domain = await spf.check(asking, ip, mail.transport.sender, helo)
        found.append(Result("spf", outcome, domain))
    return found


async def _before_it_was_changed(
    asking: _Asking, mail: Mail, domain: str, held: str
) -> Result | None:
    """DMARC as a trusted hop saw it, where that is better than what we see; `held` is the chain's.

    A key that cannot be had makes it a temporary error: the chain may yet speak for the author.
    """
    chain = mail.message.chain
    hop = arc.believed(chain, mail.trust.sealers) if chain else None
    if hop is None or held == "fail":
        return None
    outcome = await _seen(asking, domain, results_in(hop.results))
    if outcome == "pass" and held == "pass":
        said = f"it passed for {domain} before {hop.seal.domain} passed the mail on"
        return Result("dmarc", "pass", domain, said)
    if outcome in {"pass", "temperror"}:
        return Result("dmarc", "temperror", domain, "the DNS does not answer")
    return None


async def _seen(asking: _Asking, domain: str, said: Heard) -> str:
    """What the results that a hop wrote down mean for the author's domain."""
    if judged(said, domain).authenticated:
        return "pass"
    if any(result.method == "dmarc" for result in said.results):
        return "fail"
    return (await dmarc.evaluate(asking, domain, said.results))[0].outcome


def _reason(result: Result) -> str:
    match result.outcome:
        case "pass":
            return result.reason
        case "temperror":
            return _UNANSWERED.reason
        case "fail":
            return "DMARC failed"
    return NOBODY_VOUCHES.reason
