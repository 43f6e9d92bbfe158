"""Pure: anything that we say by ourselves, as the rows of a message and of its delivery."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from channels.base import Settings
from gateway.authenticate import Keys
from gateway.record import to_json
from gateway.team.route import Mode
from gateway.words import Text
from normalizer.message import Button, Identity, Kind
from store import rows
from store.known import Changes
from store.rows import instant

# What we repeat of a Message-ID that somebody else chose: RFC 5322 section 3.6.4, without
# anything that could end a header or fill one.
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,250}\Z")
_REFERENCES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is said to whom: `references` end in `in_reply_to` (RFC 5322 section 3.6.4).

    `conversation_id` is None where it is not the customer who reads it: budgets count by it.
    """

    kind: Kind
    to: Identity
    text: Text
    language: str
    case_id: int | None
    conversation_id: int
    customer_id: int
    identity_id: int | None
    at: datetime
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    instead_of: int | None = None
    promised_by: datetime | None = None
    unsubscribe: str = ""


def message_row(
    id_: int, letter: Letter, name: str, settings: Settings, keys: Keys
) -> rows.Message:
    """The message; its Message-ID and its Reply-To carry a token for its recipient."""
    token = keys.token(letter.case_id or 0, id_, letter.to.address)
    pattern = settings.reply_pattern
    return rows.Message(
        id=id_,
        conversation_id=letter.conversation_id,
        case_id=letter.case_id,
        customer_id=letter.customer_id,
        identity_id=letter.identity_id,
        channel=settings.name,
        direction="out",
        kind=letter.kind,
        status="stored",  # how its delivery stands is the outbox's to say
        message_id=f"{token}@{settings.domain}",
        in_reply_to=letter.in_reply_to,
        references=to_json(letter.references),
        fingerprint=None,
        subject=letter.text.subject,
        text=letter.text.body,
        reply_text=None,
        language=letter.language,
        author=to_json({"name": name, "address": ""}),
        recipients=to_json({"to": [["", letter.to.address]]}),
        reply_to=pattern.format(token=token) if pattern else "",
        authentication="",
        reading="{}",
        decisions="[]",
        raw_sha256=None,
        date=None,
        received_at=instant(letter.at),
        buttons=to_json(letter.buttons),
        instead_of=letter.instead_of,
        promised_by=instant(letter.promised_by) if letter.promised_by else None,
        unsubscribe=letter.unsubscribe,
    )


def outbox_row(
    id_: int,
    message: rows.Message,
    *,
    at: datetime,
    budget: tuple[str, str],
    authenticated: bool,
    draft: bool = False,
    counted: bool = True,
) -> rows.Outbox:
    """The delivery of an automatic message; `budget` is the folded address and the domain."""
    return rows.Outbox(
        id=id_,
        message_id=message.id,
        conversation_id=message.conversation_id if counted else None,
        channel=message.channel,
        state="draft" if draft else "queued",
        automatic=True,
        authenticated=authenticated,
        budget_key=budget[0],
        domain=budget[1],
        due_at=instant(at),
        lease_owner="",
        lease_until=None,
        attempts=0,
        peer_id="",
        error="",
        created_at=instant(at),
    )


class Why(NamedTuple):
    """Why we speak: the message that is answered, what makes us (a rule, a template), the reason."""

    message_id: int
    rule: str
    reason: str


def say(
    changes: Changes, row: rows.Message, how: Mode, why: Why,
    *, at: datetime, budget: tuple[str, str], authenticated: bool,
) -> None:  # fmt: skip
    """What we say by ourselves to a customer: queued, as a draft, or only kept to be looked at."""
    for one in said(changes, row, how, why, at=at, budget=budget, authenticated=authenticated):
        changes.add(one)


def said(
    changes: Changes, row: rows.Message, how: Mode, why: Why,
    *, at: datetime, budget: tuple[str, str], authenticated: bool,
) -> tuple[rows.Message, rows.Outbox] | tuple[rows.Watched]:  # fmt: skip
    """The rows of it; everything automatic comes by here.

    What is only watched becomes neither a message nor a delivery, so that nothing could ever send
    it or take it for something that was said.
    """
    known = authenticated
    if how not in ("live", "approve"):
        return (_watched(row, why, at=at, budget=budget, authenticated=known),)
    draft, id_ = how == "approve", changes.new_id()
    return row, outbox_row(id_, row, at=at, budget=budget, authenticated=known, draft=draft)


def _watched(
    row: rows.Message, why: Why, *, at: datetime, budget: tuple[str, str], authenticated: bool
) -> rows.Watched:
    return rows.Watched(
        id=row.id,
        message_id=why.message_id,
        kind=row.kind,
        rule=why.rule,
        reason=why.reason,
        channel=row.channel,
        recipients=row.recipients,
        language=row.language,
        subject=row.subject,
        text=row.text,
        buttons=row.buttons,
        authenticated=authenticated,
        budget_key=budget[0],
        domain=budget[1],
        at=instant(at),
    )


def usable(message_id: str) -> str:
    """A Message-ID as we may repeat it; "" where we may not."""
    return message_id if _MESSAGE_ID.match(message_id) else ""


def kind_of(settings: Settings) -> str:
    """What kind of address is written to on a channel."""
    return settings.reaches or settings.type


def chain(earlier: Iterable[str], replies_to: str) -> tuple[str, ...]:
    """The References of an answer, as many as are of use, ending in what it answers."""
    return (*tuple(earlier)[-_REFERENCES:], replies_to) if replies_to else ()
