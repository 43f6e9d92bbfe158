"""Pure: is this mail spam, and who says so. Spam is kept apart, never thrown away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, NamedTuple

from gateway.sender.trust import Trust, Verdict, is_trusted
from normalizer.message import Message, Transport

Fields = Iterable[tuple[str, str]]

_YES = re.compile(r"\s*(?:yes|true)\b", re.IGNORECASE)
_STATUS_SCORE = re.compile(r"\b(?:score|hits)=(-?\d{1,6}(?:\.\d+)?)")
_RSPAMD = re.compile(r"[^;]*?:\s*(True|False)\s*\[(-?\d{1,6}(?:\.\d+)?)\s*/", re.IGNORECASE)
_STARS = re.compile(r"\s*(\*{0,200})")
_SCL = re.compile(r"(?:^|;)\s*SCL:(-?\d{1,2})\b", re.IGNORECASE)
_SFV = re.compile(r"(?:^|;)\s*SFV:(SPM|SKS|SKB)\b", re.IGNORECASE)
_JUNK_SCL = 5  # from this on, Exchange Online delivers into Junk
_SPAM_ACTIONS = frozenset({"reject", "add header", "rewrite subject"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What `[spam]` says; `servers` are the channels whose own server writes the headers."""

    block: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    threshold: float | None = None
    servers: frozenset[str] = frozenset()


class Asked(NamedTuple):
    """One mail, and what is known of its sender; `answers_us` holds when it has a token of ours."""

    channel: str
    message: Message
    transport: Transport
    verdict: Verdict
    trust: Trust
    answers_us: bool
    history: bool = False


class Ruling(NamedTuple):
    """Whether it is spam, by whom (`lists`, `headers`; "" where nobody said anything), and why."""

    spam: bool = False
    by: str = ""
    reason: str = ""

    @property
    def final(self) -> bool:
        """Nobody else need be asked."""
        return bool(self.by)


NOBODY = Ruling()


def decide(rules: Rules, asked: Asked) -> Ruling:
    """The lists first, then headers; what answers a mail of ours is spam by the block list only."""
    if asked.transport.sent:
        return Ruling(by="lists", reason="one of us wrote it")
    if listed := _by_lists(rules, asked):
        return listed
    if asked.answers_us:
        return Ruling(by="lists", reason="it answers a mail of ours")
    reason = in_headers(_written_by_us(rules, asked), rules.threshold)
    return Ruling(spam=True, by="headers", reason=reason) if reason else NOBODY


def _by_lists(rules: Rules, asked: Asked) -> Ruling | None:
    if not (rules.block or rules.allow):
        return None
    sender = next((c.identity.address for c in asked.message.claims if c.source == "from"), "")
    blocked = max(_matched(rules.block, a) for a in (sender, asked.transport.sender.lower()))
    allowed = _matched(rules.allow, sender) if asked.verdict.authenticated else 0
    if allowed and allowed >= blocked:
        return Ruling(by="lists", reason="the allow list names the sender")
    if blocked:
        return Ruling(spam=True, by="lists", reason="the block list names the sender")
    return None


def _matched(entries: Iterable[str], address: str) -> int:
    """How long the longest entry is that names an address, its domain or one above that."""
    return max((len(entry) for entry in entries if _names(entry, address)), default=0)


def _names(entry: str, address: str) -> bool:
    if "@" in entry:
        return entry == address
    domain = address.rpartition("@")[2]
    return domain == entry or domain.endswith(f".{entry}")


def _written_by_us(rules: Rules, asked: Asked) -> Fields:
    """The headers of a hop that we trust: those above the Received of the hop before it.

    A server that removes what others wrote may put its own anywhere, and many put them last.
    """
    if asked.channel in rules.servers:
        return asked.message.trace
    if not is_trusted(asked.transport.peer, asked.trust.relays):
        return ()
    received = 0

    def is_above(field: tuple[str, str]) -> bool:
        nonlocal received
        received += field[0] == "received"
        return received < 2

    return takewhile(is_above, asked.message.trace)


def in_headers(fields: Fields, threshold: float | None) -> str:
    """Why a filter's headers make a mail spam; "" if they do not. Of equal names the topmost counts.

    A threshold of ours stands above what the filter made of its own score.
    """
    top: dict[str, str] = {}
    for name, value in fields:
        top.setdefault(name, value)
    score = next(
        (s for name, read in _SCORES.items() if (s := read(top.get(name, ""))) is not None), None
    )
    if threshold is not None and score is not None:
        return _scored(score, threshold)
    said = (name for name, holds in _FLAGS.items() if holds(top.get(name, "")))
    return next((f"{name} of a trusted server says so" for name in said), "")


def _scored(score: float, threshold: float) -> str:
    return f"scored {score:g}, and {threshold:g} is spam" if score >= threshold else ""


def _number(pattern: re.Pattern[str], group: int) -> Callable[[str], float | None]:
    def read(value: str) -> float | None:
        found = pattern.match(value) if pattern is _RSPAMD else pattern.search(value)
        return float(found[group]) if found else None

    return read


def _is_yes(value: str) -> bool:
    return _YES.match(value) is not None


def _rspamd_says(value: str) -> bool:
    found = _RSPAMD.match(value)
    return found is not None and found[1].lower() == "true"


def _exchange_says(value: str) -> bool:
    """The bulk level of X-Microsoft-Antispam is left alone: the tenant's own limit is in the SCL."""
    level = _SCL.search(value)
    return bool(level and int(level[1]) >= _JUNK_SCL) or _SFV.search(value) is not None


def _stars(value: str) -> float | None:
    found = _STARS.match(value)
    return float(len(found[1])) if found and value else None


_SCORES: Mapping[str, Callable[[str], float | None]] = {
    "x-spamd-result": _number(_RSPAMD, 2),
    "x-spam-status": _number(_STATUS_SCORE, 1),
    "x-spam-level": _stars,
}
_FLAGS: Mapping[str, Callable[[str], bool]] = {
    "x-spam-flag": _is_yes,
    "x-spam": _is_yes,
    "x-spam-status": _is_yes,
    "x-spamd-result": _rspamd_says,
    "x-forefront-antispam-report": _exchange_says,
}


def by_rspamd(answer: Mapping[str, Any], threshold: float | None) -> str:
    """Why rspamd's answer to /checkv2 makes a mail spam; "" if it does not.

    `greylist` and `soft reject` ask a peer to come again, which is no word on the mail.
    """
    score = float(answer["score"])
    if threshold is not None:
        return _scored(score, threshold)
    action = str(answer["action"])
    return f"{action}, scored {score:g}" if action in _SPAM_ACTIONS else ""
