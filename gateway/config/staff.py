"""`[[staff]]`: who of us is told by mail, and may answer by mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.config.errors import Finding
from gateway.config.types import Mailbox, Table


class Staff(Table):
    """A colleague who is told by mail what customers write, and who may answer them by mail."""

    name: str = Field(
        min_length=1,
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
    public_name: str = Field(
        "",
        max_length=100,
        description="How customers read of them when they take over a case, such as the name of a "
        'department. Unset: "a colleague".',
        examples=['public_name = "our repair team"'],
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
    if staff and not any("send" in table for table in channels.values()):
        said = "needs a channel that sends mail; add one with addresses and send"
        yield Finding(("staff", min(staff)), said)
