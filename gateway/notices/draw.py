"""The next recipients of a notice, in the writer: who hears it becomes a row of the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection

from gateway.notices.decide import WATCHED, Goes, Later, Rules, Stays, decide
from gateway.notices.text import Letters, Read, Said
from gateway.outgoing import letter as outgoing
from gateway.outgoing.acknowledge import budget_of
from gateway.outgoing.letter import Letter, Why, message_row
from gateway.record import event_row
from normalizer.message import Identity
from scheduler.notices import Drawn
from store import notices, rows
from store.known import Changes
from store.notices import Fate, Notice, Recipient
from store.prospects import Prospect, prospects
from store.rows import instant

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Drawing:
    """Decides about recipients, with the rules and the words of the configuration."""

    rules: Rules
    letters: Letters
    language: str

    def __call__(
        self, connection: Connection, changes: Changes, notice: Notice,
        recipients: Sequence[Recipient], most: int, now: datetime,
    ) -> Drawn:  # fmt: skip
        """Write what becomes of each, until `most` are queued; the others go on waiting."""
        recipients, twice = notices.heirs(connection, notice.id, recipients)
        known = {p.customer_id: p for p in prospects(connection, notice.id, recipients, now)}
        said = msgspec.json.decode(notice.words, type=Said)
        fates: list[Fate] = []
        queued = 0
        for one in recipients:
            if queued >= most:
                break
            if one.customer_id in twice:
                fate = Fate(one.customer_id, "left_out", "part of another customer, who is told")
            else:
                fate = self._fate(notice, said, known.get(one.customer_id), one, changes, now)
            fates.append(fate)
            queued += fate.state == "queued"
        notices.write(connection, notice.id, fates, now)
        return Drawn(queued, len(fates))

    def finished(self, changes: Changes, notice: Notice, now: datetime) -> None:
        """Everybody has been looked at."""
        event_row(changes, "notice.finished", None, instant(now), notice_id=notice.id)

    def _fate(
        self, notice: Notice, said: Said, found: Prospect | None, one: Recipient,
        changes: Changes, now: datetime,
    ) -> Fate:  # fmt: skip
        if found is None:
            return Fate(one.customer_id, "left_out", "the customer is gone")
        try:
            return self._decided(notice, said, found, changes, now)
        except Exception as error:
            log.exception("notice.not_sent", notice_id=notice.id, customer_id=one.customer_id)
            return Fate(one.customer_id, "left_out", f"an error of ours: {type(error).__name__}")

    def _decided(
        self, notice: Notice, said: Said, found: Prospect, changes: Changes, now: datetime
    ) -> Fate:
        end = decide(self.rules, notice.kind, found, now, notice.watching)
        if isinstance(end, Stays):
            return Fate(found.customer_id, "left_out", end.reason)
        if isinstance(end, Later):
            return Fate(found.customer_id, "waiting", end.reason, end.until)
        read = self.read(notice.kind, said, found, end)
        message_id = self.say(notice, found, end, read, changes, now)
        if end.mode == "watch":
            return Fate(found.customer_id, "left_out", WATCHED, channel=end.settings.name)
        return Fate(
            found.customer_id, "queued", identity_id=end.heard.identity_id, message_id=message_id,
            channel=end.settings.name, language=read.language,
        )  # fmt: skip

    def read(self, what: notices.Kind, said: Said, one: Prospect, end: Goes) -> Read:
        """What somebody reads, in their language and as their channel shows it."""
        language = end.heard.language or one.language or end.settings.language or self.language
        reference = one.case.reference if one.case else ""
        return self.letters(what, said, language, end.settings, reference, end.heard.identity_id)

    def say(
        self, notice: Notice, one: Prospect, end: Goes, read: Read, changes: Changes, now: datetime,
        *, due: datetime | None = None, instead_of: int | None = None,
    ) -> int:  # fmt: skip
        """Write what somebody reads; its delivery leaves when it is `due`: now, if unset."""
        assert one.case is not None
        to = Identity.parse(end.heard.address)
        letter = Letter(
            kind="notice",
            to=to,
            text=read.text,
            language=read.language,
            case_id=one.case.id,
            conversation_id=one.conversation_id,
            customer_id=one.customer_id,
            identity_id=end.heard.identity_id,
            at=now,
            unsubscribe=read.unsubscribe,
            instead_of=instead_of,
        )
        row = message_row(
            changes.new_id(), letter, self.letters.name, end.settings, self.letters.keys
        )
        # Counts for its conversation only: a notice is no reason to leave others unanswered.
        budget = ("", budget_of(to)[1])
        why = Why(end.heard.id, f"notice {notice.id}", f"a {notice.kind} notice to many")
        written = outgoing.said(
            changes, row, end.mode, why, at=now, budget=budget, authenticated=True
        )
        for made in written:
            changes.add(_put_off(made, due or now))
        return row.id


def _put_off(row: tuple[Any, ...], due: datetime) -> tuple[Any, ...]:
    """A delivery leaves when it is due; a message only says what."""
    return row._replace(due_at=instant(due)) if isinstance(row, rows.Outbox) else row
