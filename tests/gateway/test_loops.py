"""A small zoo of automatic responders, on a virtual clock, against the real rules."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway.acknowledge import budget, recipient
from gateway.admit import Admission
from gateway.authenticate import Trust, tokens
from gateway.author import fold, resolve
from gateway.supervisor import admission
from normalizer.message import Transport
from store import rows
from store.known import Arrival, Changes, Known, Raw, Seen
from store.rows import instant, moment
from tests.making import CONFIG, DESK, KEYS, NOON, OWN, RELAY, configure, mail, read

OTHER = "desk@other.example"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Said(NamedTuple):
    """An acknowledgement of ours, as it reaches somebody."""

    at: datetime
    to: str
    conversation: int
    authenticated: bool
    row: rows.Message


@dataclass
class House:
    """The rules on a store that is kept in memory: what a batch would be told is told here."""

    rules: Admission
    known: Known = field(default_factory=Known)
    changes: Changes = field(default_factory=lambda: Changes(0))
    said: list[Said] = field(default_factory=list)
    mails: int = 0
    stored: int = 0

    def take(self, raw: bytes, at: datetime, sender: str, to: str = DESK) -> Said | None:
        """One mail in; what we say to it, if anything."""
        content = read(raw)
        verdict = Trust((RELAY,)).verdict(content, RELAY)
        author = resolve(content, OWN, verdict)
        address = recipient(content) if author.identity else ""
        self.mails += 1
        arrival = Arrival(
            channel="mail", unit=f"{self.mails}", received_at=at,
            transport=Transport(peer=RELAY, sender=sender, recipients=(to,)),
            raw=Raw(f"{self.mails:064}", len(raw), raw), message=content, author=author,
            tokens=tokens(KEYS, (content.in_reply_to, *content.references), (to,), address),
            budget=budget(content), distrusted=verdict.distrusted,
        )  # fmt: skip
        self._count(at, arrival)
        self.changes.added.clear()
        self.rules(self.known, arrival, self.changes)
        self.stored += 1
        return self._sent(at, arrival)

    def _count(self, at: datetime, arrival: Arrival) -> None:
        """What the store would count for this arrival."""
        spent = self.known.spent
        day = [s for s in self.said if s.at > at - DAY]
        spent.sender_day.clear()
        spent.sender_day.update(Counter(fold(s.to) for s in day))
        spent.conversation_day.clear()
        spent.conversation_day.update(Counter(s.conversation for s in day))
        spent.unauthenticated_hour = sum(not s.authenticated for s in day if s.at > at - HOUR)

    def _sent(self, at: datetime, arrival: Arrival) -> Said | None:
        if not self.changes.added.get(rows.Outbox):
            return None
        (out,) = self.changes.added[rows.Outbox]
        row: Any = self.changes.added[rows.Message][-1]
        assert isinstance(out, rows.Outbox)
        self.known.message_ids[row.message_id].append(
            Seen(row.id, row.conversation_id, row.case_id, None)
        )
        ((_, to),) = json.loads(row.recipients)["to"]
        said = Said(at, to, row.conversation_id, arrival.author.authenticated, row)
        self.said.append(said)
        return said


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(admission(configure(tmp_path), KEYS))


Respond = Callable[[Said, int], dict[str, str]]


def _again(said: Said, n: int) -> dict[str, str]:
    return {"subject": f"Re: {said.row.subject}", "body": said.row.text}


def _with(**headers: str) -> Respond:
    return lambda said, n: _again(said, n) | headers


def _threaded(said: Said, n: int) -> dict[str, str]:
    return _again(said, n) | {"In_Reply_To": f"<{said.row.message_id}>", "To": said.row.reply_to}


ZOO: dict[str, Respond] = {
    "a vacation program": _with(Auto_Submitted="auto-replied"),
    "an absence notice by subject": lambda s, n: {"subject": "Out of office: back in May"},
    "an answering machine that says no": _with(Auto_Submitted="no"),
    "Precedence: bulk": _with(Precedence="bulk"),
    "X-Autoreply": _with(X_Autoreply="yes"),
    "a mirror without any header (L12)": _again,
    "a new subject each time": lambda s, n: {"subject": f"Ticket {n} received"},
    "a new tag each time (L12)": lambda s, n: _again(s, n) | {"From": f"bot+{n}@robot{{}}.example"},
    "dots in new places each time": lambda s, n: _again(s, n) | {"From": f"b{'.' * (n % 2)}ot@robot{{}}.example"},
    "in the thread, by our token": _threaded,
    "in the thread, new subject": lambda s, n: _threaded(s, n) | {"subject": f"Case {n}"},
    "a list": _with(List_Id="<robots.example>"),
    "a bouncing daemon": _with(Return_Path="<>"),
    "a no-reply address": lambda s, n: _again(s, n) | {"From": "noreply@robot{}.example"},
    "from our own address (L10)": lambda s, n: _again(s, n) | {"From": DESK},
    "our mail itself (L11)": lambda s, n: _again(s, n) | {"Message_ID": f"<{s.row.message_id}>"},
    "an echo with Reply-To elsewhere (L14)": _with(Reply_To="victim@example.org"),
}  # fmt: skip


def day(house: House, respond: Respond, number: int, vouched: str = "") -> Iterator[Said]:
    """A responder answers everything at once and, unasked, writes every ten minutes for a day."""
    address = f"bot@robot{number}.example"
    domain = vouched and f"robot{number}.example"
    said = house.take(mail(address, "Hello", vouched=domain), NOON, address)
    last, n = said, 0
    for minute in range(0, 24 * 60, 10):
        at = NOON + timedelta(minutes=minute)
        answers = 0
        while last and answers < 20:
            if said:
                yield said
            n, answers = n + 1, answers + 1
            facts = respond(last, n)
            sender = facts.pop("From", address).format(number)
            said = house.take(
                mail(sender, vouched=domain, **facts), at, sender, facts.get("To", DESK)
            )
            last = said or last
            if said is None:
                break


@pytest.mark.parametrize("vouched", ["", "yes"], ids=["unauthenticated", "authenticated"])
@pytest.mark.parametrize("respond", ZOO.values(), ids=ZOO)
def test_a_responder_gets_little_in_a_day(house: House, respond: Respond, vouched: str) -> None:
    said = list(day(house, respond, 1, vouched))
    assert said == house.said
    assert house.stored == house.mails > 100
    assert len(said) <= (5 if vouched else 1)
    assert max(Counter(s.conversation for s in said).values()) <= 5
    assert {fold(s.to).partition("@")[2] for s in said} == {"robot1.example"}


def test_the_whole_zoo_stays_within_every_budget(house: House) -> None:
    for number, respond in enumerate(ZOO.values()):
        list(day(house, respond, number))
    per_sender = Counter(fold(s.to) for s in house.said)
    assert max(per_sender.values()) == 1
    assert len(house.said) <= 60
    assert max(Counter(s.conversation for s in house.said).values()) <= 5


def test_two_of_our_gateways_end_at_once_l13(tmp_path: Path) -> None:
    """Each takes what the other says as it is sent: automatic, from the channel's address."""
    here = House(admission(configure(tmp_path), KEYS))
    (tmp_path / "there").mkdir()
    text = CONFIG.replace(DESK, OTHER)
    there = House(admission(configure(tmp_path / "there", text), KEYS))
    first = here.take(mail(OTHER, "Hello"), NOON, OTHER)
    said, mails = first, 0
    while said and mails < 50:
        mails += 1
        house = there if mails % 2 else here
        ours = {"Auto_Submitted": "auto-replied", "X_Auto_Response_Suppress": "All"}
        said = house.take(
            mail(DESK if mails % 2 else OTHER, said.row.subject, said.row.text,
                 In_Reply_To=f"<{said.row.message_id}>", **ours),
            NOON + timedelta(minutes=mails), "<>",
        )  # fmt: skip
    assert mails == 1


