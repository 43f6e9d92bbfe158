"""Whose word on a sender we take, and what it says (RFC 8601)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from gateway.sender import received
from gateway.sender.dmarc import Result
from normalizer.message import Message, Transport

_RESULT = re.compile(r"\s*([a-z0-9-]+)(?:\s*/\s*\d+)?\s*=\s*([a-z]+)")
_PROPERTY = re.compile(r"([a-z]+\.[a-z0-9-]+)\s*=\s*([^\s;]+)")
_POLICY = re.compile(r"\bp=(reject|quarantine)|\bpolicy\.\w+=(reject|quarantine)", re.IGNORECASE)
_METHODS = frozenset({"spf", "dkim", "dmarc"})
_MOST = 20  # results of one header


class Verdict(NamedTuple):
    """Whether the author is who From says, and whether its domain asks us to distrust the mail.

    `results` is what each method found. `temporary`: the DNS did not tell, and may tell later;
    `late`: it has not told yet.
    """

    authenticated: bool
    reason: str
    distrusted: bool = False
    results: tuple[Result, ...] = ()
    temporary: bool = False
    late: bool = False

    def speaks_for(self, domain: str) -> bool:
        """Whether something passed for this very domain, and From is not known to be forged."""
        if any(r.method == "dmarc" and r.outcome == "fail" for r in self.results):
            return False
        # Who passed a mail on is not who wrote it.
        passed = (r.domain for r in self.results if r.outcome == "pass" and r.method != "arc")
        return domain in passed


NOBODY_VOUCHES = Verdict(False, "nobody whom we trust vouches for the sender")


class Heard(NamedTuple):
    """The results that a trusted hop wrote down, and whether it saw a policy that asks for distrust."""

    results: tuple[Result, ...]
    distrusts: bool = False


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose word on a sender one channel takes.

    `relays` by address, `authservs` by their name, `sealers` by the domain of their ARC seals.
    """

    relays: tuple[str, ...] = ()
    authservs: tuple[str, ...] = ()
    sealers: tuple[str, ...] = ()

    def heard(self, message: Message, peer: str) -> Heard | None:
        """What a trusted hop says; None where it says nothing, or where the peer is none."""
        believes = is_trusted(peer, self.relays) if peer else bool(self.authservs)
        return heard(message.trace, self.authservs) if believes else None

    def client(self, message: Message, transport: Transport) -> tuple[str, str]:
        """The address and the greeting of who gave the mail to us or to our outermost relay.

        Two empty texts where nobody whom we trust can tell.
        """
        if not is_trusted(transport.peer, self.relays):
            return transport.peer, transport.helo
        for name, value in message.trace:
            if name == "received":
                hop = received.read(value)
                if hop is None:
                    break
                # What comes from the relay itself went through a filter there.
                if not (_is_loopback(hop.ip) or is_trusted(hop.ip, self.relays)):
                    return hop.ip, hop.helo
        return "", ""


@lru_cache(maxsize=64)
def _networks(relays: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(relay, strict=False) for relay in relays)


def is_trusted(peer: str, relays: tuple[str, ...]) -> bool:
    """Whether a peer's address is one of the relays whose word we take."""
    if not relays:
        return False
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in _networks(relays))


def _is_loopback(ip: str) -> bool:
    return ipaddress.ip_address(ip).is_loopback


def heard(trace: Sequence[tuple[str, str]], authservs: Sequence[str]) -> Heard | None:
    """What the trusted hop before us says (RFC 8601).

    Only its topmost Authentication-Results counts, and only above the Received of the hop before
    it: anything further down was written by somebody else. Below its own Received a sender may
    have written one too; unless we know the server's name, that must be the one in this Received,
    for a relay removes what pretends to be its own (section 5).
    """
    writers: list[str] = []
    for name, value in trace:
        if name == "received":
            writers.append(received.writer(value))
            if len(writers) > 1:
                break
        if name == "authentication-results":
            server = _server(value)
            known = {a.lower() for a in authservs} or set(writers)
            if not known or server in known:
                return results_in(value)
    return None


def _server(value: str) -> str:
    words = _bare(value).partition(";")[0].split()
    return words[0].lower() if words else ""


def judged(said: Heard, domain: str) -> Verdict:
    """What a hop's results mean for the domain in From, as far as the very same domain goes."""
    if any(r.method == "dmarc" and r.outcome == "fail" for r in said.results):
        return Verdict(False, "DMARC failed", said.distrusts, said.results)
    for result in said.results:
        if result.outcome == "pass" and domain and result.domain == domain:
            return Verdict(True, f"{result.method} passed for {domain}", False, said.results)
    return NOBODY_VOUCHES._replace(results=said.results)


def results_in(value: str) -> Heard:
    """The results of an Authentication-Results, or of an ARC one, whose number names no method."""
    _, _, results = _bare(value).partition(";")
    found = [
        Result(match[1], match[2], _speaks_for(match[1], dict(_PROPERTY.findall(result))))
        for result in results.lower().split(";")
        if (match := _RESULT.match(result)) and match[1] in _METHODS
    ]
    return Heard(tuple(found[:_MOST]), _POLICY.search(value) is not None)


def _bare(value: str) -> str:
    """A header without comments, and without what in a quoted string looks like syntax.

    Senders choose what relays quote (`MAIL FROM:<"; dkim=pass …"@…>`, RFC 8601 section 2.2), so a
    header that does not end as it began says nothing.
    """
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for c in value:
        if escaped or c == "\\":
            escaped = not escaped
        elif c == '"' and not depth:
            quoted = not quoted
        elif c in "()" and not quoted:
            depth = max(0, depth + (1 if c == "(" else -1))
            kept.append(" ")
        elif not depth:
            kept.append("_" if quoted and c in " ;=()" else c)
    return "" if depth or quoted else "".join(kept)


def _speaks_for(method: str, properties: dict[str, str]) -> str:
    """The domain that a result is about."""
    if method == "dmarc":
        return properties.get("header.from", "")
    if method == "dkim":
        return properties.get("header.d") or _host(properties.get("header.i", ""))
    return _host(properties.get("smtp.mailfrom", ""))


def _host(address: str) -> str:
    return address.rpartition("@")[2]
