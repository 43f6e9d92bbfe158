"""Customers who write, are answered, joined and taken apart, on a database without a daemon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from gateway.desk import acts, letting_in
from gateway.desk.speak import Desk, Refused, Who
from gateway.desk.wanted import Guest, Note, Reply, Start
from gateway.links import join
from store import erasure, inbound, links, rows
from store.engine import open_writer
from store.known import Arrival, Changes
from store.migrate import last_id
from store.schema import metadata
from tests.gateway.api.seed import FOLLOW, MAIL, NOON, admission
from tests.making import KEYS, arrival, message

T = TypeVar("T")

DESK = Desk({"mail": MAIL}, MAIL.own(), KEYS, FOLLOW)
# What links move, and what they leave behind; everything else must be as before after an undo.
_NOT_THEIRS = {"counters", "events", "links", "notes", "requests", "tokens"}
TABLES = tuple(name for name in metadata.tables if name not in _NOT_THEIRS)
Dump = dict[str, list[tuple[Any, ...]]]


class World:
    """One database, written to as the writer does: a transaction for each thing that happens."""

    def __init__(self, url: str) -> None:
        self.engine = open_writer(url)
        self.now = NOON

    def close(self) -> None:
        self.engine.dispose()

    def do(self, work: Callable[[Connection, Changes], T]) -> T:
        """In one transaction, as `Store.change`."""
        self.now += timedelta(minutes=1)
        with self.engine.begin() as connection:
            changes = Changes(last_id(connection))
            result = work(connection, changes)
            inbound.flush(connection, changes)
            _advance(connection, changes)
        return result

    def ask(self, query: str, **values: Any) -> list[Any]:
        with self.engine.begin() as connection:
            return list(connection.execute(text(query), values))

    def one(self, query: str, **values: Any) -> Any:
        (row,) = self.ask(query, **values)
        return row[0] if len(row) == 1 else row

    def take(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Messages that came, in one batch."""
        self.now += timedelta(minutes=1)
        with self.engine.begin() as connection:
            changes = Changes(last_id(connection))
            taken = inbound.commit(connection, changes, arrivals, admission(FOLLOW))
            _advance(connection, changes)
        return [one.message for one in taken]

    def hears(self, address: str, subject: str = "parcel", answers: int | None = None) -> int:
        """A mail comes in, in the thread of an earlier message if it answers one."""
        return self.take([self.arrival(address, subject, answers)])[0]

    def arrival(self, address: str, subject: str = "parcel", answers: int | None = None) -> Arrival:
        references: tuple[str, ...] = ()
        if answers is not None:
            references = (self.one("SELECT message_id FROM messages WHERE id = :id", id=answers),)
        content = message(
            address, subject=subject, base_subject=subject, references=references,
            text=f"Here is {address}.", language="en",
        )  # fmt: skip
        return arrival(content, author=address, known=True, received_at=self.now)

    def says(self, case: int, address: str, **more: Any) -> int:
        """One of us answers in a case."""
        wanted = Reply(text=f"Dear {address}", to=[address], force=True, **more)
        return self._must(acts.reply(DESK, case, wanted, (), self.who)).id

    def notes(self, case: int) -> int:
        return self._must(acts.note(case, Note(text="Careful."), self.who)).id

    def calls(self, customer: int) -> int:
        """What somebody told us, without a word of any address."""
        here = self.one("SELECT id FROM conversations WHERE customer_id = :id", id=customer)
        wanted = Start(text="They called.", conversation_id=here)
        return self._must(acts.start(DESK, wanted, (), self.who)).message.id

    def lets_in(self, case: int, address: str) -> None:
        self._must(letting_in.let_in(DESK, case, Guest(address=address), self.who))

    def shows_out(self, case: int, address: str) -> None:
        self._must(letting_in.show_out(case, self.identity(address), self.who))

    def merge(self, kept: int, other: int) -> rows.Link:
        return self._must(self.merging(kept, other))

    def merging(self, kept: int, other: int) -> Callable[[Connection, Changes], join.Ended]:
        def act(connection: Connection, changes: Changes) -> join.Ended:
            sides = [links.party(connection, one) for one in (kept, other)]
            assert sides[0]
            assert sides[1]
            return join.merge(connection, changes, sides[0], sides[1], "person", "", self.who)

        return act

    def split(self, customer: int, *addresses: str) -> rows.Link:
        ids = [self.identity(one) for one in addresses]
        return self._must(lambda c, ch: join.split(c, ch, customer, ids, "", self.who))

    def undo(self, link: int) -> rows.Link:
        return self._must(lambda c, ch: join.undo(c, ch, link, self.who))

    def erase(self, customer: int) -> None:
        def act(connection: Connection, _: Changes) -> None:
            party = links.party(connection, customer)
            assert party
            erasure.erase(connection, party)

        self.do(act)

    def join(self, kept: str, other: str, evidence: join.Evidence = "proof") -> Any:
        ids = (self.identity(kept), self.identity(other))
        wanted = join.Join(*ids, evidence, "as the test says", Who("", "", self.now))
        return self.do(lambda c, ch: join.join(c, ch, wanted))

    def _must(self, act: Callable[[Connection, Changes], T | Refused]) -> T:
        done = self.do(act)
        assert not isinstance(done, Refused), done.detail
        return done

    @property
    def who(self) -> Who:
        return Who("Aiko", "tests", self.now)

    def identity(self, address: str) -> int:
        found: int = self.one("SELECT id FROM identities WHERE address = :a", a=f"email:{address}")
        return found

    def customer(self, address: str) -> int:
        found: int = self.one(
            "SELECT customer_id FROM identities WHERE address = :a", a=f"email:{address}"
        )
        return found

    def case_of(self, message_id: int) -> int:
        found: int = self.one("SELECT case_id FROM messages WHERE id = :id", id=message_id)
        return found

    def home(self, message_id: int) -> int:
        """The customer in whose conversation a message stands."""
        found: int = self.one("SELECT customer_id FROM messages WHERE id = :id", id=message_id)
        return found

    def dump(self) -> Dump:
        with self.engine.begin() as connection:
            return dumped(connection)

    def consistent(self) -> None:
        """Everything stands where its case stands, and the case at its customer's."""
        for what, query in CROOKED.items():
            assert self.ask(query) == [], what


