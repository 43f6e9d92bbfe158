"""SPF: may this host send mail for that domain? RFC 7208, every question to the DNS counted."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.sender.resolver import Answer, DnsTrouble
from gateway.sender.spf_macros import Facts, Malformed, expand

Outcome = Literal["pass", "fail", "softfail", "neutral", "none", "permerror", "temperror"]
Ask = Callable[[str, str], Awaitable[Answer]]

# RFC 7208 section 4.6.4
_LOOKUPS, _VOID, _NAMES = 10, 2, 10

_QUALIFIERS: dict[str, Outcome] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_MODIFIER = re.compile(r"([a-zA-Z][a-zA-Z0-9_.-]*)=(.*)\Z", re.DOTALL)
_LENGTHS = re.compile(r"(?:/(0|[1-9]\d?))?(?://(0|[1-9]\d{0,2}))?\Z")
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63})+\.?\Z", re.ASCII)

_TAKES_DOMAIN = {
    "all": "never", "a": "may", "mx": "may", "ptr": "may",
    "include": "must", "exists": "must", "ip4": "must", "ip6": "must",
}  # fmt: skip
_COUNTED = frozenset({"a", "mx", "ptr", "include", "exists"})
_WITH_LENGTHS = frozenset({"a", "mx"})


class Term(NamedTuple):
    """One mechanism: its result, its name, its argument, and the prefix lengths for IPv4 and IPv6."""

    outcome: Outcome
    name: str
    argument: str
    lengths: tuple[int, int]


class Record(NamedTuple):
    """The mechanisms of a record in their order, and where it goes on ("" for nowhere)."""

    terms: tuple[Term, ...]
    redirect: str


class _PermError(Exception):
    """The record cannot be evaluated (RFC 7208 section 2.6.7)."""


def is_domain(name: str) -> bool:
    """Whether a name can be asked about: several labels, none empty (RFC 7208 section 4.3)."""
    return len(name) <= 253 and _DOMAIN.match(name) is not None


def parse(text: str) -> Record:
    """The terms of a record that begins `v=spf1`; raises ValueError for any error of syntax."""
    terms: list[Term] = []
    modifiers: dict[str, str] = {}
    for word in text.split(" ")[1:]:
        if modifier := _MODIFIER.match(word):
            name = modifier[1].lower()
            if name in {"redirect", "exp"} and name in modifiers:
                raise ValueError(f"{name} stands twice")
            modifiers[name] = modifier[2]
        elif word:
            terms.append(_term(word))
    if modifiers.get("redirect") == "":
        raise ValueError("redirect names no domain")
    return Record(tuple(terms), modifiers.get("redirect", ""))


def _term(word: str) -> Term:
    sign = word[0] if word[0] in _QUALIFIERS else "+"
    name, colon, rest = word.removeprefix(sign).partition(":")
    if not colon:
        name, slash, lengths = name.partition("/")
        argument, lengths = "", slash + lengths
    else:
        argument, lengths = rest, ""
    name = name.lower()
    takes = _TAKES_DOMAIN.get(name)
    if takes is None:
        raise ValueError(f"unknown mechanism {name[:20]!r}")
    if name in _WITH_LENGTHS and colon:
        argument, lengths = _split_lengths(argument)
    if (takes == "must" and not argument) or (takes == "never" and colon) or (colon and not rest):
        raise ValueError(f"{name}: wrong argument")
    if lengths and name not in _WITH_LENGTHS:
        raise ValueError(f"{name} has no prefix length")
    if name in {"ip4", "ip6"}:
        _network(name, argument)
    return Term(_QUALIFIERS[sign], name, argument, _lengths(lengths))


def _split_lengths(argument: str) -> tuple[str, str]:
    """The domain and what follows it; a slash may also be a delimiter inside a macro."""
    at = argument.find("/", argument.rfind("}") + 1)
    return (argument, "") if at < 0 else (argument[:at], argument[at:])


def _lengths(text: str) -> tuple[int, int]:
    found = _LENGTHS.match(text)
    if found is None:
        raise ValueError("a prefix length that is none")
    four, six = int(found[1] or 32), int(found[2] or 128)
    if found[1] == "0":
        four = 0
    if found[2] == "0":
        six = 0
    if four > 32 or six > 128:
        raise ValueError("a prefix length that is too large")
    return four, six


def _network(name: str, argument: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if name == "ip4":
        return ipaddress.IPv4Network(argument, strict=False)
    return ipaddress.IPv6Network(argument, strict=False)


async def check(ask: Ask, ip: str, sender: str, helo: str) -> tuple[Outcome, str]:
    """The result for the host `ip` and the domain that it is about (RFC 7208 section 2.4).

    `sender` is MAIL FROM; where that is null, HELO speaks. Never raises.
    """
    local, at, domain = sender.rpartition("@")
    if not at:
        local, domain = "postmaster", helo
    domain = domain.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "none", domain
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    facts = Facts(address, local or "postmaster", domain, helo)
    try:
        return await _Check(ask, facts).host(domain), domain
    except DnsTrouble:
        return "temperror", domain
    except (_PermError, Malformed):
        return "permerror", domain


@dataclass(slots=True)
class _Check:
    """One evaluation with what it may still ask."""

    ask: Ask
    facts: Facts
    lookups: int = _LOOKUPS
    void: int = _VOID

    async def host(self, domain: str) -> Outcome:
        """check_host() of RFC 7208 section 4."""
        record = await self._record(domain)
        if record is None:
            return "none"
        for term in record.terms:
            if term.name in _COUNTED:
                self._count()
            if await self._matches(term, domain):
                return term.outcome
        if not record.redirect:
            return "neutral"
        self._count()
        target = expand(record.redirect, domain, self.facts)
        outcome = await self.host(target)
        if outcome == "none":
            raise _PermError
        return outcome

    def _count(self) -> None:
        self.lookups -= 1
        if self.lookups < 0:
            raise _PermError

    async def _record(self, domain: str) -> Record | None:
        if not is_domain(domain):
            return None
        answer = await self.ask(domain, "TXT")
        found = [t for t in answer.records if t.lower() == "v=spf1" or t[:7].lower() == "v=spf1 "]
        if len(found) > 1:
            raise _PermError
        try:
            return parse(found[0]) if found else None
        except ValueError as error:
            raise _PermError from error

    async def _matches(self, term: Term, domain: str) -> bool:
        if term.name == "all":
            return True
        if term.name in {"ip4", "ip6"}:
            return self.facts.ip in _network(term.name, term.argument)
        target = expand(term.argument, domain, self.facts) if term.argument else domain
        if term.name == "include":
            return await self._includes(target)
        if term.name == "exists":
            return bool((await self._look(target, "A")).records)
        if term.name == "ptr":
            return await self._is_named_below(target)
        hosts = await self._exchangers(target) if term.name == "mx" else (target,)
        for host in hosts:
            if await self._is_at(host, term.lengths, counts=term.name == "a"):
                return True
        return False

    async def _includes(self, target: str) -> bool:
        outcome = await self.host(target)
        if outcome == "none":
            raise _PermError
        return outcome == "pass"

    async def _exchangers(self, target: str) -> tuple[str, ...]:
        names = (await self._look(target, "MX")).records
        if len(names) > _NAMES:
            raise _PermError
        return names

    async def _is_at(self, host: str, lengths: tuple[int, int], *, counts: bool) -> bool:
        four = self.facts.ip.version == 4
        kind, length = ("A", lengths[0]) if four else ("AAAA", lengths[1])
        answer = await (self._look(host, kind) if counts else self.ask(host, kind))
        return any(
            self.facts.ip in ipaddress.ip_network(f"{address}/{length}", strict=False)
            for address in answer.records
        )

    async def _is_named_below(self, target: str) -> bool:
        """Section 5.5: a name of the host that leads back to it. Trouble is no match here."""
        try:
            names = (await self._look(self.facts.ip.reverse_pointer, "PTR")).records[:_NAMES]
        except DnsTrouble:
            return False
        below = f".{target.lower()}"
        for name in names:
            if f".{name.lower()}".endswith(below):
                try:
                    if await self._is_at(name, (32, 128), counts=False):
                        return True
                except DnsTrouble:
                    continue
        return False

    async def _look(self, name: str, kind: str) -> Answer:
        """Section 4.6.4: at most two answers may be empty."""
        answer = await self.ask(name, kind)
        if not answer.records:
            self.void -= 1
            if self.void < 0:
                raise _PermError
        return answer
