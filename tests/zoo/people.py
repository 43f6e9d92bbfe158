"""People among the robots: the positive controls, who shall not notice any of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from tests.zoo.beings import threaded
from tests.zoo.world import Heard, Post, letter


@dataclass
class Person:
    """Writes about one matter at an hour of its own, and says thank you in the thread."""

    number: int
    vouched: bool = False
    at: timedelta = timedelta()
    heard: list[Heard] = field(default_factory=list)

    @property
    def domain(self) -> str:
        return f"person{self.number}.example"

    def begins(self) -> Iterable[Post]:
        yield self._says(
            "Where is my parcel?", "It has been a week, and my order has not come.", self.at
        )

    def hears(self, heard: Heard) -> Iterable[Post]:
        self.heard.append(heard)
        yield self._says(
            f"Re: {heard.subject}", "Thank you!", timedelta(minutes=7), **threaded(heard)
        )

    def _says(self, subject: str, body: str, after: timedelta, **headers: str) -> Post:
        address = f"yuki@{self.domain}"
        raw = letter(f"Yuki <{address}>", subject, body, vouched=self.vouched, **headers)
        return Post(raw, address, after)