CROOKED = {
    "a case with nobody who is merged away": """
        SELECT k.id FROM cases k
        WHERE NOT EXISTS (SELECT 1 FROM identities i WHERE i.customer_id = k.customer_id)""",
    "a case away from its customer": """
        SELECT k.id FROM cases k JOIN conversations c ON c.id = k.conversation_id
        WHERE c.customer_id <> k.customer_id""",
    "a message away from its case": """
        SELECT m.id FROM messages m JOIN cases k ON k.id = m.case_id
        WHERE m.conversation_id <> k.conversation_id OR m.customer_id <> k.customer_id""",
    "a delivery away from its message": """
        SELECT o.id FROM outbox o JOIN messages m ON m.id = o.message_id
        WHERE o.conversation_id <> m.conversation_id""",
    "a follow-up away from its case": """
        SELECT f.id FROM follow_ups f JOIN cases k ON k.id = f.case_id
        WHERE f.conversation_id <> k.conversation_id""",
    "a message away from its writer, who is no participant": """
        SELECT m.id FROM messages m JOIN identities i ON i.id = m.identity_id
        WHERE m.direction = 'in' AND m.customer_id <> i.customer_id AND NOT EXISTS (
            SELECT 1 FROM participants p WHERE p.case_id = m.case_id AND p.identity_id = i.id)""",
}


def dumped(connection: Connection) -> Dump:
    """Every row of the tables that an undo has to restore."""
    return {
        name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name} ORDER BY 1"))]
        for name in TABLES
    }


def _advance(connection: Connection, changes: Changes) -> None:
    connection.execute(
        text("UPDATE counters SET value = :last WHERE name = 'id'"), {"last": changes.last_id}
    )
