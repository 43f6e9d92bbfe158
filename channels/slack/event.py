"""Pure: a call of Slack's, proved, and what in it somebody said to us."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from normalizer.tables import items, number, table, text_of

Table = dict[str, Any]

WINDOW = 300  # seconds that a call may be old, or ahead of our clock (Slack, "Verifying requests")
_TOLD = frozenset({
    "", "file_share", "me_message", "thread_broadcast", "message_changed", "message_deleted",
})  # fmt: skip


class Heard(NamedTuple):
    """Something that a person said or pressed: its id, who and where, and what is kept of it.

    In a channel, where others read along, `thread` is the number of its thread's first message;
    `called` is whether we were mentioned. `at` is when, in seconds since 1970, or 0. `team` is the workspace that our app is in.
    """

    unit: str
    team: str
    user: str
    channel: str
    thread: str
    private: bool
    called: bool
    at: int
    kept: Table

    @property
    def person(self) -> str:
        """The user as we call them everywhere."""
        return f"{self.team}/{self.user}"


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether Slack signed these very octets just now; as long for every wrong signature."""
    at = headers.get("x-slack-request-timestamp", "")
    if not (at.isascii() and at.isdecimal() and len(at) < 12 and abs(now - int(at)) <= WINDOW):
        return False
    claimed = headers.get("x-slack-signature", "")
    return hmac.compare_digest(
        signature(secret, at, body).encode(), claimed.encode("utf-8", "replace")
    )


def signature(secret: str, at: str, body: bytes) -> str:
    """What Slack writes into X-Slack-Signature."""
    signed = b"v0:" + at.encode() + b":" + body
    return f"v0={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def table_in(body: bytes) -> Table | None:
    """The JSON of a call, which is a form's only field where a button was pressed."""
    try:
        if body.startswith(b"payload="):
            body = parse_qs(body.decode())["payload"][0].encode()
        said = json.loads(body)
    except (ValueError, RecursionError, LookupError):
        return None
    return said if isinstance(said, dict) else None


def heard(said: Table) -> Heard | None:
    """What was said to us; None for what was not, or not by a person."""
    if said.get("type") == "event_callback":
        return _message(said, table(said.get("event")))
    return _press(said) if said.get("type") == "block_actions" else None


def _message(said: Table, event: Table) -> Heard | None:
    kind, subtype = text_of(event.get("type")), text_of(event.get("subtype"))
    now, old = table(event.get("message")), table(event.get("previous_message"))
    if kind not in {"message", "app_mention"} or subtype not in _TOLD:
        return None
    if subtype == "message_changed" and _is_same(now, old):
        return None
    spoken = old if subtype == "message_deleted" or now.get("subtype") == "tombstone" else now
    spoken = spoken or event
    user, team = text_of(spoken.get("user")), text_of(said.get("team_id"))
    own = _own(said)
    if not user or user in {own, "USLACKBOT"} or any(one.get("bot_id") for one in (event, spoken)):
        return None
    channel = text_of(event.get("channel"))
    return Heard(
        unit=_id(said.get("event_id")) or _digest(event),
        team=team,
        user=user,
        channel=channel,
        thread=text_of(spoken.get("thread_ts")) or text_of(spoken.get("ts")),
        private=_is_private(channel, event.get("channel_type")),
        called=kind == "app_mention",
        at=number(said.get("event_time")),
        kept={"team": team, "user": user, "bot": own, "event": event},
    )


def _press(said: Table) -> Heard | None:
    """A button of ours; one that leads to a page has nothing to tell."""
    actions = [one for one in map(table, items(said.get("actions"))) if text_of(one.get("value"))]
    user, team = (text_of(table(said.get(key)).get("id")) for key in ("user", "team"))
    if not (actions and user):
        return None
    message, place = table(said.get("message")), table(said.get("container"))
    channel = text_of(table(said.get("channel")).get("id")) or text_of(place.get("channel_id"))
    ts = text_of(message.get("ts")) or text_of(place.get("message_ts"))
    thread = text_of(message.get("thread_ts")) or text_of(place.get("thread_ts"))
    where = {"channel": channel, "ts": ts, "thread": thread}
    return Heard(
        unit=f"press:{_id(said.get('trigger_id')) or _digest(said)}",
        team=team,
        user=user,
        channel=channel,
        thread=thread or ts,
        private=_is_private(channel, None),
        called=False,
        at=0,
        kept={"team": team, "user": user, "press": actions[0]} | where,
    )


def _is_same(now: Table, old: Table) -> bool:
    """Slack tells also when it only shows a link's preview."""
    return (now.get("text"), now.get("subtype")) == (old.get("text"), old.get("subtype"))


def _is_private(channel: str, kind: Any) -> bool:
    return kind == "im" or (kind is None and channel.startswith("D"))


def _own(said: Table) -> str:
    """Our bot's user: for whom Slack tells it."""
    bots = (table(one) for one in items(said.get("authorizations")))
    return next((text_of(one.get("user_id")) for one in bots if one.get("is_bot") is True), "")


def _id(value: Any) -> str:
    id_ = text_of(value)
    return id_ if id_.isprintable() and len(id_) <= 200 else ""


def _digest(said: Table) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
