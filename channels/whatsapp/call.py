"""Pure: a call of Meta's webhook, proved and taken apart."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from normalizer.tables import items, table, text_of
from normalizer.whatsapp import DONE, people

_NO_WORDS = frozenset({"system", "edit", "revoke"})  # which open no window
_CHALLENGE = re.compile(r"[A-Za-z0-9_.-]{1,200}")


class Event(NamedTuple):
    """One message, or one report: its unit, whose it is, and its JSON with what belongs to it.

    `names` are all by which the platform knows the customer; `at` is the platform's clock in
    seconds since 1970, for a message of a customer, which opens the window; 0 otherwise. `about` is
    the id of the message of ours that a report is about.
    """

    unit: str
    names: tuple[str, ...]
    at: int
    raw: bytes
    about: str = ""


class Batch(NamedTuple):
    """What one call brings for us, how much for other numbers, and what Meta complains of."""

    events: tuple[Event, ...]
    others: int
    errors: tuple[str, ...]


def signature(secret: str, body: bytes) -> str:
    """What Meta writes into X-Hub-Signature-256."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def is_signed(secret: str, body: bytes, claimed: str) -> bool:
    """Whether Meta signed these very octets; takes as long for every wrong signature."""
    return hmac.compare_digest(signature(secret, body).encode(), claimed.encode("utf-8", "replace"))


def challenge(token: str, query: str) -> str:
    """What Meta wants to hear when it asks whether the address is ours; "" for anybody else."""
    try:
        asked = {name: values[0] for name, values in parse_qs(query, max_num_fields=20).items()}
    except ValueError:
        return ""
    claimed = asked.get("hub.verify_token", "").encode("utf-8", "replace")
    known = hmac.compare_digest(token.encode(), claimed)
    said = asked.get("hub.challenge", "")
    is_asked = asked.get("hub.mode") == "subscribe" and _CHALLENGE.fullmatch(said)
    return said if known and is_asked else ""


def take_apart(body: bytes, number: str) -> Batch | None:
    """The events of one number in their order; None if this is nothing that Meta sends."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("object") != "whatsapp_business_account":
        return None
    changes = [table(one) for entry in items(said.get("entry")) for one in _changes(entry)]
    values = [table(one.get("value")) for one in changes if one.get("field") == "messages"]
    ours = [one for one in values if _number(one) == number]
    events = tuple(event for value in ours for event in _events(value))
    complaints = (_complaint(table(one)) for value in ours for one in items(value.get("errors")))
    return Batch(events, len(values) - len(ours), tuple(complaints))


def _changes(entry: Any) -> list[Any]:
    return items(table(entry).get("changes"))


def _number(value: Mapping[str, Any]) -> str:
    return text_of(table(value.get("metadata")).get("phone_number_id"))


def _events(value: Mapping[str, Any]) -> Iterator[Event]:
    """A message in a group is left out: others read along there, and it is not one customer's."""
    contacts = [table(one) for one in items(value.get("contacts"))]
    for message in map(table, items(value.get("messages"))):
        if message and not message.get("group_id"):
            yield _message(message, _contact(message, contacts))
    for status in map(table, items(value.get("statuses"))):
        if text_of(status.get("status")) in DONE:
            yield _status(status)


def _contact(message: Mapping[str, Any], contacts: list[dict[str, Any]]) -> dict[str, Any]:
    """The contact who wrote a message: of several, the one with a name in common."""
    wrote = set(people(message, {}))
    return next((one for one in contacts if wrote & set(people({}, one))), {})


def _message(message: dict[str, Any], contact: dict[str, Any]) -> Event:
    raw = json.dumps({"message": message, "contact": contact}).encode()
    at = "" if text_of(message.get("type")) in _NO_WORDS else text_of(message.get("timestamp"))
    return Event(
        unit=_name(message.get("id")) or hashlib.sha256(raw).hexdigest(),
        names=people(message, contact),
        at=int(at) if at.isascii() and at.isdecimal() and len(at) < 12 else 0,
        raw=raw,
    )


def _status(status: dict[str, Any]) -> Event:
    raw = json.dumps({"status": status}).encode()
    id_, state = _name(status.get("id")), text_of(status.get("status"))
    unit = f"{id_}:{state}" if id_ else hashlib.sha256(raw).hexdigest()
    return Event(unit, (text_of(status.get("recipient_id")),), 0, raw, id_)


def _complaint(error: Mapping[str, Any]) -> str:
    code = error.get("code")
    return f"{code if isinstance(code, int) else ''} {text_of(error.get('title'))[:100]}".strip()


def _name(value: Any) -> str:
    """A text that can be an id; halves of surrogate pairs are none."""
    return value if isinstance(value, str) and value.isprintable() and len(value) < 300 else ""
