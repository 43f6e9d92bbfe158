"""Paths and parameters of MAIL and RCPT (RFC 5321 section 4.1.2), and whose mail we take."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from unicodedata import normalize

# Local parts are read leniently: carriers issued addresses such as b..c@docomo.ne.jp for years.
_PATH = re.compile(
    rb' ?<((?:"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*+"'
    rb'|[^\x00-\x20"<>\x7f])*+)>(?: +([\x21-\xff][\x20-\xff]*)?)?'
)
_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e]+))?")
_QUOTED = re.compile(r'"([^"\\]*)"')
_ROUTED = re.compile("[%!:@]")


class Path(NamedTuple):
    """An address as the peer wrote it, and the parameters behind it, keywords in upper case."""

    address: str
    parameters: dict[bytes, bytes]


def parse_path(keyword: bytes, argument: bytes) -> Path | None:
    """What follows `FROM:` or `TO:`, or None where it is not what the grammar says."""
    if argument[: len(keyword)].upper() != keyword:
        return None
    match = _PATH.fullmatch(argument, len(keyword))
    if match is None:
        return None
    address, tail = match.groups()
    parameters = _parameters(tail) if tail else {}
    try:
        return None if parameters is None else Path(address.decode(), parameters)
    except UnicodeDecodeError:
        return None


def _parameters(tail: bytes) -> dict[bytes, bytes] | None:
    found: dict[bytes, bytes] = {}
    for word in tail.split():
        match = _PARAMETER.fullmatch(word)
        if match is None or match[1].upper() in found:
            return None
        found[match[1].upper()] = match[2] or b""
    return found


class Recipients:
    """The addresses whose mail we take, and their plus-tagged forms; everything else is refused."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._plain = frozenset(address.lower() for address in addresses)
        self._known = frozenset(_split(address) for address in self._plain)
        self._domains = frozenset(domain for _, domain in self._known)

    def knows(self, address: str) -> bool:
        if address.lower() in self._plain:
            return True
        local, domain = _split(address)
        mailbox, plus, tag = local.partition("+")
        if plus and _ROUTED.search(tag):  # a tag never carries another address
            return False
        return (local, domain) in self._known or (bool(plus) and (mailbox, domain) in self._known)

    def is_ours(self, address: str) -> bool:
        """Whether the domain is ours and no route is hidden in the local part."""
        local, domain = _split(address)
        return domain in self._domains and not _ROUTED.search(local)


def _split(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    if quoted := _QUOTED.fullmatch(local):
        local = quoted[1]
    return normalize("NFC", local).lower(), _ascii_domain(domain)


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return domain
