"""Whatever stands where a platform's word should: no call raises, so that none comes for ever."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.line import event as line
from channels.matrix import sync as matrix
from channels.slack import event as slack
from channels.telegram import update as telegram
from channels.whatsapp import call as whatsapp
from normalizer import normalize
from normalizer.message import Envelope

AT = datetime(2026, 11, 24, tzinfo=UTC)
ODD: tuple[Any, ...] = ([], {}, [[]], None, True, -1, 10**30, 1.5, "", "\ud800", {"type": []})

LINE = {
    "destination": "U0",
    "events": [
        {
            "type": "message",
            "mode": "active",
            "timestamp": 1764000000000,
            "webhookEventId": "01FZ",
            "replyToken": "r",
            "source": {"type": "user", "userId": "U1"},
            "message": {"type": "image", "id": "1", "imageSet": {"id": "A", "total": 2}},
            "postback": {"data": "a=b", "params": {"date": "2026-11-24"}},
        }
    ],
}
WHATSAPP = {
    "object": "whatsapp_business_account",
    "entry": [{
        "changes": [{
            "field": "messages",
            "value": {
                "metadata": {"phone_number_id": "1"},
                "contacts": [{"profile": {"name": "Yuki"}, "wa_id": "819012345678"}],
                "messages": [{
                    "from": "819012345678", "id": "wamid.A", "timestamp": "1764000000",
                    "type": "interactive", "context": {"id": "wamid.B", "forwarded": True},
                    "interactive": {
                        "type": "button_reply", "button_reply": {"id": "person", "title": "!"},
                    },
                }],
                "statuses": [{
                    "id": "wamid.C", "status": "failed", "recipient_id": "819012345678",
                    "errors": [{"code": 131026, "title": "Undeliverable"}],
                }],
                "errors": [{"code": 1, "title": "Oh"}],
            },
        }],
    }],
}  # fmt: skip
_WORDS = {"type": "message", "user": "U1", "text": "hi", "ts": "1764.1", "channel": "D1"}
SLACK = {
    "type": "event_callback",
    "team_id": "T1",
    "event_id": "Ev1",
    "event_time": 1764000000,
    "authorizations": [{"is_bot": True, "user_id": "UBOT"}],
    "event": {
        **_WORDS,
        "subtype": "message_changed",
        "channel_type": "im",
        "message": _WORDS | {"edited": {"ts": "1764.2"}, "files": [{"id": "F1", "mode": "hosted"}]},
        "previous_message": _WORDS | {"text": "ho"},
    },
}
PRESS = {
    "type": "block_actions",
    "trigger_id": "1.2",
    "user": {"id": "U1"},
    "team": {"id": "T1"},
    "channel": {"id": "D1"},
    "container": {"message_ts": "1764.1"},
    "message": {"ts": "1764.1"},
    "actions": [{"value": "person", "text": {"text": "A person"}, "action_ts": "1764.2"}],
}
TELEGRAM = {
    "update_id": 1,
    "message": {
        "message_id": 9,
        "date": 1764000000,
        "from": {"id": 7, "first_name": "Yuki", "language_code": "ja"},
        "chat": {"id": 7, "type": "private"},
        "caption": "look here",
        "caption_entities": [{"type": "text_link", "offset": 0, "length": 4, "url": "https://a.b"}],
        "photo": [{"file_id": "f", "width": 9, "height": 9, "file_size": 9}],
        "contact": {"phone_number": "+819012345678", "user_id": 7},
        "reply_to_message": {"message_id": 8},
        "forward_origin": {"sender_user": {"id": 8, "first_name": "Ken"}},
        "checklist": {"title": "t", "tasks": [{"text": "a"}]},
    },
}
MATRIX = {
    "next_batch": "s2",
    "rooms": {
        "join": {
            "!r:x": {
                "timeline": {
                    "limited": True,
                    "prev_batch": "s1",
                    "events": [{
                        "type": "m.room.member", "state_key": "@y:x", "sender": "@y:x",
                        "event_id": "$1", "origin_server_ts": 1764000000000,
                        "content": {"membership": "leave"},
                        "unsigned": {"prev_content": {"membership": "join"}},
                    }],
                },
            },
        },
        "invite": {"!i:x": {"invite_state": {"events": [{
            "type": "m.room.member", "state_key": "@own:x", "content": {"membership": "invite"},
        }]}}},
    },
}  # fmt: skip


def bent(value: Any) -> Iterator[Any]:
    """The value with each thing in it in turn as something else, or gone."""
    yield from ODD
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {other: kept for other, kept in value.items() if other != key}
            yield from ({**value, key: one} for one in bent(inner))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from ([*value[:at], one, *value[at + 1 :]] for one in bent(inner))


def understood(form: str, raw: bytes) -> None:
    envelope = Envelope(channel="x", format=form, raw=raw, unit="u-1", received_at=AT)
    for message in normalize(envelope):
        assert "while reading" not in message.unreadable, raw


def _line(said: Any) -> None:
    for one in batch.events if (batch := line.take_apart(json.dumps(said).encode())) else ():
        assert len({one.unit, one.user}) > 0, "they are keys"
        understood("line", one.raw)


def _whatsapp(said: Any) -> None:
    batch = whatsapp.take_apart(json.dumps(said).encode(), "1")
    for one in batch.events if batch else ():
        assert len({one.unit, *one.names, one.about}) > 0, "they are keys"
        understood("whatsapp", one.raw)


def _slack(said: Any) -> None:
    found = slack.table_in(json.dumps(said).encode())
    if found and (one := slack.heard(found)):
        assert len({one.unit, one.team, one.user, one.channel, one.thread}) > 0, "they are keys"
        understood("slack", json.dumps(one.kept).encode())


def _telegram(said: Any) -> None:
    update = json.loads(json.dumps(said))
    if telegram.id_of(update) is not None:
        assert isinstance(telegram.chat_of(update), int)
        telegram.is_in_group(update), telegram.has_left(update), telegram.said_at(update)
    understood("telegram", json.dumps(said).encode())


def _matrix(said: Any) -> None:
    if isinstance(said, dict):
        for room in matrix.take_apart(said, "@own:x").rooms:
            for one in room.events:
                matrix.concerns(one, "@own:x"), matrix.is_farewell(one), matrix.said_at(one)
                understood("matrix", json.dumps(one).encode())


@pytest.mark.parametrize(
    ("sample", "take"),
    [
        (LINE, _line), (WHATSAPP, _whatsapp), (SLACK, _slack), (PRESS, _slack),
        (TELEGRAM, _telegram), (MATRIX, _matrix),
    ],
    ids=["line", "whatsapp", "slack", "slack press", "telegram", "matrix"],
)  # fmt: skip
def test_nothing_in_a_call_makes_it_raise(sample: Any, take: Callable[[Any], None]) -> None:
    for said in (sample, *bent(sample)):
        take(said)
