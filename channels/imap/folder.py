"""Pure: what we know of one folder, and which of its mails are fetched next."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

_FIRST_WAIT = 60.0  # seconds until a mail that could not be had is tried again; doubled up to …
_LONGEST_WAIT = 3600.0


class First(NamedTuple):
    """Our first contact with a folder: its numbering then, the next UID (0: untold), our clock."""

    validity: int
    next: int
    at: datetime

    def was_there(self, validity: int, uid: int, came: datetime | None) -> bool:
        """Whether a mail lay there before us. In another numbering only its date can tell, which
        is one of whole seconds (RFC 3501, INTERNALDATE).
        """
        if validity == self.validity and self.next:
            return uid < self.next
        return came is not None and came < self.at.replace(microsecond=0)

    def to_note(self) -> str:
        return json.dumps([self.validity, self.next, self.at.isoformat()])

    @classmethod
    def from_note(cls, note: str) -> First:
        validity, next_, at = json.loads(note)
        return cls(validity, next_, datetime.fromisoformat(at))


class Facts(NamedTuple):
    """A mail before its content: its UID, the server's idea of its size, when it came."""

    uid: int
    size: int
    came: datetime | None


class _Trouble(NamedTuple):
    """A mail that could not be had so many times, and when it is tried again."""

    tries: int
    again: float


@dataclass
class Folder:
    """One folder of the mailbox; `unit` names a mail in the ledger, `place` says which mailbox.

    `waiting` are UIDs that the ledger does not have, the newest last; `highest` is the UID up to
    which we have looked. `alone` are mails that were on their way when a connection broke: one of
    them may have broken it, so each is fetched by itself.
    """

    name: str
    sent: bool = False
    place: int = 0
    first: First | None = None
    validity: int = 0
    highest: int = 0
    total: int = 0
    compared: float = float("-inf")
    waiting: list[int] = field(default_factory=list)
    flying: set[int] = field(default_factory=set)
    alone: set[int] = field(default_factory=set)
    troubles: dict[int, _Trouble] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        elsewhere = f".{self.place}" if self.place else ""
        return f"{self.name};{self.validity}{elsewhere}:"

    def unit(self, uid: int) -> str:
        return f"{self.prefix}{uid}"

    def renumber(self, validity: int) -> None:
        """Another UIDVALIDITY: what we knew by UID means nothing any more."""
        self.validity, self.highest = validity, 0
        self.waiting, self.alone, self.troubles = [], set(), {}

    def compare(self, listed: AbstractSet[int], known: AbstractSet[int], now: float) -> None:
        """Everything that the folder holds against everything that the ledger has."""
        missing = listed - known - self.flying
        self.troubles = {uid: it for uid, it in self.troubles.items() if uid in missing}
        self.waiting = sorted(missing - self.troubles.keys())
        self.alone &= missing
        self.highest = max(listed, default=self.highest)
        self.total = len(listed)
        self.compared = now

    def hear(self, found: Iterable[int]) -> None:
        """News. A search for n:* names the last mail even if it is older than n (RFC 3501, 6.4.8)."""
        new = sorted(uid for uid in found if uid > self.highest)
        self.waiting += new
        self.total += len(new)
        self.highest = max((self.highest, *new))

    def next(self, most: int, now: float) -> list[int]:
        """The UIDs to fetch now, newest first; they are flying until they land."""
        due = [uid for uid, trouble in self.troubles.items() if trouble.again <= now]
        if self.waiting and self.waiting[-1] not in self.alone:
            taken = self._from_the_end(most)
        elif self.waiting:
            taken = [self.waiting.pop()]
        else:
            taken = due[:1]
        self.flying.update(taken)
        return taken

    def has_work(self, now: float) -> bool:
        return bool(self.waiting) or any(it.again <= now for it in self.troubles.values())

    def land(self, uid: int) -> None:
        """It is in the ledger."""
        self._settle(uid)
        self.troubles.pop(uid, None)

    def fail(self, uid: int, now: float) -> float:
        """It could not be had: later again, and less and less often. Returns the wait in seconds."""
        self._settle(uid)
        tries = self.troubles[uid].tries if uid in self.troubles else 0
        wait = min(_FIRST_WAIT * (1 << min(tries, 16)), _LONGEST_WAIT)
        self.troubles[uid] = _Trouble(tries + 1, now + wait)
        return wait

    def put_back(self, uids: Iterable[int]) -> None:
        """Not their fault: they wait as before."""
        back = [uid for uid in uids if uid in self.flying]
        self.flying.difference_update(back)
        self.waiting = sorted({*self.waiting, *(uid for uid in back if uid not in self.troubles)})

    def suspect(self, uids: Iterable[int]) -> None:
        """One of these was refused, or broke the connection: each is fetched by itself."""
        self.alone.update(uids)
        self.put_back(uids)

    def was_there(self, mail: Facts) -> bool:
        """Whether a mail lay there before us."""
        return self.first is not None and self.first.was_there(self.validity, mail.uid, mail.came)

    def _from_the_end(self, most: int) -> list[int]:
        taken: list[int] = []
        while self.waiting and len(taken) < most and self.waiting[-1] not in self.alone:
            taken.append(self.waiting.pop())
        return taken

    def _settle(self, uid: int) -> None:
        self.flying.discard(uid)
        self.alone.discard(uid)


def batches(mails: Iterable[Facts], most: int, octets: int) -> Iterator[list[Facts]]:
    """In the given order, at most so many and so much at a time; one larger than that goes alone."""
    batch: list[Facts] = []
    size = 0
    for mail in mails:
        if batch and (len(batch) >= most or size + mail.size > octets):
            yield batch
            batch, size = [], 0
        batch.append(mail)
        size += mail.size
    if batch:
        yield batch


def known_places(note: str, here: str) -> list[str]:
    """The mailboxes that a channel has ever read, by what it noted, and this one.

    Two of them may number their mails alike, so that each needs names of its own in the ledger.
    """
    before: list[str] = json.loads(note or "[]")
    return before if here in before else [*before, here]


def wait(attempt: int, longest: float, draw: float) -> float:
    """Seconds before try number `attempt` + 1: doubled each time, spread by `draw` from [0, 1)."""
    return min(longest, float(1 << min(attempt, 16))) * (0.5 + draw / 2)
