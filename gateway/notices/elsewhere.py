"""A notice that did not arrive, said by the customer's next way, and counted once all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from gateway.notices.acts import Announcing
from gateway.notices.decide import Goes, decide
from gateway.notices.text import Said
from store import notices, rows
from store.astray import Way
from store.known import Changes
from store.notices import Recipient, Telling
from store.prospects import Heard, prospects
from store.rows import instant


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Everything that decides about a notice decides here once more, about the other way.

    So many that fail at once leave no faster than they came; `quiet(now)` is when quiet hours end.
    """

    announcing: Announcing
    quiet: Callable[[datetime], datetime | None]

    def __call__(
        self, connection: Connection, lost: rows.Message, told: Telling, way: Way,
        changes: Changes, now: datetime,
    ) -> int | None:  # fmt: skip
        """The id of what is said instead; None where it may not be said by this way."""
        notice, drawing = told.notice, self.announcing.drawing
        recipient = Recipient(told.customer_id, lost.case_id)
        (one,) = prospects(connection, 0, [recipient], now) or (None,)
        if one is None or told.is_stopped or notices.told_others(connection, told):
            return None
        heard = tuple(
            _by(way, heard) for heard in one.heard if heard.identity_id == way.identity_id
        )
        # What did not arrive is no word that somebody heard today.
        one = one._replace(heard=heard, automatic_today=one.automatic_today - 1)
        end = decide(drawing.rules, notice.kind, one, now, notice.watching)
        if not isinstance(end, Goes) or end.mode == "watch":
            return None
        read = drawing.read(notice.kind, msgspec.json.decode(notice.words, type=Said), one, end)
        due = self._due(connection, now)
        id_ = drawing.say(notice, one, end, read, changes, now, due=due, instead_of=lost.id)
        notices.moved(
            connection, told, identity_id=way.identity_id, message_id=id_, channel=way.channel,
            language=read.language, at=instant(due),
        )  # fmt: skip
        return id_

    def _due(self, connection: Connection, now: datetime) -> datetime:
        """Outside of quiet hours, and one after the other."""
        earliest, last = self.quiet(now) or now, notices.last_due(connection)
        gap = timedelta(minutes=1) / self.announcing.per_minute
        return max(earliest, last + gap) if last else earliest


def _by(way: Way, heard: Heard) -> Heard:
    return heard._replace(channel=way.channel)
