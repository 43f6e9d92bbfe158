"""Pure: who handed a mail to the relay before us, from the Received that the relay wrote."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

_LONGEST = 2000  # characters of a Received that anybody's server writes
_FROM = re.compile(r"from\s+(.*?)\s+by\s+([^\s;]+)", re.IGNORECASE | re.DOTALL)
_GROUP = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)")
_LITERAL = re.compile(r"(?<!=)\[(?:IPv6:)?([0-9a-f:.]+)\]", re.IGNORECASE)
_HELO = re.compile(r"(?:\bhelo=|^(?:helo|ehlo)\s+)([^\s()]+)", re.IGNORECASE)


class Hop(NamedTuple):
    """A client of a relay: its address, how it greeted, and the name that the relay gives itself."""

    ip: str
    helo: str
    by: str


def read(value: str) -> Hop | None:
    """What a Received says, in any server's manner; None where it can be read in two ways.

    `from HELO (NAME [IP]) by` (Postfix, sendmail, OpenSMTPD), `from NAME ([IP] helo=HELO) by` and
    `from [IP] (helo=HELO) by` (Exim), `from NAME (HELO HELO) (IP) by` (qmail), `from HELO (IP) by`
    (Exchange). The client chooses its greeting, so nothing in that counts as an address.
    """
    match = _FROM.match(value[:_LONGEST].strip())
    if match is None:
        return None
    clause, by = match[1], match[2].lower()
    groups = [group.strip() for group in _GROUP.findall(clause)]
    head = clause.partition("(")[0].strip()
    said = next((found[1] for group in groups if (found := _HELO.search(group))), "")
    addresses = {ip for group in groups for ip in _addresses(group)}
    if not addresses and said and (whole := _LITERAL.fullmatch(head)):
        addresses = {ip for ip in (_address(whole[1]),) if ip}
    if len(addresses) != 1:
        return None
    return Hop(addresses.pop(), said or head.split(" ")[0], by)


def _addresses(group: str) -> list[str]:
    found = [_address(text) for text in _LITERAL.findall(group)] or [_address(group)]
    return [ip for ip in found if ip]


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def writer(value: str) -> str:
    """The name that the server gives itself which wrote a Received; "" where it gives none."""
    found = re.search(r"\bby\s+([^\s;()]+)", value[:_LONGEST], re.IGNORECASE)
    return found[1].lower() if found else ""
