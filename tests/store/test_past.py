from __future__ import annotations

from store import notes
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


async def test_what_was_noted_of_somebody_goes_with_them_and_nothing_else(store: Store) -> None:
    past, own = Past(store, "talk"), Past(store, "")
    theirs = ("heard:4711", "thread:C1:99:4711")
    others = ("heard:14711", "heard:47110", "4711", "711", "heard:AbC")
    for name in (*theirs, *others):
        await past.note(name, "1")
    await own.note("turn:4711", "1")
    await store.write(lambda c, _: notes.forget(c, "pager:4711"))
    await store.write(lambda c, _: notes.forget(c, "pager:aBc"))
    assert [await past.recall(name) for name in theirs] == ["", ""]
    assert [await past.recall(name) for name in others] == ["1"] * len(others)
    assert await own.recall("turn:4711") == "1"
