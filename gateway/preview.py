"""What would be said: a mail tried on the rules, and a template with example facts; nothing is kept."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from channels.base import Settings
from gateway.acknowledge import budget
from gateway.authenticate import Keys
from gateway.author import resolve
from gateway.config import Config
from gateway.intake.question import WORDS as ASKED
from gateway.promises.word import promise
from gateway.route import ACKNOWLEDGEMENT
from gateway.rules import admission, own
from gateway.sender.trust import NOBODY_VOUCHES
from gateway.words import NOTICES, AckFacts, FollowUpFacts, Form, NoticeFacts, Text, Words
from normalizer import normalize
from normalizer.message import Envelope, Message, Transport
from store import rows
from store.cases import referenced
from store.known import Arrival, Changes, Known, Raw
from store.rows import moment
from store.store import look

_MAIL = "rfc5322"
_REFERENCE = "K4TZ-9QHM"
_SUBJECTS = {"ja": "商品が届きません"}
_SUBJECT = "My parcel has not arrived"


class NotPossible(ValueError):
    """It cannot be shown; the message says what would help."""


class Shown(NamedTuple):
    """What a template is shown with: an example, or the facts of a case that there is."""

    reference: str = _REFERENCE
    subject: str | None = None
    language: str = ""
    answered_at: datetime | None = None
    authenticated: bool = True


EXAMPLE = Shown()


def case(config: Config, reference: str, at: datetime) -> Shown:
    """The facts of a case, from the store, which is only read. Raises NotPossible, StoreUnavailable."""
    found = look(config.store.dsn, partial(referenced, reference=reference, now=at))
    if found is None:
        raise NotPossible(f'there is no case "{reference}"')
    heard = found.heard
    return Shown(
        found.case.reference,
        heard.subject if heard else found.case.subject,
        heard.language if heard else "",
        moment(found.answered_at) if found.answered_at else None,
        bool(heard and json.loads(heard.author).get("authenticated")),
    )


def template(
    config: Config, name: str, language: str, form: Form, at: datetime, shown: Shown = EXAMPLE
) -> Text:
    """A template as a customer would read it now; NotPossible names those there are."""
    said = config.acknowledge
    words = Words(said.templates, config.gateway.language)
    if name not in words.names:
        known = ", ".join(sorted(words.names))
        raise NotPossible(f'there is no template "{name}"; there are {known}')
    language = language or shown.language or config.gateway.language
    zone = ZoneInfo(config.gateway.timezone)
    promised = promise(config.calendar_(), said.reply_within, at)
    by, now = promised.by.astimezone(zone), at.astimezone(zone)
    answered = (shown.answered_at or at).astimezone(zone)
    subject = shown.subject
    if subject is None:
        subject = _SUBJECTS.get(language.partition("-")[0].lower(), _SUBJECT)
    gateway, phone, hours = config.gateway.name, said.phone, said.phone_hours
    if name in NOTICES:
        return words.notice(name.partition("_")[2], _notice(config), language, form)
    asks = ASKED["product"]
    if not name.startswith(ACKNOWLEDGEMENT):
        facts = FollowUpFacts(
            gateway_name=gateway, reference=shown.reference, now=now, answered_at=answered,
            closes_at=by, promised_by=by, subject=subject, phone=phone, phone_hours=hours,
            authenticated=shown.authenticated,
            question=asks.get(language.partition("-")[0].lower(), asks["en"]),
            vote_url=f"{config.http.public_url}/v/…" if config.http.public_url else "",
            colleague=next((one.public_name for one in config.staff if one.public_name), ""),
        )  # fmt: skip
        return words.follow_up(name, facts, language, form)
    told = AckFacts(
        gateway_name=gateway, reference=shown.reference, now=now, promised_by=by,
        open_now=promised.open_now, closed_days=promised.closed, reopens_at=promised.reopens_at,
        subject=subject, phone=phone, phone_hours=hours, authenticated=shown.authenticated,
    )  # fmt: skip
    return words.acknowledgement(told, language, form, name)


def _notice(config: Config) -> NoticeFacts:
    url = config.http.public_url
    return NoticeFacts(
        gateway_name=config.gateway.name, reference=_REFERENCE, text="…",
        sender=config.notices.sender or config.gateway.name,
        sender_address=config.notices.sender_address or "…", unsubscribe=f"{url}/u/…" if url else "",
    )  # fmt: skip


def mail(config: Config, file: Path, at: datetime) -> Iterator[str]:
    """What would become of a mail that came now from somebody unknown, line by line."""
    raw = file.read_bytes()
    came = Envelope(
        channel="preview", format=_MAIL, raw=raw, unit="preview", received_at=at,
        transport=Transport(),
    )  # fmt: skip
    read = normalize(came)[0]
    settings = _channel(config, read)
    yield f"channel: {settings.name}"
    changes = Changes(0)
    admission(config, Keys(secrets.token_bytes(32)))(
        Known(), _arrival(config, settings, read, raw, at), changes
    )
    incoming, *answers = changes.added[rows.Message]
    yield from _decisions(rows.Message(*incoming))
    if rows.FollowUp in changes.added:
        for row in changes.added[rows.FollowUp]:
            waits = rows.FollowUp(*row)
            yield f"follow-up {waits.rule}: due {waits.due_at}"
    for row in changes.added[rows.Outbox]:
        yield f"delivery: {rows.Outbox(*row).state}"
    said = [(one.subject, one.text) for one in (rows.Message(*row) for row in answers)]
    kept = (rows.Watched(*row) for row in changes.added[rows.Watched])
    for subject, text in (*said, *((one.subject, one.text) for one in kept)):
        yield f"\n{subject}\n\n{text}"


def _decisions(row: rows.Message) -> Iterator[str]:
    for one in json.loads(row.decisions):
        yield f"{one['about']}: {one['outcome']} ({one['reason']})"


def _channel(config: Config, message: Message) -> Settings:
    """The one whose address the mail names, else the first that mail comes by."""
    able = [settings for settings in config.channels if settings.reaches == "email"]
    if not able:
        raise NotPossible("no channel of the file takes mail; add one with addresses")
    named = {one.address.lower() for one in (*message.to, *message.cc)}
    ours = (s for s in able if any(identity.address in named for identity in s.own()))
    return next(ours, able[0])


def _arrival(
    config: Config, settings: Settings, message: Message, raw: bytes, at: datetime
) -> Arrival:
    sender = message.from_[0].address if message.from_ else ""
    sha256 = hashlib.sha256(raw).hexdigest()
    return Arrival(
        channel=settings.name,
        unit="preview",
        received_at=at,
        transport=Transport(sender=sender),
        raw=Raw(sha256, len(raw), raw),
        message=message,
        author=resolve(message, own(config), NOBODY_VOUCHES),
        budget=budget(message),
    )
