"""Letters to the admin: rows of the outbox like any other mail, in no customer's conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from channels.base import Settings
from gateway.admin.bell import Bell, Letter, gone, heard, is_due, rung
from gateway.admin.reasons import told
from gateway.admin.words import ADVICE, FRAMES, spoken
from gateway.alarm import LASTING, Alarm, Kind
from gateway.authenticate import Keys
from gateway.outgoing import letter as outgoing
from gateway.record import storable, to_json
from gateway.words import Text, clean_line
from normalizer.message import Identity
from store import notes
from store.engine import StoreUnavailable
from store.known import Changes
from store.store import Store

_LOOK = 30.0  # seconds between looks for what has waited its hour
_OURS = ""  # whose notes they are: no channel's
_KINDS: tuple[Kind, ...] = get_args(Kind)
_FAILS: Kind = "channel.sending"  # is told by mail only where another channel sends it …
_UNHEARD: Kind = "alarms.undelivered"  # … and that such mail fails, never


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes them, of each kind one an hour; what was told is kept in the store, so that a crash
    tells nothing twice.

    `channels` send mail, the one to use first.
    """

    to: tuple[str, ...]
    name: str
    language: str
    zone: ZoneInfo
    channels: tuple[Settings, ...]
    keys: Keys

    def __call__(self, alarm: Alarm, connection: Connection, changes: Changes) -> None:
        """Take in an alarm, in the transaction of its event."""
        if alarm.kind != _UNHEARD:
            bell = heard(_recall(connection, alarm.kind), alarm)
            self._ring(alarm.kind, bell, alarm.at, connection, changes)

    async def run(self, store: Store, clock: Callable[[], datetime]) -> None:
        """Tell what has waited its hour, until cancelled."""
        since = clock()
        while True:
            await asyncio.sleep(_LOOK)
            try:
                await self.look(store, clock(), since)
            except StoreUnavailable:
                continue  # whoever watches the store tells of that

    async def look(self, store: Store, now: datetime, since: datetime) -> None:
        """Tell what has waited its hour by now, and the end of what was raised before `since`."""
        if await store.read(lambda connection: self._due(connection, now, since)):
            await store.change(
                lambda connection, changes: self._all(connection, changes, now, since)
            )

    def _all(
        self, connection: Connection, changes: Changes, now: datetime, since: datetime
    ) -> None:
        for kind, bell in self._due(connection, now, since):
            self._ring(kind, bell, now, connection, changes)

    def _due(
        self, connection: Connection, now: datetime, since: datetime
    ) -> list[tuple[Kind, Bell]]:
        kept = [(kind, _recall(connection, kind)) for kind in _KINDS]
        bells = [(kind, gone(bell, since, now) if kind in LASTING else bell) for kind, bell in kept]
        return [(kind, bell) for kind, bell in bells if is_due(bell, now) and self._way(kind, bell)]

    def _ring(
        self, kind: Kind, bell: Bell, now: datetime, connection: Connection, changes: Changes
    ) -> None:
        """Keep the bell, and write what is due of it."""
        way = self._way(kind, bell)
        if way and is_due(bell, now):
            bell, letter = rung(bell, now)
            text = written(kind, letter, self.name, self.language, self.zone)
            for address in self.to:
                self._queue(address, text, way, now, changes)
        notes.note(connection, changes.new_id(), _OURS, _name(kind), to_json(bell))

    def _way(self, kind: Kind, bell: Bell) -> Settings | None:
        """Another channel than the one in trouble, where there is one; never one that sends nothing."""
        well = (one for one in self.channels if one.name not in bell.bad)
        return next(well, None if kind == _FAILS else self.channels[0])

    def _queue(
        self, address: str, text: Text, way: Settings, now: datetime, changes: Changes
    ) -> None:
        letter = outgoing.Letter(
            kind="notice", to=Identity("email", address), text=text, language=self.language,
            case_id=0, conversation_id=0, customer_id=0, identity_id=None, at=now,
        )  # fmt: skip
        row = outgoing.message_row(changes.new_id(), letter, self.name, way, self.keys)
        row = row._replace(conversation_id=None, case_id=None, customer_id=None)
        changes.add(row)
        changes.add(
            outgoing.outbox_row(
                changes.new_id(), row, at=now, budget=("", ""), authenticated=True, counted=False
            )
        )


def written(kind: Kind, letter: Letter, name: str, language: str, zone: ZoneInfo) -> Text:
    """Pure: a letter in words."""
    tag = spoken(language)
    frame, advice = FRAMES[tag], ADVICE[tag][kind]
    subject = (frame.over if letter.over else frame.raised).format(name=name, title=advice.title)
    about = ", ".join(dict.fromkeys(line.about for line in letter.lines if line.about))
    lines = [
        f"{line.at.astimezone(zone):%Y-%m-%d %H:%M} {f'{line.about}: ' if line.about else ''}"
        f"{frame.ended if line.over else ''}{told(clean_line(line.reason, 300), language, zone)}"
        for line in letter.lines
    ]
    parts = [
        "\n".join([frame.happened.format(zone=zone.key), *lines]),
        frame.more.format(more=letter.more) if letter.more else "",
        "" if letter.over else f"{frame.means}\n{advice.means}",
        "" if letter.over else f"{frame.first}\n{advice.first}",
        frame.foot.format(kind=kind),
    ]
    body = "\n\n".join(filter(None, parts)) + "\n"
    return Text(clean_line(f"{subject} ({about})" if about else subject), storable(body))


def _name(kind: Kind) -> str:
    return f"alarm {kind}"


def _recall(connection: Connection, kind: Kind) -> Bell:
    kept = notes.recall(connection, _OURS, _name(kind))
    try:
        return msgspec.json.decode(kept, type=Bell) if kept else Bell()
    except msgspec.MsgspecError:
        return Bell()  # of another version: better told once more than never again
