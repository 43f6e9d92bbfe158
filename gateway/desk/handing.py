"""A case goes to somebody else of us: its customer is told, and so is who takes care of it now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from gateway.alarm import Alarms
from gateway.desk.notify import WORDS, Notify, flooded, spoken
from gateway.follow_ups.follow import Follow
from gateway.follow_ups.handover import whom_they_knew
from gateway.record import storable
from gateway.team.roster import Roster
from gateway.words import Text, clean_line, own_dates
from normalizer.message import Identity
from scheduler.rules import TOLD, named
from store import desk, due, rows
from store.desk import LastWords, Said
from store.known import Changes
from store.rows import moment

_LONGEST = 5_000  # characters of anybody's words in such a mail
_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "handed": "{by} has handed this case over to you.",
        "given": "{by} has given this case to you.",
        "away": "{by} is away until {until}. You take care of this case now.",
        "why": "Why: {why}",
        "heard": "The customer said last ({day}):",
        "said": "We said last ({day}):",
        "nothing": "No person of ours has answered yet.",
        "promised": "We promised an answer by {by}.",
        "broken": "We promised an answer by {by}. That time has passed.",
        "next": "The customer was told to hear from us by {by}.",
        "late": "The customer was told to hear from us by {by}. That time has passed.",
        "waiting": "We wait for: {what}",
    },
    "ja": {
        "handed": "{by} さんからこのお問い合わせを引き継ぎました。",
        "given": "{by} さんからこのお問い合わせの担当に指定されました。",
        "away": "{by} さんは{until}まで不在です。このお問い合わせの担当をお願いします。",
        "why": "理由: {why}",
        "heard": "お客様の最後のご連絡({day}):",
        "said": "当方の最後の回答({day}):",
        "nothing": "担当者からの回答はまだありません。",
        "promised": "{by}までの回答をお約束しています。",
        "broken": "{by}までの回答をお約束していましたが、期限を過ぎています。",
        "next": "{by}までに次のご連絡をするとお伝えしています。",
        "late": "{by}までに次のご連絡をするとお伝えしていましたが、期限を過ぎています。",
        "waiting": "待っていること: {what}",
    },
}


class How(NamedTuple):
    """Who hands a case over, when and why; `until` is when they are back, if they are away."""

    by: str
    at: datetime
    why: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Handing:
    """Tells of another owner, as the configuration says whom."""

    follow: Follow
    roster: Roster = Roster()
    notify: Notify | None = None
    alarms: Alarms | None = None

    def tell_customer(
        self, connection: Connection, before: rows.Case, after: rows.Case, at: datetime,
        changes: Changes,
    ) -> None:  # fmt: skip
        """Of a new owner, status and stage, as far as `[notices]` wants them told."""
        told = named(self.follow.rules, TOLD)
        waiting = due.causes(connection, after.id, told) if told else ()
        knew = whom_they_knew(before, after, waiting, self.roster)
        self.follow.told(before, after, at, changes, knew)

    def tell_owner(
        self, connection: Connection, before: rows.Case, after: rows.Case, how: How,
        changes: Changes,
    ) -> None:  # fmt: skip
        """By mail, with all that an answer needs; whoever took the case himself knows of it."""
        owner, notify = self.roster.find(after.owner), self.notify
        if owner is None or notify is None or owner.is_called(before.owner):
            return
        settings = notify.way(after.channel)
        if settings is None or owner.is_called(how.by):
            return
        more = notify.hours.take(owner, how.at)
        if more is None:
            if self.alarms:
                flooded(self.alarms, after.channel, how.at)
            return
        last = desk.last_words(connection, after.id)
        lines = [
            *self._lines(before, after, how, last),
            WORDS[spoken(notify.language)]["more"].format(more=more) if more else "",
            WORDS[spoken(notify.language)]["answer"],
        ]
        subject = clean_line(f"[{after.reference}] {after.subject}")
        text = Text(storable(subject), storable("\n\n".join(filter(None, lines))))
        notify.post(Identity("email", owner.address), settings, after, text, how.at, changes)

    def _lines(
        self, before: rows.Case, case: rows.Case, how: How, last: LastWords
    ) -> Iterator[str]:
        tongue = spoken(self.notify.language if self.notify else "")
        texts, dates = _TEXTS[tongue], own_dates(tongue)
        now = how.at.astimezone(self.follow.calendar(case).zone)
        way = "away" if how.until else "handed" if before.owner else "given"
        until = dates.promise(how.until, now) if how.until else ""
        yield texts[way].format(by=clean_line(how.by, 100), until=until)
        yield texts["why"].format(why=how.why) if how.why else ""
        yield WORDS[tongue]["unverified"] if case.unverified else ""
        for name, word in (("heard", last.heard), ("said", last.said)):
            if word:
                day = dates.past_day(moment(word.at), now)
                yield f"{texts[name].format(day=day)}\n{_quoted(word)}"
        yield "" if last.said else texts["nothing"]
        answer = last.promised_by if case.unanswered_since else None
        for kept, late, at in (
            ("promised", "broken", answer),
            ("next", "late", case.next_update_by),
        ):
            if at and moment(at) > how.at:
                yield texts[kept].format(by=dates.promise(moment(at), now))
            elif at:
                yield texts[late].format(by=dates.past_day(moment(at), now))
        yield texts["waiting"].format(what=case.waiting_for) if case.waiting_for else ""


def _quoted(word: Said) -> str:
    text = word.text.strip()
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return "\n".join(f"> {line}".rstrip() for line in cut.splitlines())
