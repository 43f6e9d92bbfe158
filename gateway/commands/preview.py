"""What would become of a mail: tried on the rules, and nothing is kept."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from channels.base import Settings
from gateway.authenticate import Keys
from gateway.commands.specimen import NotPossible
from gateway.config import Config
from gateway.matching.author import resolve
from gateway.outgoing.acknowledge import budget
from gateway.rules import admission, own
from gateway.sender.trust import NOBODY_VOUCHES
from normalizer import normalize
from normalizer.message import Envelope, Message, Transport
from store import rows
from store.known import Arrival, Changes, Known, Raw

_MAIL = "rfc5322"


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
