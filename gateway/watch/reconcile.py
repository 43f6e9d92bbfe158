"""Compares what a channel's source holds with the ledger: is there mail that we never fetched?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from channels.base import Channel, Listed, Past
from store.accounts import Audit, Count, Open

_PATIENCE = 300.0  # seconds for one source to list what it holds


async def with_sources(
    found: Audit, channels: Mapping[str, Channel], past: Callable[[str], Past]
) -> Audit:
    """The audit with each channel that can be asked; one that does not answer is named."""
    listed = {name: c for name, c in channels.items() if isinstance(c, Listed)}
    asked = [await _asked(name, channel, past(name)) for name, channel in listed.items()]
    return found._replace(
        source=tuple(count for counts, _ in asked for count in counts),
        open=(*found.open, *(entry for _, entries in asked for entry in entries)),
    )


async def _asked(name: str, channel: Listed, past: Past) -> tuple[list[Count], list[Open]]:
    try:
        async with asyncio.timeout(_PATIENCE):
            units = await channel.listing()
    except TimeoutError:
        return [], [Open("not asked", 0, name, f"no answer within {_PATIENCE:.0f} s")]
    except Exception as error:
        # Whatever a source does: the rest of the audit is as true as without it.
        return [], [Open("not asked", 0, name, str(error) or type(error).__name__)]
    # The ledger is read after the source: what was fetched meanwhile is in it.
    missing = units - await past.units("")
    counts = [Count(name, "listed", len(units)), Count(name, "not fetched", len(missing))]
    return counts, [Open("not fetched", 0, name, unit) for unit in sorted(missing)]
