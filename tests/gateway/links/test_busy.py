"""Links while mail comes in: every message is in its own conversation, and budgets count on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from gateway.desk.speak import Refused, Who
from gateway.links import join
from store import rows
from store.known import Changes
from store.store import Store, prepare
from tests.gateway.api.seed import FOLLOW, NOON, admission, database
from tests.gateway.links.world import CROOKED
from tests.making import CONFIG, arrival, mail, message, opened

WHO = Who("Aiko", "tests", NOON)


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    with database(request.param, tmp_path) as site:
        prepare(site.url)
        running = Store(site.url, site.data_dir, admission(FOLLOW))
        yield running
        await running.close()


async def identities(store: Store) -> dict[str, int]:
    query = text("SELECT address, id FROM identities")
    found = await store.read(lambda c: c.execute(query).all())
    return {row[0].removeprefix("email:"): row[1] for row in found}


async def test_mail_that_comes_while_customers_are_joined_and_parted_is_never_astray(
    store: Store,
) -> None:
    people = ("a@x.example", "b@x.example", "c@x.example")
    for one in people:
        await store.commit_inbound(arrival(message(one), known=True))
    ids = await identities(store)
    pairs = [(ids[one], ids[other]) for one in people for other in people if one != other]

    async def writes(n: int) -> None:
        subject = f"matter {n % 3}"
        said = message(people[n % 3], subject=subject, base_subject=subject)
        await store.commit_inbound(arrival(said, known=True))

    async def links(n: int) -> Any:
        pair = pairs[n % len(pairs)]
        done = await store.change(
            lambda c, ch: join.join(c, ch, join.Join(*pair, "person", "", WHO))
        )
        if isinstance(done, rows.Link) and n % 2:
            return await store.change(lambda c, ch: join.undo(c, ch, done.id, WHO))
        return done

    ended = await asyncio.gather(*(work(n) for n in range(40) for work in (writes, links)))
    assert any(isinstance(one, rows.Link) for one in ended)
    for what, query in CROOKED.items():
        assert await store.read(_all(query)) == [], what
    counted = await store.read(_all("SELECT count(*) FROM messages WHERE direction = 'in'"))
    assert counted == [(43,)]


def _all(query: str) -> Any:
    return lambda connection: [tuple(row) for row in connection.execute(text(query))]


async def test_two_merges_that_cross_in_one_batch_end_in_one_customer(store: Store) -> None:
    for one in ("a@x.example", "b@x.example"):
        await store.commit_inbound(arrival(message(one), known=True))
    a, b = (await identities(store)).values()

    def crossing(kept: int, other: int) -> Any:
        def act(connection: Connection, changes: Changes) -> Any:
            return join.join(connection, changes, join.Join(kept, other, "person", "", WHO))

        return store.change(act)

    ended = await asyncio.gather(crossing(a, b), crossing(b, a))
    assert [isinstance(one, rows.Link) for one in ended] == [True, False]
    assert not isinstance(ended[1], Refused)
    owners = await store.read(_all("SELECT DISTINCT customer_id FROM identities"))
    assert len(owners) == 1


async def test_what_either_was_told_counts_for_the_one_that_they_became(tmp_path: Path) -> None:
    text_ = f"{CONFIG}\n[acknowledge.limits]\nper_conversation_day = 2\n"
    async with opened(tmp_path, text_) as desk:
        for sender in ("yuki@example.jp", "ken@example.jp"):
            await desk.accept(mail(f"<{sender}>", vouched="example.jp"), sender)
        assert await desk.count("outbox") == 2
        first, second = (row["id"] for row in await desk.rows("SELECT id FROM identities"))
        wanted = join.Join(first, second, "proof", "", WHO)
        await desk.store.change(lambda c, ch: join.join(c, ch, wanted))
        third = await desk.accept(mail("<yuki@example.jp>", "Another", vouched="example.jp"))
        assert await desk.count("outbox") == 2
        assert (await desk.decision(third.message))["outcome"] == "silence"
