"""Whether the DNS holds what the channels ask for: `madoguchi check --connect`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import NamedTuple

from gateway.sender.resolver import DnsTrouble, Resolver

_PATIENCE = 10.0  # seconds for one record
_KEY = re.compile(r"(?:^|;)p=([^;]*)")


class Look(NamedTuple):
    """What was found under one name, in words, and whether receivers will not believe us so."""

    name: str
    is_wrong: bool
    said: str


async def look(records: Iterable[tuple[str, str]], resolver: Resolver) -> list[Look]:
    """Compare each record, name and text, with what the world sees."""
    await resolver.start(_PATIENCE)
    return [await _look(name, text, resolver) for name, text in records]


async def _look(name: str, wanted: str, resolver: Resolver) -> Look:
    until = asyncio.get_running_loop().time() + _PATIENCE
    try:
        found = (await resolver.lookup(name, "TXT", until)).records
    except DnsTrouble:
        return Look(name, False, "was not found out: the DNS does not answer")
    if not found:
        return Look(name, True, "is not in the DNS yet; publish what `madoguchi check` shows")
    if _key(wanted) in map(_key, found):
        return Look(name, False, "is published")
    return Look(name, True, "holds another key; publish what `madoguchi check` shows")


def _key(record: str) -> str:
    """The key of a record, however it is broken into pieces (RFC 6376 section 3.6.1)."""
    match = _KEY.search(re.sub(r"\s", "", record))
    return match[1] if match else ""
