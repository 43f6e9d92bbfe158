"""The DNS is asked once for a name, and never holds anything up."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.sender import resolver as resolvers
from gateway.sender.resolver import Answer, DnsLate, DnsTrouble, Resolver
from tests.dns_server import resolving
from tests.making import until

RECORDS = {
    ("example.jp", "TXT"): ["v=spf1 -all"],
    ("example.jp", "MX"): ["10 mx.example.jp."],
    ("mx.example.jp", "A"): ["192.0.2.1"],
    ("1.2.0.192.in-addr.arpa", "PTR"): ["mx.example.jp."],
    ("alias.example.jp", "CNAME"): ["example.jp."],
    ("long.example.jp", "TXT"): ["p=" + "A" * 3000],
}


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolvers, "_TRY", 0.05)
    monkeypatch.setattr(resolvers, "_PROBE_EVERY", 0.02)


def soon(seconds: float = 60) -> float:
    return asyncio.get_running_loop().time() + seconds


async def records(resolver: Resolver, name: str, kind: str) -> tuple[str, ...]:
    return (await resolver.lookup(name, kind, soon())).records


async def test_every_kind_is_read_as_those_who_ask_want_it() -> None:
    async with resolving(RECORDS) as (resolver, _):
        assert await records(resolver, "Example.jp.", "TXT") == ("v=spf1 -all",)
        assert await records(resolver, "alias.example.jp", "TXT") == ("v=spf1 -all",)
        assert await records(resolver, "example.jp", "MX") == ("mx.example.jp",)
        assert await records(resolver, "mx.example.jp", "A") == ("192.0.2.1",)
        assert await records(resolver, "1.2.0.192.in-addr.arpa", "PTR") == ("mx.example.jp",)
        assert len((await records(resolver, "long.example.jp", "TXT"))[0]) == 3002


async def test_a_name_that_is_not_there_differs_from_one_without_such_a_record() -> None:
    async with resolving(RECORDS) as (resolver, _):
        assert await resolver.lookup("nobody.example.jp", "A", soon()) == Answer(exists=False)
        assert await resolver.lookup("example.jp", "A", soon()) == Answer(exists=True)
        assert await resolver.lookup("a..b", "A", soon()) == Answer(exists=False)
        assert await resolver.lookup("x" * 70 + ".jp", "A", soon()) == Answer(exists=False)


async def test_a_name_is_asked_for_once_however_many_wait_for_it() -> None:
    async with resolving(RECORDS) as (resolver, server):
        server.delay = 0.05
        await asyncio.gather(*(records(resolver, "example.jp", "TXT") for _ in range(20)))
        resolver.want("example.jp", "TXT")
        await records(resolver, "example.jp", "TXT")
        assert server.asked == [("example.jp", "TXT")]


async def test_who_cannot_wait_goes_and_the_answer_is_there_for_the_next() -> None:
    async with resolving(RECORDS) as (resolver, server):
        server.delay = 0.2
        with pytest.raises(DnsLate):
            await resolver.lookup("example.jp", "TXT", soon(0.01))
        assert await records(resolver, "example.jp", "TXT")
        assert len(server.asked) == 1


async def test_a_failing_server_is_trouble_and_not_the_end_of_asking() -> None:
    async with resolving(RECORDS) as (resolver, server):
        server.failing.add("example.jp")
        for _ in range(4):
            with pytest.raises(DnsTrouble):
                await resolver.lookup("example.jp", "TXT", soon())
        assert resolver.answers


@pytest.mark.usefixtures("_hurried")
async def test_a_silent_dns_is_trouble_at_once_until_it_answers_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with resolving(RECORDS) as (resolver, server):
        server.silent.add("*")
        names = [f"{i}.example.jp" for i in range(3)]
        asked = [resolver.lookup(name, "TXT", soon()) for name in names]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(one, DnsTrouble) for one in found)
        assert not resolver.answers
        began = time.process_time()
        for i in range(1000):
            with pytest.raises(DnsTrouble):
                await resolver.lookup(f"more{i}.example.jp", "TXT", soon())
        assert time.process_time() - began < 2
        server.silent.clear()

        async def answers() -> bool:
            return resolver.answers

        await until(answers)
        monkeypatch.setattr(resolvers, "_TRY", 20)
        assert await records(resolver, "example.jp", "TXT")


@pytest.mark.usefixtures("_hurried")
async def test_domains_whose_own_servers_are_dead_do_not_stop_the_asking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with resolving(RECORDS) as (resolver, server):
        dead = [f"{i}.dead.example.jp" for i in range(5)]
        server.silent.update(dead)
        asked = [resolver.lookup(name, "TXT", soon()) for name in dead]
        await asyncio.gather(*asked, return_exceptions=True)

        async def answers() -> bool:
            return resolver.answers

        await until(answers)
        monkeypatch.setattr(resolvers, "_TRY", 20)
        assert await records(resolver, "example.jp", "TXT")


async def test_a_machine_without_dns_does_not_wait_for_one() -> None:
    resolver = Resolver(())
    await resolver.start()
    resolver.want("example.jp", "TXT")
    with pytest.raises(DnsTrouble):
        await resolver.lookup("example.jp", "TXT", soon())
    await resolver.close()


async def test_a_flood_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolvers, "_UNDER_WAY", 4)
    async with resolving() as (resolver, server):
        server.delay = 0.1
        for i in range(20):
            resolver.want(f"{i}.example.jp", "TXT")
        assert len(resolver._under_way) == 4
        with pytest.raises(DnsTrouble):
            await resolver.lookup("another.example.jp", "TXT", soon())
