"""A length of time as people write it in config.toml: "10 minutes", "4 business hours"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Final, Literal, cast

Unit = Literal["second", "minute", "hour", "day"]

_EXAMPLES: Final = (
    '"3 seconds", "10 minutes", "4 hours", "2 days", "4 business hours", "2 business days",'
    ' "next business day 10:00"'
)
_FORM: Final = re.compile(
    r"\s*([0-9]+)\s+(business\s+)?(second|minute|hour|day)s?\s*", re.ASCII | re.IGNORECASE
)
_NEXT_DAY: Final = re.compile(
    r"\s*next\s+business\s+day\s+([01]?[0-9]|2[0-3]):([0-5][0-9])\s*", re.ASCII | re.IGNORECASE
)
_LENGTH: Final[dict[Unit, timedelta]] = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
# Nothing that anybody promises is longer, and dates stay far from where the calendar ends.
_LONGEST: Final = timedelta(days=3650)
_MOST_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Duration:
    """So many seconds, minutes, hours or days; `is_business` counts opening hours or open days only.

    Business days end at the hour at which they began, or `at` one of their own.
    """

    amount: int
    unit: Unit
    is_business: bool = False
    at: time | None = None

    def __post_init__(self) -> None:
        if self.is_business and self.unit == "second":
            raise ValueError(f"business time counts in minutes, hours or days: {_EXAMPLES}")
        if not timedelta() < self.amount * _LENGTH[self.unit] <= _LONGEST:
            raise ValueError(f"{self} is not between 1 second and {_LONGEST.days} days")

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read a duration such as "4 business hours"; ValueError says what is possible."""
        if next_day := _NEXT_DAY.fullmatch(text):
            return cls(1, "day", is_business=True, at=time(int(next_day[1]), int(next_day[2])))
        found = _FORM.fullmatch(text)
        if not found or len(found[1]) > _MOST_DIGITS:
            raise ValueError(
                f"{text[:60]!r} is not a duration; write a whole number and a unit: {_EXAMPLES}"
            )
        return cls(int(found[1]), cast("Unit", found[3].lower()), bool(found[2]))

    @property
    def span(self) -> timedelta:
        """The time to let pass; of business hours, the time to let pass while open.

        Business days have no such length: a calendar counts them.
        """
        if self.is_business and self.unit == "day":
            raise ValueError(f"{self} has no fixed length")
        return self.amount * _LENGTH[self.unit]

    def __str__(self) -> str:
        if self.at is not None:
            return f"next business day {self.at:%H:%M}"
        business = "business " if self.is_business else ""
        return f"{self.amount} {business}{self.unit}{'' if self.amount == 1 else 's'}"
