"""Word to people of ours that somebody is away whom nobody replaces, once for each absence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from gateway.absence.known import Absences
from gateway.absence.rota import Span
from gateway.desk.notify import Notify, spoken
from gateway.follow_ups.follow import Follow
from gateway.record import event_row, storable
from gateway.team.reached import colleague
from gateway.team.roster import Colleague
from gateway.words import Text, own_dates
from store import absences, notes, rows
from store.known import Changes
from store.rows import instant
from store.store import Store

_OURS = ""  # the notes of no channel
_SHOWN = 10  # references in such a mail
_TEXTS: Mapping[str, tuple[str, str]] = {
    "en": (
        "{name} is away, and nobody stands in",
        (
            "{name} is away until {until}, and nobody who is there stands in. So {count} of {name}'s "
            "cases stay where they are although a customer waits: {references}.\n\n"
            "Please give them to somebody, or name a deputy.\n\nSent automatically to the team of {us}."
        ),
    ),
    "ja": (
        "{name} さんの不在中の担当者が決まっていません",
        (
            "{name} さんは{until}まで不在で、代わりの担当者がいません。お客様をお待たせしている"
            "お問い合わせが{count}件、{name} さんの担当のままです(受付番号: {references})。\n\n"
            "別の担当者に引き継ぐか、代わりの担当者を指定してください。\n\n"
            "※{us}の担当者の皆さまに自動でお送りしています。"
        ),
    ),
}


@dataclass(slots=True)
class Uncovered:
    """Tells `to`, or whoever is told of customers by mail; nobody where no mail can be sent."""

    notify: Notify | None
    follow: Follow
    absences: Absences
    to: tuple[str, ...] = ()
    _told: set[str] = field(default_factory=set, init=False)

    async def __call__(
        self, store: Store, one: Colleague, owners: Sequence[str], cause: str, now: datetime
    ) -> None:
        """Tell it of a colleague whose cases wait, unless any process has told it before."""
        if cause in self._told:
            return
        if await store.change(partial(self._tell, one, owners, cause, now)):
            self._told.add(cause)

    def _tell(
        self, one: Colleague, owners: Sequence[str], cause: str, now: datetime,
        connection: Connection, changes: Changes,
    ) -> bool:  # fmt: skip
        rota, name = self.absences.rota(connection), f"uncovered {cause}"
        span = rota.away(one, now)
        if notes.recall(connection, _OURS, name):
            return True
        if span is None or rota.stands_in(one, now):
            return False  # somebody is back since it was looked at
        found = absences.waiting(connection, owners, span.ends_at, cause, _SHOWN)
        if not found:
            return False
        notes.note(connection, changes.new_id(), _OURS, name, instant(now))
        count = absences.count(connection, owners, span.ends_at, cause)
        event_row(changes, "staff.uncovered", None, instant(now), name=one.name, cases=count)
        away = {other.address for other, _ in rota.everybody_away(now)}
        told = [c.address for c in rota.roster.people if c.notify and c.address not in away]
        self._write(span, found, count, self.to or tuple(told), now, changes)
        return True

    def _write(
        self, span: Span, found: Sequence[rows.Case], count: int, to: Sequence[str], now: datetime,
        changes: Changes,
    ) -> None:  # fmt: skip
        notify, first = self.notify, found[0]
        if notify is None:
            return
        tongue = spoken(notify.language)
        here = now.astimezone(self.follow.calendar(first).zone)
        subject, body = (
            text.format(
                name=span.name, until=own_dates(tongue).promise(span.ends_at, here), count=count,
                references=", ".join(case.reference for case in found), us=notify.name,
            )
            for text in _TEXTS[tongue]
        )  # fmt: skip
        for one in map(colleague, to):
            if settings := notify.way(first.channel, one.kind):
                title = f"[{first.reference}] {subject}" if settings.form == "long" else ""
                text = Text(storable(title), storable(body))
                notify.post(one, settings, first, text, now, changes, kind="note")
