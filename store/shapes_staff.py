"""What a reader gets of our own people: who is away, and who takes care meanwhile."""

from __future__ import annotations

from msgspec import field

from store.shapes import Cursor, Instant, Shape


class Absence(Shape, frozen=True, kw_only=True):
    """When somebody is away; `fixed` is what the configuration says."""

    from_: Instant = field(name="from")
    until: Instant
    deputy: str
    fixed: bool


class Colleague(Shape, frozen=True, kw_only=True):
    """One of us: `away` now or not, and by whom replaced; `absences` are those that are not over.

    `public_name` is by language, or "" for all others.
    """

    name: str
    address: str
    public_name: dict[str, str]
    deputy: str
    away: bool
    stands_in: str | None
    absences: list[Absence]


class Staff(Shape, frozen=True, kw_only=True):
    """Everybody of us."""

    items: list[Colleague]
    next: Cursor = None
