"""Cases of somebody who is away: handed over in time, once, and told to whom it concerns."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway import rules
from gateway.absence.acts import be_away, be_back
from gateway.absence.cover import BATCH, Cover
from gateway.absence.fixed import absences
from gateway.absence.known import Absences
from gateway.absence.uncovered import Uncovered
from gateway.desk import acts
from gateway.desk.speak import Refused, Who
from gateway.desk.wanted import Away, Change
from store.known import Changes
from store.rows import instant
from tests.making import CONFIG, KEYS, NOON, Desk, mail, opened

STAFF = """
[notices]
on = ["owner"]
[[staff]]
name = "Aiko Sato"
address = "aiko@corp.example"
deputy = "Jun"
[[staff]]
name = "Jun"
address = "jun@corp.example"
deputy = "Ken"
public_name = "Jun"
[[staff]]
name = "Ken"
address = "ken@corp.example"
notify = ["new case"]
per_hour = 1000
[[staff]]
name = "Mika"
address = "mika@corp.example"
absent = ["2026-11-24..2026-11-26"]
"""
WEEK = timedelta(days=7)


class House:
    """A desk, and its clock's step."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.known = absences(desk.config)
        self.counted = 0
        self.cover = self.another()

    def another(self, known: Absences | None = None) -> Cover:
        """The step as a process has it that knows nothing yet."""
        known = known or self.known
        hands = rules.handing(self.desk.config, self.desk.rules)
        told = Uncovered(hands.notify, hands.follow, known, self.desk.config.promise.notify)
        return Cover(
            self.desk.store, known, hands, told, self.desk.clock, self._count, lambda _: None
        )

    def _count(self, cases: int) -> None:
        self.counted += cases

    async def away(self, name: str, days: float = 7, **more: Any) -> Any:
        wanted = Away(until=self.desk.clock() + timedelta(days=days), **more)
        act = be_away(self.known, name, wanted, Who("Boss", "token", self.desk.clock()))
        done = await self.desk.store.change(act)
        self.known.forget()
        return done

    async def back(self, name: str) -> Any:
        act = be_back(self.known, name, Who("Boss", "token", self.desk.clock()))
        done = await self.desk.store.change(act)
        self.known.forget()
        return done

    async def case(self, owner: str, sender: str = "yuki", **values: Any) -> int:
        """A case whose customer waits."""
        await self.desk.accept(
            mail(f"{sender}@example.jp", vouched="example.jp"), f"{sender}@example.jp"
        )
        case = int((await self.desk.one("SELECT max(id) AS id FROM cases"))["id"])
        await self.set(case, owner=owner, **values)
        return case

    async def set(self, case: int, **values: Any) -> None:
        def plan(_: Any, changes: Changes) -> None:
            changes.update("cases", case, **values)

        await self.desk.store.change(plan)

    async def owners(self) -> list[str]:
        return [row["owner"] for row in await self.desk.rows("SELECT owner FROM cases ORDER BY id")]

    async def mailed(self) -> list[dict[str, Any]]:
        """What colleagues got by mail."""
        return await self.desk.rows(
            "SELECT * FROM messages WHERE direction = 'out' AND identity_id IS NULL ORDER BY id"
        )

    async def events(self, kind: str) -> list[dict[str, Any]]:
        found = await self.desk.rows(
            "SELECT data FROM events WHERE type = :k ORDER BY cursor", k=kind
        )
        return [json.loads(row["data"]) for row in found]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, CONFIG + STAFF) as desk:
        if notify := desk.rules.notify:  # rules are shared by tests of one configuration
            notify.hours._sent.clear()
            notify.hours._more.clear()
        await desk.change("DELETE FROM events")
        yield House(desk)


async def test_who_waits_for_somebody_who_is_away_gets_the_deputy(house: House) -> None:
    case = await house.case("Aiko Sato")
    await house.away("Aiko Sato")
    assert await house.cover() == house.counted == 1
    assert await house.owners() == ["Jun"]
    (letter,) = [row for row in await house.mailed() if "jun@" in row["recipients"]]
    assert letter["text"].startswith(
        "Aiko Sato is away until noon on Tuesday 1 December. You take care of this case now."
    )
    assert "> It has been a week." in letter["text"]
    (changed,) = await house.events("case.changed")
    assert changed == {
        "case_id": case, "by": "absence of Aiko Sato", "before": {"owner": "Aiko Sato"},
        "after": {"owner": "Jun"},
    }  # fmt: skip
    house.desk.clock.advance(minutes=1)
    await house.desk.follow_ups().look()
    told = await house.desk.one(
        "SELECT text FROM messages WHERE kind = 'notice' AND identity_id > 0"
    )
    assert "From now on Jun takes care of your message" in told["text"]
    assert "Aiko" not in told["text"]


@pytest.mark.parametrize("owner", ["  AIKO   sato ", "Aiko@Corp.Example", "aiko sato"])
async def test_however_the_owner_is_spelled(house: House, owner: str) -> None:
    await house.case(owner)
    await house.away("aiko sato")
    assert await house.cover() == 1
    assert await house.owners() == ["Jun"]


