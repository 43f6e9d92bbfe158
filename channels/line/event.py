"""Pure: a call of LINE's webhook, proved and taken apart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One event: its id, who caused it, and its JSON together with whom it was sent to.

    `token` answers it for free, once, within a minute; "" where there is none. `at` is LINE's clock
    in milliseconds. `private` is a talk with one person; in a group there are bystanders.
    """

    unit: str
    kind: str
    user: str
    private: bool
    token: str
    at: int
    raw: bytes

    @property
    def is_the_account_s(self) -> bool:
        """Of the account itself, such as `botSuspended`: nobody wrote."""
        return not self.user and self.kind not in {"message", "postback"}


class Batch(NamedTuple):
    """All events of one call, and the account that they are for."""

    destination: str
    events: tuple[Event, ...]


def signature(secret: str, body: bytes) -> str:
    """What LINE writes into X-Line-Signature."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def is_signed(secret: str, body: bytes, claimed: str) -> bool:
    """Whether LINE signed these very octets; takes as long for every wrong signature."""
    return hmac.compare_digest(signature(secret, body).encode(), claimed.encode("utf-8", "replace"))


def take_apart(body: bytes) -> Batch | None:
    """The events in their order; None if this is nothing that LINE sends."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not isinstance(said.get("events"), list):
        return None
    destination = _text(said.get("destination"))
    events = (event for event in said["events"] if isinstance(event, dict))
    return Batch(destination, tuple(_event(event, destination) for event in events))


def named(raw: bytes, name: str) -> bytes:
    """An event's JSON with its writer's name beside it."""
    if not name:
        return raw
    return json.dumps(json.loads(raw) | {"profile": {"displayName": name}}).encode()


def _event(event: dict[str, Any], destination: str) -> Event:
    raw = json.dumps({"destination": destination, "event": event}).encode()
    source = event.get("source")
    source = source if isinstance(source, dict) else {}
    # A channel in standby has somebody else answering its customers (LINE's module channels).
    token = "" if event.get("mode") == "standby" else _text(event.get("replyToken"))
    at = event.get("timestamp")
    return Event(
        unit=_text(event.get("webhookEventId")) or hashlib.sha256(raw).hexdigest(),
        kind=_text(event.get("type")),
        user=_text(source.get("userId")),
        private=source.get("type", "user") == "user",
        token=token,
        at=at if isinstance(at, int) else 0,
        raw=raw,
    )


def _text(value: object) -> str:
    """A text that can be an id or a key; halves of surrogate pairs are none."""
    return value if isinstance(value, str) and value.isprintable() else ""
