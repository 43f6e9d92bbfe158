"""What is found in JSON that somebody else wrote, as the type that is needed, or empty."""

from __future__ import annotations

from typing import Any

_MOST = 2**63  # numbers of Telegram have at most 52 bits


def table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def number(value: Any) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and -_MOST < value < _MOST else 0


def decimal(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and -1e6 < value < 1e6 else 0.0
