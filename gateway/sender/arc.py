"""ARC: whether the chain of servers that passed a mail on holds, and which of them we believe (RFC 8617)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gateway.sender import dkim
from gateway.sender.dkim import Ask, Checked, key_name
from normalizer.message import Chain, Hop, Seal


def key_names(chain: Chain) -> set[str]:
    """Where the keys of a chain stand."""
    return {key_name(seal) for _, seal in _seals(chain)}


def sealer(chain: Chain) -> str:
    """The domain that sealed a mail last; empty for a chain that is broken as it stands."""
    return chain.hops[-1].seal.domain if chain.hops else ""


def believed(chain: Chain, sealers: Collection[str]) -> Hop | None:
    """The hop whose word on the author we take, if the chain holds.

    The first of those at the end of the chain that are all ours to trust: whoever stands before
    a stranger may have been made up by him, for each hop only says that the chain held.
    """
    found = None
    for hop in reversed(chain.hops):
        if hop.seal.domain not in sealers:
            break
        found = hop
    return found


async def check(ask: Ask, chain: Chain, now: float) -> Checked:
    """Whether the newest signature and every seal hold (section 5.2); never raises.

    Whatever is wrong weighs more than a key that cannot be had, so that nobody makes a forged
    chain a doubtful one by a DNS that is silent.
    """
    if chain.flaw:
        return Checked("fail", "", chain.flaw)
    unknown = None
    for place, seal in _seals(chain):
        found = await dkim.check(ask, seal, now)
        if found.outcome == "temperror":
            unknown = Checked("temperror", sealer(chain), f"hop {place}: {found.reason}")
        elif found.outcome != "pass":
            return Checked("fail", sealer(chain), f"hop {place}: {found.reason}")
    return unknown or Checked("pass", sealer(chain))


def _seals(chain: Chain) -> Iterator[tuple[int, Seal]]:
    """All that has to be checked, the newest first, by the number of its hop."""
    if chain.signature:
        yield len(chain.hops), chain.signature
    for place in range(len(chain.hops), 0, -1):
        yield place, chain.hops[place - 1].seal