@pytest.mark.parametrize("owner", ["Aiko", "Aiko Satoh", "somebody else", "", "%", "Jun"])
async def test_nobody_else_s_case_moves(house: House, owner: str) -> None:
    await house.case(owner)
    await house.away("Aiko Sato")
    assert await house.cover() == 0
    assert await house.owners() == [owner]


@pytest.mark.parametrize(
    ("values", "moves"),
    [
        ({"unanswered_since": None}, False),
        ({"unanswered_since": None, "next_update_by": instant(NOON + timedelta(days=6))}, True),
        ({"unanswered_since": None, "next_update_by": instant(NOON + timedelta(days=8))}, False),
        ({"status": "resolved"}, False),
        ({"status": "on_hold"}, True),
        ({"tags": '["sensitive"]'}, True),
    ],
)
async def test_only_what_cannot_wait_moves(
    house: House, values: dict[str, Any], *, moves: bool
) -> None:
    await house.case("Aiko Sato", **values)
    await house.away("Aiko Sato")
    assert await house.cover() == moves
    house.desk.clock.advance(hours=1)
    await house.desk.follow_ups().look()
    found = await house.desk.rows(
        "SELECT 1 FROM messages WHERE kind = 'notice' AND identity_id > 0"
    )
    assert len(found) == (moves and "sensitive" not in str(values))


async def test_a_customer_who_writes_during_the_absence_gets_the_deputy_then(house: House) -> None:
    await house.case("Aiko Sato", unanswered_since=None)
    await house.away("Aiko Sato")
    assert await house.cover() == 0
    first = await house.desk.one("SELECT message_id FROM messages WHERE direction = 'in'")
    raw = mail(vouched="example.jp", In_Reply_To=f"<{first['message_id']}>")
    await house.desk.accept(raw)
    assert await house.cover() == 1
    assert await house.owners() == ["Jun"]


async def test_who_writes_during_the_absence_has_never_been_with_anybody_else(
    house: House,
) -> None:
    """A route may give new cases to somebody who is away: that is no hand-over to their customer."""
    await house.away("Aiko Sato")
    house.desk.clock.advance(hours=1)
    await house.case("Aiko Sato")
    assert await house.cover() == 1
    assert [row["recipients"] for row in await house.mailed()][
        -1
    ] == '{"to":[["","jun@corp.example"]]}'
    assert not await house.desk.rows("SELECT 1 FROM follow_ups WHERE rule = 'notice.owner'")


async def test_the_deputy_s_deputy_where_that_one_is_away_too(house: House) -> None:
    await house.case("Aiko Sato")
    await house.away("Aiko Sato")
    await house.away("Jun", days=1)
    assert await house.cover() == 1
    assert await house.owners() == ["Ken"]


async def test_a_deputy_for_this_time_counts_before_the_usual_one(house: House) -> None:
    await house.case("Aiko Sato")
    await house.away("Aiko Sato", deputy="ken@corp.example")
    assert await house.cover() == 1
    assert await house.owners() == ["Ken"]


async def test_nothing_moves_before_it_begins_or_after_it_ends_or_back(house: House) -> None:
    await house.case("Aiko Sato")
    await house.away("Aiko Sato", from_=NOON + timedelta(days=1))
    assert await house.cover() == 0
    house.desk.clock.advance(days=1)
    assert await house.cover() == 1
    house.desk.clock.advance(days=7)
    await house.case("Aiko Sato", "another")
    assert await house.cover() == 0
    assert await house.owners() == ["Jun", "Aiko Sato"]


async def test_of_two_absences_the_last_word_counts(house: House) -> None:
    await house.case("Aiko Sato")
    await house.away("Aiko Sato", days=30)
    await house.away("Aiko Sato", days=30, from_=NOON + timedelta(days=5))
    assert await house.cover() == 0
    await house.away("Aiko Sato", days=1)
    await house.back("Aiko Sato")
    assert await house.cover() == 0
    assert [event["until"] for event in await house.events("staff.away")] == [
        instant(NOON + timedelta(days=days)) for days in (30, 30, 1)
    ]
    assert await house.events("staff.back") == [
        {"name": "Aiko Sato", "by": "Boss", "token": "token"}
    ]


async def test_what_a_person_gives_back_stays_with_them(house: House) -> None:
    """No game of ball between a person, or a helpdesk that copies owners, and the clock."""
    case = await house.case("Aiko Sato")
    await house.away("Aiko Sato")
    assert await house.cover() == 1
    desk = replace(
        rules.desk(house.desk.config, KEYS),
        handing=rules.handing(house.desk.config, house.desk.rules),
    )
    who = Who("Jun", "", house.desk.clock())
    await house.desk.store.change(acts.alter(desk, case, Change(owner="Aiko Sato"), who))
    assert await house.cover() == 0
    assert await house.another(absences(house.desk.config))() == 0  # after a restart, too
    assert await house.owners() == ["Aiko Sato"]


