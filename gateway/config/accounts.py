"""One account of a platform is one channel: two would each take in what the other does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.config.errors import Finding

# By which key of its table an account is known; a secret is where it is kept.
_KNOWN_BY = {
    "telegram": "token",
    "line": "access_token",
    "sms": "sender",
    "whatsapp": "phone_number_id",
    "slack": "bot_token",
    "matrix": "user",
}


def check(channels: Mapping[int, Mapping[str, Any]]) -> Iterator[Finding]:
    """Each further channel of an account that another has already."""
    first: dict[tuple[str, str], int] = {}
    for index, table in channels.items():
        kind = str(table.get("type"))
        key = _KNOWN_BY.get(kind, "")
        if not (key and table.get(key)):
            continue
        if (other := first.setdefault((kind, str(table[key])), index)) != index:
            said = f"is that of channel[{other}], too; an account is one channel, so keep one"
            yield Finding(("channel", index, key), said)
