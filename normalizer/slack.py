"""What Slack tells of a message or a pressed button, as a Message: pure, and total over JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from normalizer.language import detect
from normalizer.message import Claim, Envelope, Identity, Message, Part
from normalizer.slack_text import plain, unescaped
from normalizer.tables import items, number, table, text_of

Table = dict[str, Any]

_TAKEN_BACK = ("the customer took it back",)


def name(channel: str, ts: str, thread: str = "") -> str:
    """What a message is called here: Slack's numbers count within a channel.

    One in a thread carries the number of the thread's first, by which alone it is answered.
    """
    inside = f"{thread}:" if thread and thread != ts else ""
    return f"slack:{channel}:{inside}{ts}" if channel and ts else ""


def read(envelope: Envelope) -> tuple[Message, ...]:
    """One envelope is one message; what is none is quarantined with the reason."""
    assert isinstance(envelope.raw, bytes)
    try:
        said = table(json.loads(envelope.raw))
    except (ValueError, RecursionError) as error:
        return (_unreadable(envelope, f"no JSON: {type(error).__name__}"),)
    event, press = table(said.get("event")), table(said.get("press"))
    if not (text_of(said.get("team")) and text_of(said.get("user")) and (event or press)):
        return (_unreadable(envelope, "neither a message nor a pressed button of somebody's"),)
    return (_pressed(envelope, said, press) if press else _message(envelope, said, event),)


def _unreadable(envelope: Envelope, why: str) -> Message:
    return Message(unreadable=why, fingerprint=f"{envelope.channel} {envelope.unit}")


def _claim(said: Table) -> Claim:
    user = f"{text_of(said.get('team'))}/{text_of(said.get('user'))}"
    return Claim("platform", Identity("slack", user), text_of(said.get("name")))


def _message(envelope: Envelope, said: Table, event: Table) -> Message:
    """A message, its new wording in `message`, or that it was deleted."""
    new, old = table(event.get("message")), table(event.get("previous_message"))
    is_deleted = event.get("subtype") == "message_deleted" or new.get("subtype") == "tombstone"
    now = old if is_deleted else new or event
    channel, ts = text_of(event.get("channel")), text_of(now.get("ts"))
    thread = text_of(now.get("thread_ts"))
    called, root = name(channel, ts, thread), name(channel, thread)
    if is_deleted or new:
        at = text_of(table(new.get("edited")).get("ts")) or text_of(event.get("ts")) or "deleted"
        own = f"{called}#{at}"
    else:
        own = called
    text = "" if is_deleted else plain(text_of(now.get("text")), text_of(said.get("bot")))
    return Message(
        message_id=own,
        in_reply_to=root if root != called else "",
        references=(root,) if root and root != called else (),
        claims=(_claim(said),),
        date=_date(text_of(event.get("ts")) or ts),
        text=text,
        reply_text=text,
        language=detect(text) or text_of(said.get("language"))[:2],
        parts=() if is_deleted or new else tuple(map(_part, map(table, items(now.get("files"))))),
        edits=called if own != called else "",
        aside=is_deleted,
        defects=_TAKEN_BACK if is_deleted else (),
        fingerprint=f"{envelope.channel} {own or envelope.unit}",
    )


def _pressed(envelope: Envelope, said: Table, press: Table) -> Message:
    label = unescaped(text_of(table(press.get("text")).get("text")))
    held = name(*(text_of(said.get(key)) for key in ("channel", "ts", "thread")))
    return Message(
        in_reply_to=held,
        references=(held,) if held else (),
        claims=(_claim(said),),
        date=_date(text_of(press.get("action_ts"))),
        text=label,
        reply_text=label,
        language=detect(label) or text_of(said.get("language"))[:2],
        pressed=unescaped(text_of(press.get("value"))),
        fingerprint=f"{envelope.channel} {envelope.unit}",
    )


def _part(file: Table) -> Part:
    """It is fetched by its id: the addresses in an event may lead anywhere."""
    is_there = text_of(file.get("mode")) not in {"external", "tombstone", "hidden_by_limit"}
    return Part(
        role="attachment",
        content_type=text_of(file.get("mimetype")) or "application/octet-stream",
        size=max(0, number(file.get("size"))),
        sha256="",
        data=b"",
        filename=text_of(file.get("name")) or text_of(file.get("title")) or "file",
        source=text_of(file.get("id")) if is_there else "",
    )


def _date(ts: str) -> datetime | None:
    """A message's number is its second, too, with six more digits that make it unique."""
    seconds = ts.partition(".")[0]
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 12):
        return None
    return datetime.fromtimestamp(int(seconds), UTC)
