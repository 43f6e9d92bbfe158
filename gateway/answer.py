"""What we say by ourselves: an acknowledgement as the row of a message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from channels.base import Settings
from gateway.acknowledge import Decision
from gateway.authenticate import Keys
from gateway.place import Place
from gateway.record import to_json
from gateway.words import AckFacts, Text, Words
from normalizer.message import Message
from scheduler.calendar import Calendar, ClosedDay, closed_days, due, is_open, next_open
from scheduler.duration import Duration
from store import rows
from store.known import Arrival
from store.rows import instant

# What we repeat of a Message-ID that somebody else chose: RFC 5322 section 3.6.4, without
# anything that could end a header or fill one.
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,250}\Z")
_REFERENCES = 20
_REFERENCE = "\ue000"  # stands for the reference in a text that is written once for many


class Promise(NamedTuple):
    """By when we answer, and whether and until when we are closed."""

    by: datetime
    open_now: bool
    closed: tuple[ClosedDay, ...]
    reopens_at: datetime | None


def promise(calendar: Calendar, within: Duration, at: datetime) -> Promise:
    """What may be promised to somebody who writes now."""
    open_now = is_open(calendar, at)
    return Promise(
        due(calendar, at, within),
        open_now,
        () if open_now else closed_days(calendar, at),
        None if open_now else next_open(calendar, at),
    )


@lru_cache(maxsize=8)
def _promise_of_the_minute(calendar: Calendar, within: Duration, minute: datetime) -> Promise:
    return promise(calendar, within, minute)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes acknowledgements; everything in it comes from the configuration."""

    name: str
    zone: ZoneInfo
    language: str
    channels: Mapping[str, Settings]
    words: Words
    calendar: Calendar
    within: Duration
    phone: str
    phone_hours: str
    keys: Keys

    def __call__(
        self, arrival: Arrival, message: Message, where: Place, decision: Decision, id_: int
    ) -> rows.Message:
        settings = self.channels[arrival.channel]
        token = self.keys.token(where.case.id, id_, decision.to)
        language = self._language(message, where, settings)
        facts = self._facts(arrival, message)
        text = _fill(_written(self.words, facts, language), where.case.reference)
        replies_to = _usable(message.message_id)
        pattern = settings.reply_pattern
        return rows.Message(
            id=id_,
            conversation_id=where.conversation_id,
            case_id=where.case.id,
            customer_id=where.case.customer_id,
            identity_id=where.person.identity_id if where.person else None,
            channel=arrival.channel,
            direction="out",
            kind="acknowledgement",
            status="stored",  # how its delivery stands is the outbox's to say
            message_id=f"{token}@{settings.domain}",
            in_reply_to=replies_to,
            references=to_json(_references(arrival, message, replies_to)),
            fingerprint=None,
            subject=text.subject,
            text=text.body,
            reply_text=None,
            language=language,
            author=to_json({"name": self.name, "address": ""}),
            recipients=to_json({"to": [["", decision.to]]}),
            reply_to=pattern.format(token=token) if pattern else "",
            authentication="",
            reading="{}",
            decisions="[]",
            raw_sha256=None,
            date=None,
            received_at=instant(arrival.at),
        )

    def _facts(self, arrival: Arrival, message: Message) -> AckFacts:
        minute = arrival.at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        promised = _promise_of_the_minute(self.calendar, self.within, minute)
        known = arrival.author.authenticated
        return AckFacts(
            gateway_name=self.name,
            reference=_REFERENCE,
            now=minute.astimezone(self.zone),
            promised_by=promised.by.astimezone(self.zone),
            open_now=promised.open_now,
            closed_days=promised.closed,
            reopens_at=promised.reopens_at,
            subject=message.subject if known else "",
            phone=self.phone,
            phone_hours=self.phone_hours,
            authenticated=known,
        )

    def _language(self, message: Message, where: Place, settings: Settings) -> str:
        earlier = where.person.language if where.person else ""
        return message.language or earlier or settings.language or self.language


@lru_cache(maxsize=64)
def _written(words: Words, facts: AckFacts, language: str) -> Text:
    """Strangers who write in the same minute and language read the same but for the reference."""
    return words.acknowledgement(facts, language, "long")


def _fill(text: Text, reference: str) -> Text:
    return Text(*(line.replace(_REFERENCE, reference) for line in text))


def _usable(message_id: str) -> str:
    return message_id if _MESSAGE_ID.match(message_id) else ""


def _references(arrival: Arrival, message: Message, replies_to: str) -> tuple[str, ...]:
    """RFC 5322 section 3.6.4; to a stranger we repeat his own Message-ID at most."""
    if not replies_to:
        return ()
    if not arrival.author.authenticated:
        return (replies_to,)
    known = (reference for reference in message.references if _usable(reference))
    return (*tuple(known)[-_REFERENCES:], replies_to)
