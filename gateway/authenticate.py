"""Who is who: our own keyed tokens, and whose word on a sender we take."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from normalizer.message import Message
from store.known import Offered, Token

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TOKEN = re.compile(r"([0-9a-z]{1,12})\.([0-9a-z]{1,12})\.([0-9a-f]{20})\Z")
_RESULT = re.compile(r"\s*([a-z0-9-]+)(?:\s*/\s*\d+)?\s*=\s*([a-z]+)")
_PROPERTY = re.compile(r"([a-z]+\.[a-z0-9-]+)\s*=\s*([^\s;]+)")
_POLICY = re.compile(r"\bp=(reject|quarantine)|\bpolicy\.\w+=(reject|quarantine)", re.IGNORECASE)


class Keys:
    """The secret that makes our Message-IDs and reply addresses unguessable.

    A token names a message of ours and its case, and is good for one address only: 80 bits of
    HMAC-SHA256 over the three (RFC 2104 section 5 allows the truncation).
    """

    def __init__(self, secret: bytes) -> None:
        self._mac = hmac.new(secret, digestmod=hashlib.sha256)

    def token(self, case_id: int, message_id: int, address: str) -> str:
        return (
            f"{_base36(message_id)}.{_base36(case_id)}.{self._sign(case_id, message_id, address)}"
        )

    def check(self, text: str, address: str) -> Token | None:
        """What a token stands for, if it was given to this very address."""
        match = _TOKEN.match(text.lower())
        if match is None:
            return None
        message_id, case_id = int(match[1], 36), int(match[2], 36)
        good = hmac.compare_digest(self._sign(case_id, message_id, address), match[3])
        return Token(case_id, message_id) if good else None

    def _sign(self, case_id: int, message_id: int, address: str) -> str:
        mac = self._mac.copy()
        mac.update(f"{case_id}.{message_id}.{address}".encode("utf-8", "surrogatepass"))
        return mac.hexdigest()[:20]


def looks_like_a_token(text: str) -> bool:
    """Whether a text is made like a token, whoever made it."""
    return _TOKEN.match(text.lower()) is not None


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def tokens(
    keys: Keys, references: Iterable[str], recipients: Iterable[str], address: str
) -> tuple[Token, ...]:
    """The valid tokens of a message, the nearest first: reply addresses, then Message-IDs."""
    tags = (local.rpartition("+")[2] for local, _, _ in (r.rpartition("@") for r in recipients))
    # Automatic mail of ours comes back to a bounce address: robots answer the return path.
    texts = [*(tag.removeprefix("bounce-") for tag in tags), *written(references, ())]
    found = (keys.check(text, address) for text in texts if text)
    return tuple(dict.fromkeys(token for token in found if token))


def written(references: Iterable[str], recipients: Iterable[str]) -> list[str]:
    """What may be tokens in a message that a person wrote, the nearest first."""
    tags = [local.rpartition("+")[2] for local, _, _ in (r.rpartition("@") for r in recipients)]
    return tags + [reference.partition("@")[0] for reference in references]


def named(text: str) -> Offered | None:
    """Which message of ours a token names, if it is one in form; nothing is checked."""
    match = _TOKEN.match(text.lower())
    return Offered(text, int(match[1], 36)) if match else None


class Verdict(NamedTuple):
    """Whether the author is who From says, and whether its domain asks us to distrust the mail."""

    authenticated: bool
    reason: str
    distrusted: bool = False


NOBODY_VOUCHES = Verdict(False, "nobody whom we trust vouches for the sender")


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose word on a sender one channel takes: `relays` by address, `authservs` by their name."""

    relays: tuple[str, ...] = ()
    authservs: tuple[str, ...] = ()

    def verdict(self, message: Message, peer: str) -> Verdict:
        """What a trusted hop says of the address in From; a peer that is no relay says nothing."""
        domain = next((_host(c.identity.address) for c in message.claims if c.source == "from"), "")
        return self.vouches(message, peer, domain)

    def vouches(self, message: Message, peer: str, domain: str) -> Verdict:
        """What a trusted hop says of a domain."""
        believes = is_trusted(peer, self.relays) if peer else bool(self.authservs)
        if not (domain and believes):
            return NOBODY_VOUCHES
        return vouched(message.trace, self.authservs, domain)


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


def vouched(trace: Sequence[tuple[str, str]], authservs: Sequence[str], domain: str) -> Verdict:
    """What the trusted hop before us says of the author's domain (RFC 8601).

    Only its topmost Authentication-Results counts, and only above the Received of the hop before
    it: anything further down was written by somebody else.
    """
    received = 0
    for name, value in trace:
        received += name == "received"
        if received > 1:
            break
        if name == "authentication-results":
            servers, _, results = _bare(value).partition(";")
            server = servers.split()[0].lower() if servers.split() else ""
            if not authservs or server in {a.lower() for a in authservs}:
                return _evaluate(results.lower(), domain, _policy(value))
    return NOBODY_VOUCHES


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


def _policy(value: str) -> bool:
    return _POLICY.search(value) is not None


def _evaluate(results: str, domain: str, strict: bool) -> Verdict:
    found = [
        (match[1], match[2], dict(_PROPERTY.findall(result)))
        for result in results.split(";")
        if (match := _RESULT.match(result))
    ]
    if any(method == "dmarc" and outcome == "fail" for method, outcome, _ in found):
        return Verdict(False, "DMARC failed", distrusted=strict)
    for method, outcome, properties in found:
        if outcome == "pass" and _speaks_for(method, properties) == domain:
            return Verdict(True, f"{method} passed for {domain}")
    return NOBODY_VOUCHES


def _speaks_for(method: str, properties: dict[str, str]) -> str:
    """The domain that a result is about; alignment is strict (RFC 7489 section 3.1)."""
    if method == "dmarc":
        return properties.get("header.from", "")
    if method == "dkim":
        return properties.get("header.d") or _host(properties.get("header.i", ""))
    return _host(properties.get("smtp.mailfrom", "")) if method == "spf" else ""


def _host(address: str) -> str:
    return address.rpartition("@")[2]
