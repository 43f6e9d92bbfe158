"""`[[staff]]`: who of us is told by mail, and may answer by mail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, PlainValidator

from gateway.config.errors import Finding, any_of
from gateway.config.types import Mailbox, NameByLanguage, Table
from gateway.team.roster import folded

_DAYS = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?", re.ASCII)


class Days(NamedTuple):
    """From one day to another, both included."""

    first: date
    last: date

    @classmethod
    def parse(cls, text: Any) -> Days:
        """Read "2026-12-28..2027-01-03" or "2026-12-28"; ValueError says what is wrong."""
        found = _DAYS.fullmatch(str(text))
        try:
            first, last = map(date.fromisoformat, (found[1], found[2] or found[1]) if found else "")
        except ValueError:
            said = f'"{text}" must be days such as "2026-12-28..2027-01-03" or "2026-12-28"'
            raise ValueError(said) from None
        days = cls(first, last)
        if days.last < days.first:
            raise ValueError(f'"{text}" ends before it begins; turn the days round')
        return days


class Staff(Table):
    """A colleague who is told by mail what customers write, and who may answer them by mail."""

    name: str = Field(
        min_length=1,
        max_length=200,
        description="As colleagues call them; customers never see it.",
        examples=['name = "Aiko"'],
    )
    address: Mailbox = Field(description="Their own address, which no channel has.")
    notify: tuple[Literal["new case", "customer wrote"], ...] = Field(
        (), description="What they get a mail about; they answer it to answer the customer."
    )
    per_hour: Annotated[int, Field(ge=1)] = Field(
        20, description="So many such mails an hour; the next one says how many were left out."
    )
    public_name: NameByLanguage = Field(
        {},
        description="How customers read of them when they take over a case, such as the name of a "
        'department; by language if it differs: `{ en = "our repair team", ja = "修理担当" }`. '
        'Unset: "a colleague".',
        examples=['public_name = "Jun"'],
    )
    deputy: str = Field(
        "",
        description="The `name` of who takes care of their cases while they are away, see docs/staff.md.",
        examples=['deputy = "Jun"'],
    )
    absent: tuple[Annotated[Days, PlainValidator(Days.parse)], ...] = Field(
        (),
        description="Days on which they are away, from midnight to midnight where `[gateway]` is: "
        '"2026-12-28..2027-01-03", or one day.',
        examples=['absent = ["2026-12-28..2027-01-03"]'],
    )
    login: str = Field(
        "",
        description="Their name in `users` of our own listener, if they send through it: "
        "then its AUTH vouches for them. Unset: their address.",
    )


def check(staff: Mapping[int, Mapping[str, Any]], channels: Mapping[int, Mapping[str, Any]]) -> Iterator[Finding]:  # fmt: skip
    """An address of ours is nobody's own, and nobody is two people."""
    ours = {
        str(address).lower(): index
        for index, table in channels.items()
        if isinstance(listed := table.get("addresses"), list)
        for address in listed
    }
    first: dict[str, int] = {}
    for index, table in staff.items():
        address = str(table.get("address", "")).lower()
        if address in ours:
            said = (
                f"{address} belongs to channel[{ours[address]}]; give the colleague's own address"
            )
            yield Finding(("staff", index, "address"), said)
        elif address and first.setdefault(address, index) != index:
            said = f"{address} is staff[{first[address]}] already; keep one"
            yield Finding(("staff", index, "address"), said)
    yield from _deputies(staff)
    if staff and not any("send" in table for table in channels.values()):
        said = "needs a channel that sends mail; add one with addresses and send"
        yield Finding(("staff", min(staff)), said)


def _deputies(staff: Mapping[int, Mapping[str, Any]]) -> Iterator[Finding]:
    """Whoever is away is replaced by somebody else, and in the end by somebody who is there."""
    names = {index: str(table.get("name", "")) for index, table in staff.items()}
    by_name = {folded(name): index for index, name in names.items()}
    leads: dict[int, int] = {}
    for index, table in staff.items():
        deputy = table.get("deputy")
        if not isinstance(deputy, str) or not deputy:
            continue
        path, other = ("staff", index, "deputy"), by_name.get(folded(deputy))
        if other is None:
            others = [name for place, name in names.items() if place != index]
            possible = f"possible: {any_of(others)}" if others else "add them as [[staff]]"
            yield Finding(path, f'nobody in [[staff]] is called "{deputy}"; {possible}')
        elif other == index:
            yield Finding(path, "nobody is their own deputy; name somebody else")
        elif index in _led(leads, other):
            said = f'"{deputy}" leads back to "{names[index]}"; let the circle end with somebody'
            yield Finding(path, said)
        else:
            leads[index] = other


def _led(leads: Mapping[int, int], start: int) -> Iterator[int]:
    """Whom deputies lead to, from the first on."""
    at: int | None = start
    while at is not None:
        yield at
        at = leads.get(at)
