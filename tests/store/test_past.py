from __future__ import annotations

from store.past import Past
from store.store import Store
from tests.making import arrival


async def test_units_are_those_of_the_channel_that_begin_so(store: Store) -> None:
    for unit in ("INBOX;7:1", "INBOX;7:2", "inbox;7:3", "INBOX;70:4", "INBOX%"):
        await store.commit_inbound(arrival(unit=unit))
    await store.commit_inbound(arrival(unit="INBOX;7:9", channel="other"))
    assert await Past(store, "mail").units("INBOX;7:") == {"1", "2"}


async def test_a_note_is_kept_by_channel_and_name_until_the_next(store: Store) -> None:
    past = Past(store, "mail")
    assert await past.recall("first contact") == ""
    await past.note("first contact", "1")
    await past.note("first contact", "2")
    await Past(store, "other").note("first contact", "3")
    assert await past.recall("first contact") == "2"
