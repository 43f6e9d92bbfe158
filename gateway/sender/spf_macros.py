"""Pure: the macros of SPF records (RFC 7208 section 7)."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import quote

_MACRO = re.compile(r"%(?:\{([a-zA-Z])(\d*)(r?)([-.+,/_=]*)\}|(.?))", re.DOTALL | re.IGNORECASE)
_PLAIN = {"%": "%", "_": " ", "-": "%20"}
_LONGEST = 253  # octets of a name; what is longer loses labels on the left (section 7.3)


class Malformed(ValueError):
    """A macro that RFC 7208 does not know."""


class Facts(NamedTuple):
    """What the macros of one check stand for."""

    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    local: str
    sender_domain: str
    helo: str


def expand(text: str, domain: str, facts: Facts) -> str:
    """A domain-spec as the name that it stands for while `domain` is checked."""
    if "%" not in text:
        return text.rstrip(".")
    name = _MACRO.sub(lambda match: _one(match, domain, facts), text).rstrip(".")
    while len(name) > _LONGEST and "." in name:
        name = name.partition(".")[2]
    return name


def _one(match: re.Match[str], domain: str, facts: Facts) -> str:
    letter, digits, backwards, delimiters, plain = match.groups()
    if letter is None:
        if plain not in _PLAIN:
            raise Malformed
        return _PLAIN[plain]
    value = _value(letter.lower(), domain, facts)
    pieces = re.split(f"[{re.escape(delimiters or '.')}]", value)
    if backwards:
        pieces.reverse()
    if digits:
        if int(digits[:4]) == 0:
            raise Malformed
        pieces = pieces[-int(digits[:4]) :]
    joined = ".".join(pieces)
    return quote(joined, safe="") if letter.isupper() else joined


def _value(letter: str, domain: str, facts: Facts) -> str:
    six = facts.ip.version == 6
    values = {
        "s": f"{facts.local}@{facts.sender_domain}",
        "l": facts.local,
        "o": facts.sender_domain,
        "d": domain,
        # Section 4.6.4 counts what %{p} would ask, and section 7.2 wants nobody to use it.
        "p": "unknown",
        "v": "ip6" if six else "in-addr",
        "h": facts.helo,
        "i": ".".join(facts.ip.exploded.replace(":", "")) if six else str(facts.ip),
    }
    if letter not in values:
        raise Malformed
    return values[letter]