async def test_somebody_who_is_back_meanwhile_keeps_the_case(house: House) -> None:
    """The absence ends between the decision and the transaction."""
    await house.case("Aiko Sato")
    await house.away("Aiko Sato")
    await house.known.latest(house.desk.store, house.desk.clock())
    told = absences(house.desk.config)  # by another process
    act = be_back(told, "Aiko Sato", Who("Aiko Sato", "", house.desk.clock()))
    await house.desk.store.change(act)
    rota = await house.known.latest(house.desk.store, house.desk.clock())
    assert "Aiko Sato" in {one.name for one, _ in rota.everybody_away(house.desk.clock())}
    assert await house.cover() == 0
    assert await house.owners() == ["Aiko Sato"]


async def test_what_the_file_says_counts_by_the_gateway_s_day(house: House) -> None:
    """Mika is away, and nobody stands in for her."""
    midnight = datetime.fromisoformat("2026-11-27T00:00:00+09:00")
    await house.case("Mika")
    rota = await house.known.latest(house.desk.store, NOON)
    mika = rota.roster.find("mika")
    assert mika
    assert rota.away(mika, midnight - timedelta(microseconds=1))
    assert not rota.away(mika, midnight)
    done = await house.back("Mika")
    assert isinstance(done, Refused)
    assert "configuration" in done.detail


async def test_people_are_told_once_where_nobody_stands_in(house: House) -> None:
    for n in range(12):
        await house.case("Mika", f"customer{n}")
    before = len(await house.mailed())
    for cover in (house.cover, house.cover, house.another(absences(house.desk.config))):
        assert await cover() == 0
    assert set(await house.owners()) == {"Mika"}
    (letter,) = (await house.mailed())[before:]
    assert (letter["recipients"], letter["kind"]) == ('{"to":[["","ken@corp.example"]]}', "note")
    assert "Mika is away until the end of Thursday 26 November" in letter["text"]
    assert "12 of Mika's cases" in letter["text"]
    assert letter["text"].count("-") >= 10  # references
    assert await house.events("staff.uncovered") == [{"name": "Mika", "cases": 12}]


async def test_those_who_are_told_of_promises_are_told_of_it_wherever_they_are(
    tmp_path: Path,
) -> None:
    more = """
[promise]
notify = ["desk@corp.example", "telegram:4711"]
[[channel]]
name = "bot"
type = "telegram"
token = { file = "token" }
"""
    (tmp_path / "token").write_text("1:x")
    async with opened(tmp_path, CONFIG + STAFF + more) as desk:
        house = House(desk)
        await house.case("Mika")
        before = len(await house.mailed())
        assert await house.cover() == 0
        mail_, bot = (await house.mailed())[before:]
        assert (mail_["channel"], bot["channel"]) == ("mail", "bot")
        assert [mail_["recipients"], bot["recipients"]] == [
            '{"to":[["","desk@corp.example"]]}', '{"to":[["","4711"]]}',
        ]  # fmt: skip
        assert ("Mika" in mail_["subject"], bot["subject"]) == (True, "")
        assert "nobody who is there stands in" in bot["text"]


async def test_a_deputy_who_is_named_later_gets_them(house: House) -> None:
    await house.case("Mika")
    assert await house.cover() == 0
    await house.away("Mika", deputy="Jun")
    assert await house.cover() == 1
    assert await house.owners() == ["Jun"]


async def test_deputies_in_a_circle_of_people_s_making_end_it(house: House) -> None:
    await house.case("Aiko Sato")
    await house.away("Aiko Sato")
    await house.away("Jun", deputy="Aiko Sato")
    assert await house.cover() == 0
    assert await house.owners() == ["Aiko Sato"]
    assert len(await house.events("staff.uncovered")) == 1


async def test_very_many_go_in_bounded_steps_and_the_deputy_is_spared(house: House) -> None:
    for n in range(2 * BATCH + 5):
        await house.case("Aiko Sato", f"customer{n}")
    await house.away("Aiko Sato")
    assert await house.cover() == 2 * BATCH + 5
    assert set(await house.owners()) == {"Jun"}
    to_jun = [row for row in await house.mailed() if "jun@" in row["recipients"]]
    assert len(to_jun) == 20  # per_hour
    assert len(await house.events("case.changed")) == 2 * BATCH + 5


async def test_the_store_is_asked_nothing_while_everybody_is_there(house: House) -> None:
    await house.case("Jun")
    house.known.fixed = ()
    await house.cover()
    asked, read = [], house.desk.store.read
    house.desk.store.read = lambda query: asked.append(query) or read(query)  # type: ignore[func-returns-value,method-assign]
    for _ in range(50):
        house.desk.clock.advance(seconds=1)
        await house.cover()
    assert not asked


async def test_a_defect_of_ours_does_not_hold_up_the_clock(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.case("Aiko Sato")
    await house.away("Aiko Sato")
    with monkeypatch.context() as broken:
        broken.setattr("store.absences.owners", lambda _: 1 / 0)
        assert await house.cover() == 0
    assert await house.cover() == 0  # it rests for a minute
    house.desk.clock.advance(minutes=1)
    assert await house.cover() == 1
