"""What Amazon SES makes of mail: notices in JSON (SNS topics subscribed by mail), new Message-IDs."""

from __future__ import annotations

import re
from json import JSONDecoder
from typing import Any

from normalizer.email import delivery_status
from normalizer.message import FailedRecipient

MAX_NOTICE = 256 * 1024
MAX_DEPTH = 50

_RENAMED = re.compile(
    r"(01[0-9a-f]{14}-[0-9a-f-]{36,60})@[a-z0-9-]{1,40}\.amazonses\.com", re.ASCII
)


def accepted_as(message_id: str) -> str:
    """The reply with which SES took the mail that has this Message-ID now; "" for any other.

    It puts its own `<ID@REGION.amazonses.com>` in the place of ours, and answers `250 Ok ID`.
    """
    found = _RENAMED.fullmatch(message_id)
    return f"Ok {found[1]}" if found else ""


def is_notice(text: str) -> bool:
    start = text[:4000]
    return start.lstrip().startswith("{") and (
        '"notificationType"' in start or '"eventType"' in start
    )


def read(text: str) -> tuple[FailedRecipient, ...]:
    """The recipients of a bounce, or those of a delivery; none for anything else."""
    event = _event(text[:MAX_NOTICE])
    bounce, delivery = _table(event.get("bounce")), _table(event.get("delivery"))
    if bounce:
        permanent = bounce.get("bounceType") == "Permanent"
        return tuple(
            _failed(_table(item), permanent=permanent)
            for item in _list(bounce, "bouncedRecipients")
        )
    addresses = _list(delivery, "recipients")
    return tuple(FailedRecipient(str(one), "delivered", "2.0.0") for one in addresses)


def original_message_id(text: str) -> str:
    """The Message-ID that the mail had when it was given to SES."""
    mail = _table(_event(text[:MAX_NOTICE]).get("mail"))
    return str(_table(mail.get("commonHeaders")).get("messageId", "")).strip("<> ")


def _event(text: str) -> dict[str, Any]:
    # A nesting that the decoder would follow down to its limit is no notice.
    if max(text.count("["), text.count("{")) > MAX_DEPTH * 20:
        return {}
    try:
        value, _ = JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return {}
    return _table(value)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(table: dict[str, Any], key: str) -> list[Any]:
    value = table.get(key)
    return value[: delivery_status.MAX_RECIPIENTS] if isinstance(value, list) else []


def _failed(item: dict[str, Any], *, permanent: bool) -> FailedRecipient:
    diagnostic = str(item.get("diagnosticCode", ""))[: delivery_status.MAX_VALUE]
    declared = str(item.get("status", "")) or ("5.0.0" if permanent else "4.0.0")
    status = delivery_status.status_of(diagnostic, declared)
    return FailedRecipient(str(item.get("emailAddress", ""))[:320], "failed", status, diagnostic)
