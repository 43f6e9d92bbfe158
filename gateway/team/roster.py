"""Pure: who of us there are, and which of them stands as the owner of a case."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

About = Literal["new case", "customer wrote", "survey answered", "person wanted", "still stuck"]
_AT_ONCE = frozenset({"person wanted", "still stuck"})


class Owned(Protocol):
    """What somebody takes care of: a case."""

    @property
    def owner(self) -> str: ...


def folded(written: str) -> str:
    """A name or an address as it is compared, however somebody typed it."""
    return " ".join(written.split()).casefold()


class Colleague(NamedTuple):
    """One of us, by an address in lower case; `login` vouches for them on our own listener.

    `public_names` are how customers read of them, by language in lower case or "" for all others;
    `deputy` takes care while they are away.
    """

    name: str
    address: str
    login: str
    notify: frozenset[str] = frozenset()
    per_hour: int = 20
    public_names: tuple[tuple[str, str], ...] = ()
    deputy: str = ""

    def is_called(self, written: str) -> bool:
        """Whether a name or an address is theirs."""
        wanted = folded(written)
        return bool(wanted) and wanted in (folded(self.name), folded(self.address))

    def wants(self, about: About, case: Owned) -> bool:
        """A new case goes to the owner whom a route gave it, too; an answer to a survey to the
        case's owner, and to whoever reads what customers write; that a person is needed, to
        whoever is told of anything.
        """
        if about == "customer wrote":
            return about in self.notify
        if self.is_called(case.owner):
            return True
        if about in _AT_ONCE:
            return bool(self.notify)
        return ("customer wrote" if about == "survey answered" else about) in self.notify


class Roster(NamedTuple):
    """Our own people; a department is one of them, with an address that several read."""

    people: tuple[Colleague, ...] = ()

    def find(self, written: str) -> Colleague | None:
        """Whom a name or an address means; None for everybody else, who may own cases, too."""
        return next((one for one in self.people if one.is_called(written)), None)

    def is_same(self, one: str, other: str) -> bool:
        """Whether two owners are one: spelled otherwise, or once by name and once by address."""
        known = self.find(one)
        return known.is_called(other) if known else folded(one) == folded(other)

    def shown(self, owner: str, language: str) -> str:
        """How a customer reads of an owner; "" for somebody without a name for customers."""
        known, tag = self.find(owner), language.lower()
        names = dict(known.public_names) if known else {}
        tags = (tag, tag.partition("-")[0], "")
        return next((names[one] for one in tags if one in names), "")
