"""Files that a message only names are fetched, however long it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from channels.base import ChannelDown, Rejected, Retry
from gateway.retries.fetch import Fetch
from normalizer.message import Part, Spooled
from store.known import Accepted
from tests.gateway.incoming.test_messenger import say
from tests.making import Desk


class Peer:
    """A channel that gives what `say` returns or raises for a source."""

    name, ready = "mail", True

    def __init__(self, say: Callable[[str], bytes]) -> None:
        self.say = say
        self.asked: list[str] = []

    async def fetch(self, source: str) -> bytes | Spooled:
        self.asked.append(source)
        return self.say(source)


def pending(source: str) -> Part:
    return Part(role="attachment", content_type="image/jpeg", size=9, sha256="", data=b"",
                filename="a.jpg", source=source)  # fmt: skip


async def send(desk: Desk, *sources: str) -> Accepted:
    return await say(desk, f"look {sources}", parts=tuple(map(pending, sources)))


def fetching(desk: Desk, peer: Peer) -> Callable[[], Any]:
    fetch = Fetch(desk.store, {}, desk.clock)
    return lambda: fetch.look({"mail": peer})


async def parts(desk: Desk) -> list[dict[str, Any]]:
    return [dict(row) for row in await desk.rows("SELECT * FROM parts ORDER BY id")]


async def test_small_and_large_files_become_the_part_s_bytes(desk: Desk) -> None:
    await send(desk, "small", "large")
    peer = Peer(lambda source: b"x" * (300_000 if source == "large" else 10))
    await fetching(desk, peer)()
    assert [(row["size"], row["source"]) for row in await parts(desk)] == [(10, ""), (300_000, "")]
    blobs = await desk.rows(
        "SELECT b.size, b.data IS NULL AS is_file FROM parts p JOIN blobs b ON b.sha256 = p.sha256"
        " ORDER BY p.id"
    )
    assert [tuple(row.values()) for row in blobs] == [(10, 0), (300_000, 1)]


async def test_what_is_there_is_not_fetched_again(desk: Desk) -> None:
    await send(desk, "one")
    peer = Peer(lambda _: b"x")
    look = fetching(desk, peer)
    await look()
    await look()
    assert peer.asked == ["one"]


async def test_a_file_that_is_gone_is_marked_and_left(desk: Desk) -> None:
    await send(desk, "gone")

    def gone(_: str) -> bytes:
        raise Rejected

    peer = Peer(gone)
    look = fetching(desk, peer)
    await look()
    await look()
    (row,) = await parts(desk)
    assert (row["source"], row["sha256"], len(peer.asked)) == ("", "", 1)


async def test_one_that_cannot_be_had_now_waits_and_keeps_no_other(desk: Desk) -> None:
    troubles: list[Exception] = [ChannelDown(), Retry("", timedelta(minutes=5)), OSError()]
    await send(desk, "slow")
    await send(desk, "fast")

    def give(source: str) -> bytes:
        if source == "slow" and troubles:
            raise troubles.pop(0)
        return b"x"

    peer = Peer(give)
    look = fetching(desk, peer)
    await look()
    assert sorted(peer.asked) == ["fast", "slow"]
    await look()
    assert len(peer.asked) == 2, "not before its pause is over"
    desk.clock.advance(seconds=6)
    await look()
    desk.clock.advance(minutes=4)
    await look()
    assert len(peer.asked) == 3, "as long as the peer asked for"
    desk.clock.advance(minutes=2)
    await look()
    desk.clock.advance(minutes=2)
    await look()
    assert [row["source"] for row in await parts(desk)] == ["", ""]


async def test_channels_that_are_gone_are_not_asked(desk: Desk) -> None:
    await send(desk, "one")
    peer = Peer(lambda _: b"x")
    await Fetch(desk.store, {}, desk.clock).look({"another": peer})
    assert peer.asked == []
