"""What newcomers have in common: a loop that no sender's budget ends has a new sender each time."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from statistics import median

from normalizer.message import Message
from store.known import Arrival
from store.outbox import Said, said_since
from store.rows import instant, moment
from store.store import Store

SAME_WORDS = "newcomers write the same words: a robot with a new address each time"
ALIKE = "newcomers come from addresses that count up: a robot's"
BURST = "far more newcomers from this domain than usual"

_WEEK, _HOURS = timedelta(days=7), 24
_USUAL = 5  # so many times the usual hour is too much
_KEYS = 50_000  # patterns remembered at a time; the oldest are forgotten first
_LOOKED_AT = 400  # characters of a text
_TELLING = 72  # letters, or half as many kana, below which people write the same by chance
_MARKS = ".,:;!?\"'()<>*"
_NO_DIGITS = dict.fromkeys(map(ord, "0123456789０１２３４５６７８９"))
_BETWEEN = re.compile(r"[-_=]")


def likeness(text: str) -> str:
    """Equal for texts with the same words, numbers aside; "" if they are too few to tell."""
    pieces = (piece.strip(_MARKS) for piece in text[:_LOOKED_AT].lower().split())
    # What mixes letters with digits is somebody's number; Japanese has no blanks to part words by.
    words = "".join(piece for piece in pieces if piece.isalpha() or not piece.isascii())
    octets = words.translate(_NO_DIGITS).encode("utf-8", "replace")
    weight = (
        len(words) + len(octets)
    ) // 2  # a kana is three octets and says as much as two letters
    return blake2b(octets, digest_size=12).hexdigest() if weight >= _TELLING else ""


def pattern(address: str) -> str:
    """`ticket-#@…` for `ticket-4711@…`; "" for an address as people have them, `yuki85@…` too."""
    local, _, domain = address.rpartition("@")
    pieces = _BETWEEN.split(local)
    shape = ["#" if any(c.isdigit() for c in piece) else piece for piece in pieces]
    return f"{'-'.join(shape)}@{domain}" if len(pieces) > 1 and "#" in shape else ""


class Crowd:
    """What was acknowledged lately, by text, by pattern of address, by domain.

    Kept in memory: it only has to outlast a loop. The limits are those of
    `[acknowledge.limits]`; 0 means none.
    """

    def __init__(
        self, same_words_week: int = 0, similar_week: int = 0, domain_hour: int = 0
    ) -> None:
        self._words = _Recent(same_words_week)
        self._patterns = _Recent(similar_week)
        self._domains = _Hours(domain_hour)

    def why_not(self, arrival: Arrival, message: Message) -> str:
        """Why an author of whom we never heard before is not acknowledged; "" if he is."""
        key, domain = arrival.budget
        if self._words.is_full(_said_in(message, domain), arrival.at):
            return SAME_WORDS
        if self._patterns.is_full(pattern(key), arrival.at):
            return ALIKE
        return BURST if self._domains.is_full(domain, _hour(arrival.at)) else ""

    def note(self, arrival: Arrival, message: Message) -> None:
        """An acknowledgement is on its way; a batch that is replayed counts once."""
        key, domain = arrival.budget
        self._words.note(_said_in(message, domain), arrival.unit, arrival.at)
        self._patterns.note(pattern(key), arrival.unit, arrival.at)
        self._domains.note(domain, _hour(arrival.at))

    def replay(self, said: Iterable[Said]) -> None:
        """What an earlier process said, the oldest first."""
        for number, (at, key, domain) in enumerate(said):
            self._patterns.note(pattern(key), f"before {number}", moment(at))
            self._domains.note(domain, _hour(moment(at)))


def _said_in(message: Message, domain: str) -> str:
    """Of one domain: strangers everywhere may write the same, and the hour's budget holds them."""
    words = likeness(message.reply_text or message.text)
    return f"{words}@{domain}" if words else ""


async def remember(crowd: Crowd, store: Store, now: datetime) -> None:
    """Tell a crowd what an earlier process said in the last week, as far as the store knows it."""
    crowd.replay(await store.read(partial(said_since, since=instant(now - _WEEK))))


class _Recent:
    """How often each key came within a week (RFC 3834 section 2); a unit counts once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: OrderedDict[str, dict[str, datetime]] = OrderedDict()

    def is_full(self, key: str, at: datetime) -> bool:
        if not (self._limit and key in self._times):
            return False
        return sum(then > at - _WEEK for then in self._times[key].values()) >= self._limit

    def note(self, key: str, unit: str, at: datetime) -> None:
        if not (self._limit and key):
            return
        before = self._times.pop(key, {})
        self._times[key] = {u: then for u, then in before.items() if then > at - _WEEK} | {unit: at}
        if len(self._times) > _KEYS:
            self._times.popitem(last=False)


class _Hours:
    """How often each domain came in each hour of the last day, and what is usual for it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: OrderedDict[str, dict[int, int]] = OrderedDict()
        self._bursts: set[tuple[str, int]] = set()

    def is_full(self, domain: str, hour: int) -> bool:
        """From the limit on, several times the median hour; hours of a burst are not usual."""
        counts = self._counts.get(domain, {})
        count = counts.get(hour, 0)
        if not self._limit or count < self._limit:
            return False
        before = range(hour - _HOURS, hour)
        usual = median(0 if (domain, h) in self._bursts else counts.get(h, 0) for h in before)
        if count < _USUAL * usual:
            return False
        self._bursts = {(d, h) for d, h in self._bursts if h in before} | {(domain, hour)}
        return True

    def note(self, domain: str, hour: int) -> None:
        if not self._limit:
            return
        before = self._counts.pop(domain, {})
        if hour not in before:
            before = {h: n for h, n in before.items() if h >= hour - _HOURS}
        self._counts[domain] = before | {hour: before.get(hour, 0) + 1}
        if len(self._counts) > _KEYS:
            self._counts.popitem(last=False)


def _hour(at: datetime) -> int:
    return int(at.timestamp()) // 3600