def test_two_thousand_forged_senders_get_sixty_an_hour_and_nothing_of_the_attacker_s_l18(
    house: House,
) -> None:
    evil = "BUY PILLS at evil.example"
    for n in range(2000):
        victim = f"victim{n}@example.org"
        raw = mail(f'"{evil}" <{victim}>', evil, f"{evil} {n}", Date="")
        house.take(raw, NOON + timedelta(seconds=n), victim)
    assert len(house.said) == 60
    assert max(Counter(s.to for s in house.said).values()) == 1
    shown = "".join(s.row.subject + s.row.text for s in house.said)
    assert "PILLS" not in shown
    assert "evil" not in shown


def test_ten_thousand_seconds_of_one_forged_victim_are_one_mail_l18(house: House) -> None:
    spellings = ("victim@example.org", "vic.tim@example.org", "VICTIM+{}@example.org")
    for n in range(300):
        address = spellings[n % 3].format(n)
        house.take(mail(address, f"Matter {n}"), NOON + timedelta(minutes=n), address)
    assert len(house.said) == 1


def test_the_next_day_everybody_is_answered_again(house: House) -> None:
    for days in range(3):
        house.take(mail(subject=f"Matter {days}"), NOON + days * (DAY + HOUR), "yuki@example.jp")
    assert len(house.said) == 3


def test_the_rows_carry_the_time_that_budgets_count_by(house: House) -> None:
    said = house.take(mail(), NOON, "yuki@example.jp")
    assert said
    assert moment(said.row.received_at) == NOON
    assert said.row.received_at == instant(NOON)
