"""What came while the DNS did not answer is judged again, and nothing is said twice because of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.retries.second_look import SecondLook
from gateway.sender.resolver import Resolver
from tests.dns_server import DnsServer, resolving
from tests.making import CONFIG, Desk, mail, opened

STRANGER = "203.0.113.66"
CLIENT = "198.51.100.1"
RECORDS = {
    ("example.jp", "TXT"): [f"v=spf1 ip4:{CLIENT} -all"],
    ("_dmarc.example.jp", "TXT"): ["v=DMARC1; p=reject"],
}


class House:
    """A desk, its DNS, and who looks again."""

    def __init__(self, desk: Desk, resolver: Resolver, dns: DnsServer) -> None:
        self.desk, self.resolver, self.dns = desk, resolver, dns
        self._look = SecondLook(desk.backlog, desk.clock)

    async def accept(self, raw: bytes, peer: str = CLIENT) -> int:
        return (await self.desk.accept(raw, peer=peer)).message

    async def look_after(self, **passed: float) -> None:
        self.desk.clock.advance(**passed)
        await self._look.look()

    async def message(self, id_: int) -> dict[str, Any]:
        query = (
            "SELECT m.*, c.unverified, c.status AS case_status FROM messages m"
            " JOIN cases c ON c.id = m.case_id WHERE m.id = :id"
        )
        return await self.desk.one(query, id=id_)

    async def events(self) -> list[str]:
        return [str(row["type"]) for row in await self.desk.rows("SELECT type FROM events")]


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    async with (
        resolving(RECORDS) as (resolver, dns),
        opened(folder, CONFIG, resolver=resolver) as desk,
    ):
        yield House(desk, resolver, dns)


async def test_the_mark_is_lifted_when_the_dns_answers_and_nothing_is_said_again(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as h:
        h.resolver.answers = False
        id_ = await h.accept(mail())
        before = await h.message(id_)
        assert (before["unverified"], before["status"]) == (1, "stored")
        assert before["authentication"] == "the DNS does not answer: nobody can say who wrote"
        assert await h.desk.count("outbox") == 1
        said = await h.desk.decision(id_)
        h.resolver.answers = True
        await h.look_after(seconds=59)
        assert (await h.message(id_))["unverified"] == 1
        await h.look_after(seconds=2)
        after = await h.message(id_)
        assert (after["unverified"], after["judge_at"]) == (0, None)
        assert after["authentication"] == "spf passed for example.jp"
        assert json.loads(after["author"])["authenticated"]
        assert (await h.desk.decision(id_, "author"))["reason"] == "spf passed for example.jp"
        assert await h.desk.decision(id_) == said
        assert await h.desk.count("outbox") == 1
        assert (await h.events()).count("message.authenticated") == 1


async def test_an_answer_goes_to_the_case_that_it_answers(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        first = await h.accept(mail(Message_ID="<first@mail.example>"))
        h.resolver.answers = False
        reply = await h.accept(mail(subject="Another", In_Reply_To="<first@mail.example>"))
        case = (await h.message(first))["case_id"]
        own = (await h.message(reply))["case_id"]
        assert own != case
        h.resolver.answers = True
        await h.look_after(minutes=2)
        assert (await h.message(reply))["case_id"] == case
        assert (await h.desk.one("SELECT * FROM cases WHERE id = :id", id=own))[
            "status"
        ] == "resolved"
        assert await h.desk.count("messages WHERE direction = 'in'") == 2


async def test_a_case_that_somebody_works_on_keeps_its_messages(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        first = await h.accept(mail(Message_ID="<first@mail.example>"))
        h.resolver.answers = False
        reply = await h.accept(mail(subject="Another", In_Reply_To="<first@mail.example>"))
        own = (await h.message(reply))["case_id"]
        await h.desk.store.change(lambda _, changes: changes.update("cases", own, status="open"))
        h.resolver.answers = True
        await h.look_after(minutes=2)
        found = await h.message(reply)
        assert (found["case_id"], found["unverified"]) == (own, 0)
        assert (await h.message(first))["case_id"] != own


async def test_a_forgery_is_known_as_one_later_and_stays_unverified(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.resolver.answers = False
        id_ = await h.accept(mail(), STRANGER)
        h.resolver.answers = True
        await h.look_after(minutes=2)
        found = await h.message(id_)
        assert (found["authentication"], found["unverified"]) == ("DMARC failed", 1)
        assert found["judge_at"] is None
        assert "message.authenticated" not in await h.events()


async def test_the_pauses_grow_and_end(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.resolver.answers = False
        id_ = await h.accept(mail())
        h.resolver.answers = True
        h.dns.failing.add("*")
        for minutes in (1.1, 5, 30, 180):
            assert (await h.message(id_))["judge_at"]
            h.resolver._cache.clear()
            await h.look_after(minutes=minutes)
        assert (await h.message(id_))["judge_at"] is None
        asked = len(h.dns.asked)
        await h.look_after(days=1)
        assert len(h.dns.asked) == asked


async def test_nobody_looks_while_the_dns_is_silent(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.resolver.answers = False
        id_ = await h.accept(mail())
        await h.look_after(minutes=2)
        assert (await h.message(id_))["judge_at"]


async def test_a_slow_dns_keeps_the_mail_and_not_the_peer(tmp_path: Path) -> None:
    """The 250 comes after a quarter of a second; the acknowledgement when the DNS has answered."""
    async with house(tmp_path) as h:
        h.dns.delay = 0.4
        began = asyncio.get_running_loop().time()
        id_ = await h.accept(mail())
        assert asyncio.get_running_loop().time() - began < 0.4
        waiting = await h.desk.one("SELECT status FROM messages WHERE id = :id", id=id_)
        assert waiting["status"] == "unread"
        assert await h.desk.count("outbox") == 0
        await h.desk.backlog._look()
        found = await h.message(id_)
        assert (found["status"], found["authentication"]) == ("stored", "spf passed for example.jp")
        assert await h.desk.count("outbox") == 1
        assert found["judge_at"] is None


async def test_what_each_method_found_is_kept(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        id_ = await h.accept(mail())
        assert json.loads((await h.message(id_))["reading"])["authentication"] == [
            {"method": "spf", "outcome": "pass", "domain": "example.jp", "reason": ""},
            {"method": "dmarc", "outcome": "pass", "domain": "example.jp",
             "reason": "spf passed for example.jp"},
        ]  # fmt: skip


async def test_a_refused_sender_is_not_answered_and_a_mild_one_is(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        refused = await h.accept(mail(), STRANGER)
        assert (await h.desk.decision(refused))["outcome"] == "silence"
        mild = await h.accept(mail("taro@nobody.jp"), STRANGER)
        assert (await h.desk.decision(mild))["outcome"] == "sent"


async def test_history_asks_nobody(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.desk.clock.advance(days=-30)
        old = h.desk.clock()
        h.desk.clock.advance(days=30)
        receipt = await h.desk.accept(mail(), peer=CLIENT, received_at=old)
        assert h.dns.asked == []
        assert (await h.message(receipt.message))["judge_at"] is None
