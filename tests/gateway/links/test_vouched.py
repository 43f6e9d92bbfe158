"""What a platform knows to be one person's is one customer; what somebody typed is not."""

from __future__ import annotations

import asyncio

from gateway.desk.speak import Refused, Who
from gateway.links import join
from normalizer.message import Identity
from tests.gateway.incoming.test_messenger import YUKI, say
from tests.making import Desk

NUMBER = Identity("tel", "+819012345678")


async def owners(desk: Desk) -> dict[str, int]:
    found = await desk.rows("SELECT address, customer_id FROM identities")
    return {row["address"]: row["customer_id"] for row in found}


async def test_a_number_that_the_platform_knows_is_the_writer_s_from_then_on(desk: Desk) -> None:
    await say(desk, "hello", verified=(NUMBER,))
    first = await owners(desk)
    assert len(set(first.values())) == 1
    assert await desk.count("customers") == 1
    await say(desk, "by another way", who=NUMBER)
    assert await owners(desk) == first
    assert await desk.count("conversations") == 1
    (event,) = await desk.rows("SELECT data FROM events WHERE type = 'customer.merged'")
    assert '"evidence":"platform"' in event["data"]


async def test_who_wrote_from_that_number_before_is_joined_in_the_older_conversation(
    desk: Desk,
) -> None:
    await say(desk, "by text message", who=NUMBER)
    older = (await owners(desk))[str(NUMBER)]
    await asyncio.gather(
        say(desk, "hello", verified=(NUMBER,)),
        say(desk, "and more", who=NUMBER),
        say(desk, "again"),
    )
    assert set((await owners(desk)).values()) == {older}
    here = await desk.rows("SELECT DISTINCT conversation_id FROM messages")
    assert len(here) == 1


async def test_nothing_is_joined_twice_and_what_a_person_undid_stays_apart(desk: Desk) -> None:
    await say(desk, "hello", verified=(NUMBER,))
    await say(desk, "again", verified=(NUMBER,))
    assert await desk.count("links") == 1
    link = (await desk.one("SELECT id FROM links"))["id"]
    who = Who("Aiko", "tests", desk.clock())
    await desk.store.change(lambda c, ch: join.undo(c, ch, link, who))
    apart = await owners(desk)
    assert len(set(apart.values())) == 2
    again = await desk.store.change(lambda c, ch: join.undo(c, ch, link, who))
    assert isinstance(again, Refused)
    assert await desk.count("customers") == 2
    await say(desk, "once more", verified=(NUMBER,))
    assert await owners(desk) == apart


async def test_our_own_number_and_the_writer_himself_join_nobody(desk: Desk) -> None:
    await say(desk, "hello", verified=(Identity("email", "support@example.com"), YUKI))
    assert await desk.count("links") == 0
    assert len(await owners(desk)) == 1


async def test_several_at_once_become_one(desk: Desk) -> None:
    other = Identity("email", "yuki@example.jp")
    await say(desk, "a", who=NUMBER)
    await say(desk, "b", who=other)
    await say(desk, "c", verified=(NUMBER, other))
    assert len(set((await owners(desk)).values())) == 1
    assert len(await desk.rows("SELECT DISTINCT conversation_id FROM messages")) == 1


async def test_a_number_that_was_given_out_again_joins_no_stranger(desk: Desk) -> None:
    """The platform had another account under it before: who has the number now is somebody else."""
    old, new = Identity("pager", "JP.1"), Identity("pager", "JP.9")
    name = Identity("pager", "819012345678")
    await say(desk, "my first words", who=old, verified=(name, NUMBER))
    await say(desk, "a stranger's", who=new, verified=(name, NUMBER))
    found = await owners(desk)
    assert found[str(old)] == found[str(NUMBER)] == found[str(name)]
    assert found[str(new)] != found[str(old)]
    assert await desk.count("conversations") == 2


async def test_an_account_whose_name_changed_stays_one_customer(desk: Desk) -> None:
    """The platform names the old account and the new one together, or knew only the number before."""
    number, old, new = (
        Identity("pager", "8190"),
        Identity("pager", "JP.1"),
        Identity("pager", "JP.2"),
    )
    await say(desk, "before there were such names", who=number)
    await say(desk, "hello", who=old, verified=(number, NUMBER))
    await say(desk, "I have a new number", who=old, verified=(new,))
    await say(desk, "by the new one", who=new, verified=(Identity("tel", "+819099999999"),))
    assert len(set((await owners(desk)).values())) == 1
