"""Another way for what we said to a customer, when the way that it took is closed for good.

Failed rows of the outbox wait in the store until this is decided, and what is decided is written in
one transaction: a process that dies before leaves the row, one that dies after has said it once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from channels.base import Channel, Metered, Settings
from gateway.desk import speak
from gateway.desk.speak import Desk, File, Who, Words
from gateway.follow_ups.fire import Firing
from gateway.matching.author import is_ours
from gateway.notices.elsewhere import Elsewhere
from gateway.outgoing.letter import kind_of
from gateway.record import event_row
from gateway.words import clean_line
from normalizer.message import Address, Identity
from store import astray, due, notices, rows
from store import desk as facts_of
from store.astray import DOWN, Lost, Way
from store.cases import heard as heard_by
from store.cases import standing
from store.deliveries import replaced_by
from store.desk import Facts
from store.engine import StoreUnavailable
from store.known import Changes, Raw
from store.rows import instant
from store.store import Store

log = structlog.get_logger()

_KINDS = frozenset({"reply", "follow_up", "notice"})  # nobody waits for another acknowledgement
_LOOK = 1.0  # seconds between looks
_STORE_DOWN = 5.0
_SUBJECT = {
    "en": "Your message to us (reference {reference})",
    "ja": "お問い合わせの件(受付番号:{reference})",
}


@dataclass(frozen=True, slots=True)
class Reroute:
    """Looks for rows that went astray, and says by the next way what is still to be said.

    `speaks` are the channels on which we speak; `after` is how long a channel may be down; `paid` says
    whether a channel that costs money for each message may be used.
    """

    store: Store
    desk: Desk
    firing: Firing
    notices: Elsewhere
    channels: Mapping[str, Channel]
    speaks: Collection[str]
    clock: Callable[[], datetime]
    wake: Callable[[str], None]
    after: timedelta
    paid: bool
    failpoint: Callable[[str], None]

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("reroute.store_down", reason=str(error))
                await asyncio.sleep(_STORE_DOWN)
            await asyncio.sleep(_LOOK)

    async def look(self) -> None:
        """Decide all that waits for it now."""
        while await self.store.read(lambda c: astray.wait(c, self.clock(), self.after)):
            channels = await self.store.change(self._turn)
            self.failpoint("F15")
            for channel in channels:
                self.wake(channel)

    def _turn(self, connection: Connection, changes: Changes) -> list[str]:
        """One transaction; the channels that have something to deliver now."""
        found, sent = astray.lost(connection, self.clock(), self.after), []
        for lost in {one.message.id: one for one in found}.values():  # one has several pieces
            try:
                sent.append(self._send(connection, lost, changes))
            except Exception:
                # A defect of ours with one message shall not hold up the others for ever.
                log.exception("reroute.defect", message_id=lost.message.id)
        astray.decided(connection, [lost.delivery for lost in found])
        self.failpoint("F15")
        return [channel for channel in sent if channel]

    def _send(self, connection: Connection, lost: Lost, changes: Changes) -> str:
        """The channel that a message goes by instead; "" if it goes by none."""
        message = lost.message
        if not is_movable(message) or replaced_by(connection, message.id):
            return ""
        facts = facts_of.facts(connection, message.case_id or 0)
        if facts is None or facts.case.customer_id != message.customer_id:
            return ""
        tried = astray.tried(connection, message)
        write = self._repeat if message.kind == "reply" else self._renew
        for way in astray.ways(connection, facts.case.customer_id):
            if not self._is_open(way, tried, lost):
                continue
            if id_ := write(connection, lost, facts, way, changes):
                return self._sent(connection, lost, way, id_, changes)
        return ""

    def _sent(
        self, connection: Connection, lost: Lost, way: Way, id_: int, changes: Changes
    ) -> str:
        message = lost.message
        if lost.why == DOWN:
            astray.give_up(
                connection, message.id, f"{message.channel} is down; sent by {way.channel}"
            )
        told: dict[str, Any] = {
            "message_id": message.id, "instead": id_, "channel": message.channel, "to": way.channel,
        }  # fmt: skip
        event_row(
            changes, "delivery.rerouted", message.conversation_id, instant(self.clock()),
            **told, case_id=message.case_id, why=lost.why,
        )  # fmt: skip
        log.info("delivery.rerouted", **told, reason=lost.why)
        return way.channel

    def _repeat(
        self, connection: Connection, lost: Lost, facts: Facts, way: Way, changes: Changes
    ) -> int:
        """A person's own words."""
        settings = self.desk.channels[way.channel]
        name = next((one.name for one in facts.identities if one.id == way.identity_id), "")
        to = Address(clean_line(name, 100), Identity.parse(way.address).address)
        row = speak.queue(
            self.desk, facts, speak.Way(settings, (to,), (), way.identity_id),
            _words(connection, lost.message, facts.case, settings),
            _who(lost.message, self.clock()), changes, instead_of=lost.message.id,
        )  # fmt: skip
        return row.id

    def _renew(
        self, connection: Connection, lost: Lost, facts: Facts, way: Way, changes: Changes
    ) -> int | None:
        """A notice to many, or a follow-up, in the words of the other way; None if it may not be."""
        case, now = facts.case, self.clock()
        if told := notices.telling(connection, lost.message.id):
            return self.notices(connection, lost.message, told, way, changes, now)
        here = standing(connection, {case.id}, now)[case.id]
        heard = heard_by(connection, way.message)
        if heard.case_id != case.id:  # another matter's thread
            heard = heard._replace(message_id="", references="[]", subject=case.subject)
        fired = due.fired(connection, case.id, lost.message.received_at)
        if not self.firing.elsewhere(lost.message, fired, here, heard, changes, now):
            return None
        return int(changes.added[rows.Message][-1][0])

    def _is_open(self, way: Way, tried: Collection[int], lost: Lost) -> bool:
        """Whether this is surely the customer, and can be written to now."""
        is_closed = way.channel == lost.message.channel and lost.why != "address_dead"
        settings, identity = self.desk.channels.get(way.channel), Identity.parse(way.address)
        return bool(
            settings
            and way.authenticated
            and not way.failing
            and way.identity_id not in tried
            and not is_closed
            and way.channel in self.speaks
            and identity.kind == kind_of(settings)
            and not settings.refuses(identity.address)
            and not is_ours(identity, self.desk.own)
            and self._is_allowed(settings, way.heard_at)
        )

    def _is_allowed(self, settings: Settings, heard_at: datetime) -> bool:
        """By the channel's window, its price and its month."""
        limits, channel = settings.limits, self.channels.get(settings.name)
        if limits.window is not None and self.clock() - heard_at >= limits.window:
            return False
        if limits.cost == "paid" and not self.paid:
            return False
        used, most = channel.month if isinstance(channel, Metered) else (0, 0)
        return not most or used < most


def is_movable(message: rows.Message) -> bool:
    """Whether it is worth saying again, and went to the customer alone: nobody else hears of it."""
    written = json.loads(message.recipients)
    to = [*written.get("to", ()), *written.get("cc", ())]
    return message.kind in _KINDS and message.identity_id is not None and len(to) == 1


def _words(
    connection: Connection, message: rows.Message, case: rows.Case, settings: Settings
) -> Words:
    """The same words, with the same files; a letter has a subject, too."""
    files = tuple(map(_file, astray.parts(connection, message.id)))
    subject = message.subject or case.subject
    if settings.form == "long" and not subject:
        spoken = "ja" if message.language.partition("-")[0] == "ja" else "en"
        subject = _SUBJECT[spoken].format(reference=case.reference)
    return Words(message.text, subject, files)


def _file(part: rows.Part) -> File:
    return File(
        part.role, part.content_type, part.filename,  # type: ignore[arg-type]  # a role of ours
        Raw(part.sha256, part.size, None), part.content_id,
    )  # fmt: skip


def _who(message: rows.Message, now: datetime) -> Who:
    author = json.loads(message.author)
    return Who(author.get("name", ""), author.get("token", ""), now)
