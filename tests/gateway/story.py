"""One matter from its first word to its last, told twice: `python -m tests.gateway.story > docs/story.md`."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import structlog

from gateway.desk import acts
from gateway.desk.speak import Who
from gateway.desk.wanted import Reply
from gateway.rules import desk as desk_of
from store.rows import moment
from tests.making import KEYS, Desk, mail, opened

REFERENCE = "K4TZ-9QHM"  # in place of the one that was drawn
RULES = """
[calendar]
hours = {{ mon-fri = ["09:00-12:00", "13:00-18:00"] }}
holidays = "{holidays}"
quiet = "21:00-08:00"

[acknowledge]
reply_within = "3 business hours"

[promise]
warn = "1 business hour"
notify = ["desk@example.com"]
notice = "15 minutes"

[[follow_up]]
name = "nudge"
when = "pending"
after = "2 business days"
send = "nudge"

[[follow_up]]
name = "close"
when = "pending"
after = "5 business days"
set_status = "resolved"

[[follow_up]]
name = "ask"
when = "resolved"
after = "1 business day"
send = "survey"
"""
PLACE = """
[gateway]
name = "{name}"
timezone = "{zone}"
language = "{language}"
[store]
url = "sqlite:///desk.db"
[[channel]]
name = "mail"
type = "smtp"
listen = "127.0.0.1:2525"
addresses = ["support@example.com"]
send = "maildir:sent"
trusted_relays = ["192.0.2.7"]
"""
WEEKDAYS = "月火水木金土日"


class Told(NamedTuple):
    """What everybody says in one language."""

    language: str
    title: str
    name: str
    zone: str
    holidays: str
    begins: str
    answered: str
    voted: str
    subject: str
    question: str
    answer: str
    vote: str
    customer: str
    person: str


JAPANESE = Told(
    language="ja",
    title="日本語で",
    name="青空商店",
    zone="Asia/Tokyo",
    holidays="JP",
    begins="2026-11-13T19:40",
    answered="2026-11-16T14:20",
    voted="2026-11-25T20:15",
    subject="注文の品が届きません",
    question="先週注文した品がまだ届きません。いつごろ届くでしょうか。",
    answer="お待たせして申し訳ございません。本日、倉庫から発送いたしました。明日17日の午前中に届く予定です。\n"
    "届きましたら、このメールにひと言お知らせください。",
    vote="5!",
    customer="田中 ゆき",
    person="佐藤",
)
ENGLISH = Told(
    language="en",
    title="In English",
    name="Blue Sky Store",
    zone="America/New_York",
    holidays="US",
    begins="2026-11-20T19:40",
    answered="2026-11-23T14:20",
    voted="2026-12-03T20:15",
    subject="My order has not arrived",
    question="I ordered a week ago and nothing has arrived. When will it be here?",
    answer="We are sorry for the wait. Your parcel left our warehouse today and will be with you "
    "tomorrow morning.\nPlease let us know here when it has arrived.",
    vote="5!",
    customer="Yuki Tanaka",
    person="Anna",
)


@dataclass
class Story:
    """A desk on a clock of its own, and what happens there."""

    told: Told
    desk: Desk
    ids: list[int] = field(default_factory=list)

    def at(self, local: str) -> datetime:
        return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(self.told.zone))

    async def until(self, local: str) -> None:
        """Let time pass, from one due follow-up to the next."""
        clock, end = self.desk.follow_ups(), self.at(local)
        while due := await self._next():
            if due > end:
                break
            self.desk.clock.at = due
            await clock.look()
        self.desk.clock.at = end

    async def _next(self) -> datetime | None:
        query = "SELECT min(due_at) AS at FROM follow_ups WHERE state = 'pending'"
        found = (await self.desk.one(query))["at"]
        return moment(found) if found else None

    async def writes(self, text: str, **headers: str) -> None:
        raw = mail(
            sender="yuki@example.jp",
            subject=self.told.subject,
            body=text,
            vouched="example.jp",
            MIME_Version="1.0",
            Content_Type="text/plain; charset=utf-8",
            Content_Transfer_Encoding="8bit",
            Date=f"{self.desk.clock.at:%a, %d %b %Y %H:%M:%S +0000}",
            **headers,
        )
        await self.desk.accept(raw)

    async def answers(self, text: str) -> None:
        case = await self.desk.one("SELECT id FROM cases")
        who = Who(self.told.person, "", self.desk.clock.at)
        wanted = Reply(text=text, status="pending")
        await self.desk.store.change(
            acts.reply(desk_of(self.desk.config, KEYS), case["id"], wanted, (), who)
        )

    async def happens(self) -> None:
        """All of it."""
        told = self.told
        self.desk.clock.at = self.at(told.begins)
        await self.writes(told.question)
        await self.until(told.answered)
        await self.answers(told.answer)
        await self.until(told.voted)
        survey = await self.desk.one("SELECT message_id FROM messages WHERE kind = 'survey'")
        await self.writes(told.vote, In_Reply_To=f"<{survey['message_id']}>")


@dataclass(frozen=True)
class Line:
    """One thing that happened: what, when, to whom, and in which words."""

    at: datetime
    kind: str
    who: str
    subject: str = ""
    text: str = ""


async def lines(told: Told, folder: Path) -> list[Line]:
    """The story as it happened."""
    text = PLACE.format(**told._asdict()) + RULES.format(holidays=told.holidays)
    async with opened(folder, text) as desk:
        story = Story(told, desk)
        await story.happens()
        reference = (await desk.one("SELECT reference FROM cases"))["reference"]
        found = [line async for line in _lines(desk, told)]
        return [_renamed(line, reference) for line in sorted(found, key=lambda line: line.at)]


async def _lines(desk: Desk, told: Told) -> AsyncIterator[Line]:
    zone = ZoneInfo(told.zone)
    for row in await desk.rows("SELECT * FROM messages ORDER BY id"):
        at = moment(row["received_at"]).astimezone(zone)
        yield Line(at, _kind(row), _who(row, told), row["subject"], row["text"])
    events = "SELECT type, at, data FROM events WHERE type IN ('case.changed', 'survey.answered')"
    for row in await desk.rows(f"{events} ORDER BY cursor"):
        data, at = json.loads(row["data"]), moment(row["at"]).astimezone(zone)
        if row["type"] == "survey.answered":
            yield Line(at, "vote", f"score {data['score']}: the event `survey.answered`")
        else:
            yield Line(at, "status", f"{data['before']['status']} → {data['after']['status']}")


def _kind(row: dict[str, Any]) -> str:
    return "reminder" if row["kind"] == "note" else str(row["kind"])


def _who(row: dict[str, Any], told: Told) -> str:
    if row["direction"] == "in":
        return f"{told.customer} → {told.name}"
    sender = told.person if row["kind"] == "reply" else told.name
    is_ours = row["kind"] == "note"
    return f"{sender} → {'desk@example.com' if is_ours else told.customer}"


def _renamed(line: Line, reference: str) -> Line:
    said = (text.replace(reference, REFERENCE) for text in (line.subject, line.text))
    return Line(line.at, line.kind, line.who, *said)


def page(stories: list[tuple[Told, list[Line]]]) -> str:
    """The story as a page."""
    return "\n".join(_page(stories)) + "\n"


def _page(stories: list[tuple[Told, list[Line]]]) -> Iterator[str]:
    yield from (
        "# A promise in time",
        "",
        "A customer writes on a Friday evening; our people answer two hours after the time that was",
        "promised. What everybody reads, and when, follows from these lines of `config.toml`, the reply",
        "alone is a person's. Times are local; 勤労感謝の日 (23 November 2026) and Thanksgiving",
        "(26 November) are counted as closed.",
        "",
        "<!-- Made by `python -m tests.gateway.story > docs/story.md` on a virtual clock. -->",
        "",
        "```toml",
        RULES.format(holidays="JP").strip(),
        "```",
    )
    for told, found in stories:
        yield from ("", f"## {told.title}")
        for line in found:
            yield from ("", f"**{_time(line.at, told)}** · {line.kind} · {line.who}")
            if line.text:
                yield ""
                yield from _quoted(line)


def _quoted(line: Line) -> Iterator[str]:
    yield f"> **{line.subject}**"
    for text in ("", *line.text.strip().split("\n")):
        yield f"> {text}".rstrip()


def _time(at: datetime, told: Told) -> str:
    if told.language == "ja":
        return f"{at.month}月{at.day}日({WEEKDAYS[at.weekday()]}) {at:%H:%M}"
    return f"{at:%a} {at.day} {at:%b}, {at:%H:%M}"


async def stories(folder: Path) -> list[tuple[Told, list[Line]]]:
    """Both, each in a folder of its own."""
    found = []
    for told in (JAPANESE, ENGLISH):
        place = folder / told.language
        place.mkdir()
        found.append((told, await lines(told, place)))
    return found


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(page(asyncio.run(stories(Path(folder)))))


if __name__ == "__main__":
    main()
