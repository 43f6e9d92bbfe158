"""A message whose file was erased before its row came is put off, and comes again."""

from __future__ import annotations

import asyncio

import pytest

from normalizer.message import Message, Part, Spooled
from store.engine import StoreUnavailable
from store.known import Raw
from store.store import Store
from tests.store.house import arrival, ask

DATA = b"x" * 300_000


async def test_a_message_never_points_to_a_file_that_is_gone(store: Store) -> None:
    raw = await store.put(DATA)
    assert (await store.commit_inbound(arrival("one", raw=raw))).outcome == "accepted"
    gone = Raw("0" * 64, 300_000, None)
    with pytest.raises(StoreUnavailable):
        await store.commit_inbound(arrival("two", raw=gone))
    part = Part(
        role="attachment", content_type="image/png", size=9, sha256="0" * 64,
        data=Spooled("nowhere", 9, "0" * 64),
    )  # fmt: skip
    with pytest.raises(StoreUnavailable):
        await store.commit_inbound(arrival("three", message=Message(parts=(part,))))
    assert await ask(store, "SELECT count(*) FROM messages WHERE direction = 'in'") == [(1,)]


async def test_a_neighbour_in_the_batch_comes_again_too_and_is_taken(store: Store) -> None:
    gone = Raw("0" * 64, 300_000, None)
    tried = [store.commit_inbound(arrival("a", raw=gone)), store.commit_inbound(arrival("b"))]
    await asyncio.gather(*tried, return_exceptions=True)
    assert (await store.commit_inbound(arrival("b"))).outcome in ("accepted", "duplicate")
