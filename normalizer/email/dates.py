"""Dates as mailers wrote them (RFC 5322 section 3.3, RFC 822, asctime and worse)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
# RFC 5322 section 4.3, and the zones that mail still shows.
_ZONES = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "met": 60,
    "mez": 60, "cest": 120, "mest": 120, "mesz": 120, "eet": 120, "eest": 180, "msk": 180,
    "ist": 330, "hkt": 480, "sgt": 480, "awst": 480, "jst": 540, "kst": 540, "aest": 600,
    "aedt": 660, "nzst": 720, "nzdt": 780, "est": -300, "edt": -240, "cst": -360, "cdt": -300,
    "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600,
}  # fmt: skip
_USUAL = re.compile(
    r"(?:[A-Za-z]{3}, )?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)([0-5]\d)(?!\d)"
)
_CLOCK = re.compile(
    r"(?<!\d)(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2})(?:[.,]\d+)?)?(?!\d)\s*([ap]\.?m\b)?",
    re.IGNORECASE,
)
_GMT = re.compile(r"\b(?:GMT|UTC?|Z)\b")
_OFFSET = re.compile(r"([+-])\s?(\d{1,2}):?(\d{2})(?!\d)")
_BARE_OFFSET = re.compile(r"^\s*(\d{4})\b")
_COMMENT = re.compile(r"\([^()]*\)?")
_DAY_MONTH = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?[\s.,-]*([a-z]{3})[a-z]*[\s.,-]*(\d{2,4})(?!\d)"
)
_MONTH_DAY = re.compile(r"\b([a-z]{3})[a-z]*[\s.,-]+(\d{1,2})(?:st|nd|rd|th)?(?!\d)")
_YEAR = re.compile(r"(?<!\d)(\d{4})(?!\d)")
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?!\d)")
_ZONE_NAME = re.compile(r"\b([a-z]{1,4})\b")


def parse(value: str) -> datetime | None:
    """The instant with its offset; nothing when there is no day that exists."""
    usual = _USUAL.match(value)
    if usual and usual[2].lower() in _MONTHS:
        return _moment(usual)
    text = value[:200].lower()
    plain = _COMMENT.sub(" ", text)
    clock = _CLOCK.search(plain)
    before, after = (plain[: clock.start()], plain[clock.end() :]) if clock else (plain, "")
    day = _day(before, after)
    if day is None:
        return None
    hours, minutes, seconds = _time(clock)
    zone = _zone(after, text)
    try:
        moment = datetime(*day, hours, minutes, min(seconds, 59), tzinfo=zone)
        return moment if moment.astimezone(UTC).year else None
    except (ValueError, OverflowError):
        return None


def _moment(usual: re.Match[str]) -> datetime | None:
    """RFC 5322 as nearly everybody writes it."""
    day, month, year, hours, minutes, seconds, sign, over, rest = usual.groups()
    zone = _offset(sign, int(over), int(rest))
    second = min(int(seconds), 59)
    try:
        moment = datetime(
            int(year),
            _MONTHS[month.lower()],
            int(day),
            int(hours),
            int(minutes),
            second,
            tzinfo=zone,
        )
        return moment if moment.astimezone(UTC).year else None
    except (ValueError, OverflowError):
        return None


def is_whole(value: str) -> bool:
    """Whether a date has its time and its zone."""
    clock = _CLOCK.search(value)
    return clock is not None and bool(_OFFSET.search(value, clock.end()) or _GMT.search(value))


def _day(before: str, after: str) -> tuple[int, int, int] | None:
    for text in (before, after, before + " " + after):
        found = _iso(text) or _named(text, after)
        if found:
            return found
    return None


def _iso(text: str) -> tuple[int, int, int] | None:
    iso = _ISO.search(text)
    if iso:
        return int(iso[1]), int(iso[2]), int(iso[3])
    numbers = _NUMBERS.search(text)
    if numbers is None:
        return None
    first, second, year = map(int, numbers.groups())
    return (year, first, second) if second > 12 else (year, second, first)


def _named(text: str, after: str) -> tuple[int, int, int] | None:
    for match in _DAY_MONTH.finditer(text):
        if match[2] in _MONTHS:
            return _year(match[3]), _MONTHS[match[2]], int(match[1])
    for match in _MONTH_DAY.finditer(text):
        year = _YEAR.search(text, match.end()) or _YEAR.search(_OFFSET.sub(" ", after))
        if match[1] in _MONTHS and year:
            return int(year[1]), _MONTHS[match[1]], int(match[2])
    return None


def _year(digits: str) -> int:
    """RFC 5322 section 4.3: two digits mean 1950 to 2049, three digits count from 1900."""
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(digits) == 3 else year


def _time(clock: re.Match[str] | None) -> tuple[int, int, int]:
    if clock is None:
        return 0, 0, 0
    hours = int(clock[1])
    if clock[4]:
        hours = hours % 12 + (12 if clock[4].startswith("p") else 0)
    return hours, int(clock[2]), int(clock[3] or 0)


def _zone(after: str, text: str) -> timezone:
    """The offset; what cannot be read is UTC (RFC 5322 section 4.3 says `-0000`)."""
    offset = _OFFSET.search(after)
    if offset:
        return _offset(offset[1], int(offset[2]), int(offset[3]))
    bare = _BARE_OFFSET.match(after)
    if bare and int(bare[1]) <= 1400:
        return _offset("+", int(bare[1][:2]), int(bare[1][2:]))
    for name in _ZONE_NAME.findall(after + " " + text[len(text) - len(after) :]):
        if name in _ZONES:
            return timezone(timedelta(minutes=_ZONES[name]))
    return UTC


def _offset(sign: str, hours: int, minutes: int) -> timezone:
    total = hours * 60 + minutes
    if minutes > 59 or total > 14 * 60:
        return UTC
    return timezone(timedelta(minutes=-total if sign == "-" else total)) if total else UTC
