"""Pure: a saved reply with what is known of one case, and with one line of a person's own."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.replies.saved import Replies, Saved

LEAST: Final = 10  # characters of the line that is a person's own
_LONGEST_NAME: Final = 60
_OF_NAMES: Final = "LMZ"  # letters, their marks, spaces
_WITHIN_NAMES: Final = "'’.-・ー"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFacts:
    """What a saved reply may name; `now` and `promised` are in the gateway's zone."""

    gateway_name: str
    reference: str
    agent: str
    personal: str
    customer_name: str
    now: datetime
    promised: datetime


def fill(replies: Replies, saved: Saved, facts: ReplyFacts) -> str:
    """The text as the customer would read it."""
    tags = (saved.language, saved.language.partition("-")[0])
    dates = next((replies.dates[tag] for tag in tags if tag in replies.dates), None)
    said = saved.text.render(
        gateway_name=facts.gateway_name,
        reference=facts.reference,
        agent=facts.agent,
        personal=facts.personal.strip(),
        customer_name=facts.customer_name,
        promised=dates.promise(facts.promised, facts.now) if dates else "",
    )
    return f"{said.strip()}\n"


def too_little(personal: str) -> str:
    """Why a personal line is none; "" when it is one."""
    said = "".join(personal.split())
    if len(said) >= LEAST and len(set(said)) > LEAST // 3:
        return ""
    return (
        f"`personal` needs at least {LEAST} characters of your own: what you say to this customer,"
        " and to nobody else."
    )


def proper(name: str) -> str:
    """A name as one may be addressed by it; "" for a display name with anything else in it."""
    name = " ".join(name.split())
    is_one = all(unicodedata.category(c)[0] in _OF_NAMES or c in _WITHIN_NAMES for c in name)
    return name if is_one and 0 < len(name) <= _LONGEST_NAME else ""
