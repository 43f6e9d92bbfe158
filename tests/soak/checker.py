"""Count what is left: mails stored, acknowledgements sent, and whatever does not add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import create_engine, text

from tests.bench.measure import message_id_in

UNDER_WAY = ("unread", "queued", "sending", "deferred")


class Left(NamedTuple):
    """What the store and the Maildir hold; Message-IDs without brackets."""

    stored: Counter[str]
    acknowledged: Counter[str]
    quarantined: int
    in_doubt: frozenset[str]
    customers: int
    authors: int


class Verdict(NamedTuple):
    """What does not add up; every list is empty when the promise was kept."""

    lost: list[str]
    stored_twice: list[str]
    acknowledged_twice: list[str]
    silent: list[str]
    quarantined: int
    in_doubt: int
    parted: int

    @property
    def kept(self) -> bool:
        wrong = (self.lost, self.stored_twice, self.acknowledged_twice, self.silent)
        return not any(wrong) and not self.parted and not self.quarantined

    def __str__(self) -> str:
        return (
            f"{len(self.lost)} lost {self.lost[:3]}, {len(self.stored_twice)} stored twice"
            f" {self.stored_twice[:3]}, {len(self.acknowledged_twice)} acknowledged twice"
            f" {self.acknowledged_twice[:3]}, {len(self.silent)} without acknowledgement and not in"
            f" doubt {self.silent[:3]}, {self.quarantined} quarantined, {self.in_doubt} in doubt,"
            f" {self.parted} customers too many"
        )


class Books:
    """Reads the store as any other process may: through its views."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)

    def close(self) -> None:
        self._engine.dispose()

    def under_way(self) -> int:
        """Mails still to be read, and acknowledgements still to be sent."""
        states = ", ".join(f"'{state}'" for state in UNDER_WAY)
        return int(self._rows(f"select count(*) from v_messages where status in ({states})")[0][0])

    def statuses(self) -> dict[str, int]:
        """How many received mails are in each status."""
        query = "select status, count(*) from v_messages where direction = 'in' group by status"
        return {str(status): int(number) for status, number in self._rows(query)}

    def left(self, sent: Path) -> Left:
        received = self._rows("select message_id, case_id from v_messages where direction = 'in'")
        doubtful = self._rows(
            "select case_id from v_messages"
            " where direction = 'out' and kind = 'acknowledgement' and status = 'in_doubt'"
        )
        cases = {row[0] for row in doubtful}
        return Left(
            stored=Counter(_bare(row[0]) for row in received),
            acknowledged=acknowledged(sent),
            quarantined=self.statuses().get("quarantined", 0),
            in_doubt=frozenset(_bare(row[0]) for row in received if row[1] in cases),
            customers=int(self._rows("select count(*) from v_customers")[0][0]),
            authors=int(self._rows("select count(distinct address) from v_identities")[0][0]),
        )

    def _rows(self, query: str) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(text(query)))


def acknowledged(sent: Path) -> Counter[str]:
    """How often each Message-ID was answered, by the mails in a Maildir."""
    files = sent.iterdir() if sent.exists() else ()
    return Counter(message_id_in(path, b"in-reply-to") for path in files)


def judge(known: Iterable[str], left: Left) -> Verdict:
    """Hold the sender's ledger against what is left."""
    accepted = set(known)
    spoken_for = left.acknowledged.keys() | left.in_doubt
    return Verdict(
        lost=sorted(accepted - left.stored.keys()),
        stored_twice=_repeated(left.stored),
        acknowledged_twice=_repeated(left.acknowledged),
        silent=sorted(left.stored.keys() - spoken_for),
        quarantined=left.quarantined,
        in_doubt=len(left.in_doubt),
        parted=left.customers - left.authors,
    )


def _repeated(counted: Counter[str]) -> list[str]:
    return sorted(name for name, times in counted.items() if times > 1)


def _bare(message_id: str | None) -> str:
    return (message_id or "").strip("<>").lower()
