"""Whatever happens in whatever order: everybody's messages stand in their own conversation.

A model keeps who is one person with whom; after each step the store must agree, and whoever takes
back a step finds every row as it was.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from gateway.desk.speak import Refused
from gateway.links import join
from store import rows
from store.inbound import flush
from store.known import Changes, Token
from store.schema import metadata
from store.store import prepare
from tests.gateway.api.seed import database
from tests.gateway.links.world import CROOKED, Dump, World, dumped
from tests.making import empty_database

EXAMPLES = int(os.environ.get("LINKS_EXAMPLES", "25"))  # more of them are always new ones
PEOPLE = [f"{letter}@x.example" for letter in "abcd"]
addresses = st.sampled_from(PEOPLE)
any_ = st.integers(0, 10**6)  # picks one of what there is, in turn


PLACES = {
    "identities": ("customer_id",),
    "cases": ("conversation_id", "customer_id"),
    "messages": ("conversation_id", "case_id", "customer_id"),
    "outbox": ("conversation_id",),
    "follow_ups": ("conversation_id",),
}


def placed(now: Dump, known: Dump) -> dict[tuple[str, int], list[object]]:
    """Where all stands that is in `known`, by table and id."""
    found = {}
    for name, columns in PLACES.items():
        names = [column.name for column in metadata.tables[name].columns]
        ids = {row[0] for row in known[name]}
        for row in now[name]:
            if row[0] in ids:
                found[name, row[0]] = [row[names.index(column)] for column in columns]
    return found


class Machine(RuleBasedStateMachine):
    """Mails, answers, guests, links and their undoing, by five addresses."""

    def open(self) -> World:
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.world = self.open()
        self.person: dict[str, int] = {}  # which addresses are one person's
        self.moved: dict[int, dict[str, int]] = {}  # by link: whose its addresses were before
        self.heard: list[int] = []
        self.held: list[tuple[str, Token]] = []  # tokens that somebody was given
        self.last: tuple[int, Dump] | None = None  # the last link, and how all stood before it
        for address in PEOPLE:
            self.hears(address, "parcel")

    @rule(address=addresses, subject=st.sampled_from(["parcel", "chair", "lamp"]))
    def hears(self, address: str, subject: str) -> None:
        self._heard(address, self.world.hears(address, subject))

    @rule(address=addresses, which=any_, own=st.booleans())
    def hears_an_answer(self, address: str, which: int, own: bool) -> None:
        near = [one for one in self.heard if self.world.home(one) == self.world.customer(address)]
        some = near if own and near else self.heard
        self._heard(address, self.world.hears(address, "Re", some[which % len(some)]))

    def _heard(self, address: str, message: int) -> None:
        self.person.setdefault(address, message)
        self.heard.append(message)

    @rule(which=any_, to=addresses)
    def says(self, which: int, to: str) -> None:
        case = self._case(which)
        said = self.world.says(case, to)
        self.heard.append(said)
        self.held.append((to, Token(case, said)))

    @precondition(lambda self: self.held)
    @rule(which=any_)
    def hears_by_a_token(self, which: int) -> None:
        address, token = self.held[which % len(self.held)]
        arrival = self.world.arrival(address, "Re: you")
        self._heard(address, self.world.take([replace(arrival, tokens=(token,))])[0])

    @rule(address=addresses)
    def writes_a_call_down(self, address: str) -> None:
        self.world.calls(self.world.customer(address))

    @rule(which=any_)
    def notes(self, which: int) -> None:
        self.world.notes(self._case(which))

    @rule(which=any_, address=addresses)
    def lets_in(self, which: int, address: str) -> None:
        case = self._case(which)
        if self._owner(case) != self.world.customer(address):
            self.world.lets_in(case, address)

    @rule(which=any_)
    def shows_out(self, which: int) -> None:
        found = self.world.ask(
            "SELECT p.case_id, i.address FROM participants p JOIN identities i"
            " ON i.id = p.identity_id WHERE p.removed_at IS NULL ORDER BY p.id"
        )
        if found:
            case, address = found[which % len(found)]
            self.world.shows_out(case, address.removeprefix("email:"))

    @precondition(lambda self: len(set(self.person.values())) > 1)
    @rule(kept=addresses, which=any_)
    def merges(self, kept: str, which: int) -> None:
        others = [one for one in PEOPLE if self.person[one] != self.person[kept]]
        other = others[which % len(others)]
        moved = self._all(self.person[other])
        before = self.world.dump()
        done = self.world.join(kept, other, "person")
        assert isinstance(done, rows.Link)
        self._note(done, moved, self.person[kept], before)

    @precondition(lambda self: len(set(self.person.values())) < len(PEOPLE))
    @rule(which=any_, wanted=st.sets(any_, min_size=1, max_size=2))
    def splits(self, which: int, wanted: set[int]) -> None:
        shared = [one for one in PEOPLE if len(self._all(self.person[one])) > 1]
        all_ = sorted(self._all(self.person[shared[which % len(shared)]]))
        leaving = {all_[one % len(all_)] for one in wanted}
        if len(leaving) == len(all_):
            leaving.discard(all_[0])
        before = self.world.dump()
        done = self.world.split(self.world.customer(all_[0]), *sorted(leaving))
        self._note(done, leaving, done.id, before)

    def _there_and_back(self, link: rows.Link, before: Dump) -> None:
        """Undone at once, it was as if it had never been; then it is done again."""
        with self.world.engine.connect() as connection, connection.begin() as trial:
            changes = Changes(link.id + 10_000)
            undone = join.undo(connection, changes, link.id, self.world.who)
            assert isinstance(undone, rows.Link), undone
            flush(connection, changes)
            assert dumped(connection) == before
            trial.rollback()

    @precondition(lambda self: self.moved)
    @rule(which=any_)
    def undoes(self, which: int) -> None:
        link = sorted(self.moved)[which % len(self.moved)]
        done = self.world.do(lambda c, ch: join.undo(c, ch, link, self.world.who))
        if isinstance(done, Refused):
            because = "came after this one" if self.moved[link] else "is left"
            assert because in done.detail, done.detail
            return
        self._taken_back(link)

    @precondition(lambda self: self.last)
    @rule()
    def undoes_the_last(self) -> None:
        assert self.last
        self.world.undo(self.last[0])
        self._taken_back(self.last[0])

    @rule(address=addresses)
    def erases(self, address: str) -> None:
        """Nothing of theirs is left, and nothing of anybody else's is gone; then they write anew."""
        gone = self._all(self.person[address])
        others = self._of_others(gone)
        self.world.erase(self.world.customer(address))
        assert self._of_others(gone) == others
        assert not gone & {row[0] for row in self.world.ask("SELECT address FROM identities")}
        kept = {row[0] for row in self.world.ask("SELECT id FROM messages")}
        links = {row[0] for row in self.world.ask("SELECT id FROM links")}
        self.heard = [one for one in self.heard if one in kept]
        self.held = [one for one in self.held if one[1].message_id in kept]
        self.moved = {
            link: {one: whose for one, whose in moved.items() if one not in gone}
            for link, moved in self.moved.items()
            if link in links
        }
        self.last = None
        for one in gone:
            del self.person[one]
        for one in sorted(gone):
            self.hears(one, "again")

    def _of_others(self, gone: set[str]) -> list[object]:
        """The messages of and to everybody but these."""
        found = self.world.ask(
            "SELECT m.id, m.text, m.case_id, m.conversation_id, i.address FROM messages m"
            " JOIN identities i ON i.id = m.identity_id WHERE m.customer_id = i.customer_id"
        )
        return sorted(row for row in found if row[4].removeprefix("email:") not in gone)

    def _taken_back(self, link: int) -> None:
        self.person |= self.moved.pop(link)
        if self.last and self.last[0] == link:
            assert placed(self.world.dump(), self.last[1]) == placed(self.last[1], self.last[1])
        self.last = None

    def _note(self, link: rows.Link, moved: set[str], to: int, before: Dump) -> None:
        if link.undone_at is not None:  # a merge of what was split before
            self._taken_back(link.id)
            return
        self._there_and_back(link, before)
        self.last = link.id, before
        self.moved[link.id] = {one: self.person[one] for one in moved}
        self.person |= dict.fromkeys(moved, to)

    def _all(self, person: int) -> set[str]:
        return {address for address, one in self.person.items() if one == person}

    def _case(self, which: int) -> int:
        return self.world.case_of(self.heard[which % len(self.heard)])

    def _owner(self, case: int) -> int:
        found: int = self.world.one("SELECT customer_id FROM cases WHERE id = :id", id=case)
        return found

    @invariant()
    def everybody_is_with_their_own(self) -> None:
        if not hasattr(self, "world"):
            return
        found = self.world.ask("SELECT address, customer_id FROM identities")
        stored = {address.removeprefix("email:"): customer for address, customer in found}
        assert stored.keys() == self.person.keys()
        for one, owner in stored.items():
            for other, another in stored.items():
                assert (owner == another) == (self.person[one] == self.person[other])
        for what, query in CROOKED.items():
            assert self.world.ask(query) == [], what
        for shown in ("messages", "cases", "conversations", "customers"):
            view = self.world.ask(f"SELECT id FROM v_{shown} ORDER BY id")
            assert view == self.world.ask(f"SELECT id FROM {shown} ORDER BY id"), shown

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()


class OnSQLite(Machine):
    def open(self) -> World:
        self.folder = tempfile.mkdtemp()
        shutil.copy(empty_database(), Path(self.folder) / "desk.db")
        return World(f"sqlite:///{self.folder}/desk.db")

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        derandomize="LINKS_EXAMPLES" not in os.environ,
        phases=[Phase.generate] if "LINKS_QUICK" in os.environ else tuple(Phase),
        suppress_health_check=list(HealthCheck),
    )


def test_no_message_is_ever_another_person_s_and_every_link_is_undone_exactly() -> None:
    run_state_machine_as_test(OnSQLite, settings=_settings(EXAMPLES))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with database("postgresql", tmp_path) as site:
        prepare(site.url)
        yield site.url


def test_neither_is_it_on_postgresql(server: str) -> None:
    class OnPostgreSQL(Machine):
        def open(self) -> World:
            world = World(server)
            with world.engine.begin() as connection:
                everything = ", ".join(set(metadata.tables) - {"counters"})
                connection.execute(text(f"TRUNCATE {everything}"))
            return world

    run_state_machine_as_test(OnPostgreSQL, settings=_settings(4))
