"""Pure: an update of the Bot API, as far as the channel has to look into it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from normalizer.tables import number, table, text_of


def id_of(update: Any) -> int | None:
    id_ = update.get("update_id") if isinstance(update, dict) else None
    return id_ if isinstance(id_, int) and not isinstance(id_, bool) else None


def content_of(update: dict[str, Any]) -> dict[str, Any]:
    """What the update is about: the one table beside its number."""
    return next(filter(None, map(table, update.values())), {})


def _place(update: dict[str, Any]) -> dict[str, Any]:
    """The chat; of a button, the one where it stands."""
    content = content_of(update)
    return table(content.get("chat")) or table(table(content.get("message")).get("chat"))


def chat_of(update: dict[str, Any]) -> int:
    return number(_place(update).get("id"))


def is_in_group(update: dict[str, Any]) -> bool:
    return text_of(_place(update).get("type")) in {"group", "supergroup", "channel"}


def number_in(message_id: str, chat: str) -> int | None:
    """The number of a message of this chat."""
    start = f"telegram:{chat}:"
    found = message_id.removeprefix(start).partition(":")[0]
    return int(found) if message_id.startswith(start) and found.isdecimal() else None


def has_left(update: dict[str, Any]) -> bool:
    """Whether it only tells that we are no longer in a group."""
    status = text_of(table(content_of(update).get("new_chat_member")).get("status"))
    return status in {"left", "kicked"}


def said_at(update: dict[str, Any]) -> datetime | None:
    """By Telegram's clock, in whole seconds."""
    try:
        return datetime.fromtimestamp(number(content_of(update).get("date")), UTC)
    except (ValueError, OverflowError, OSError):
        return None
