"""An answer under a key is kept for a week, on either database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from store import requests
from store.store import Store
from tests.store.house import NOON


async def keep(store: Store, key: str, days: float = 0) -> None:
    at = NOON + timedelta(days=days)
    await store.change(lambda c, changes: requests.remember(c, changes, key, "sum", "{}", at))


async def test_an_answer_is_found_by_its_key_alone(store: Store) -> None:
    """W10: it is there after the transaction that it was made in, and nowhere before."""
    assert await store.read(lambda c: requests.answered(c, "one")) is None
    await keep(store, "one")
    assert await store.read(lambda c: requests.answered(c, "one")) == ("sum", "{}")
    assert await store.read(lambda c: requests.answered(c, "two")) is None


@pytest.mark.parametrize(("days", "known"), [(6.9, True), (7.1, False)])
async def test_after_a_week_a_key_is_forgotten(store: Store, days: float, known: bool) -> None:
    await keep(store, "old")
    await keep(store, "new", days)
    found = await store.read(lambda c: requests.answered(c, "old"))
    assert (found is not None) == known
