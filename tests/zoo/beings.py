"""What all beings of the zoo have in common: a domain, a first mail, a way to write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from tests.making import DESK
from tests.zoo.world import Heard, Post, letter

Headers = dict[str, Any]
SOON = timedelta(seconds=20)
HOUR = timedelta(hours=1)


@dataclass
class Being:
    """Writes once like a person, then answers whatever it hears; `unasked` more mails by itself.

    `slowness` stretches its delays; `vouched` says whether our relay speaks for its domain.
    """

    number: int
    vouched: bool = False
    slowness: float = 1.0
    unasked: int = 3
    heard: list[Heard] = field(default_factory=list)
    local: ClassVar[str] = "office"

    @property
    def domain(self) -> str:
        return f"robot{self.number}.example"

    @property
    def address(self) -> str:
        return f"{self.local}@{self.domain}"

    def begins(self) -> Iterable[Post]:
        """A first mail as a person writes it, and a few more through the day."""
        for n in range(1 + self.unasked):
            after = n * 24 * HOUR / (1 + self.unasked)
            yield self.post(f"Question {n} about my order", f"Where is parcel {n}?", after)

    def hears(self, heard: Heard) -> Iterable[Post]:
        self.heard.append(heard)
        for post in self.answers(heard):
            yield post._replace(after=post.after * self.slowness)

    def answers(self, heard: Heard) -> Iterator[Post]:
        """What this kind of being says to a mail of ours."""
        raise NotImplementedError

    def post(
        self,
        subject: str,
        body: str,
        after: timedelta = SOON,
        *,
        by: str = "",
        path: str = "",
        to: str = DESK,
        **headers: Any,
    ) -> Post:
        """A mail by `by`, with `path` as MAIL FROM; both are its own address unless told."""
        by = by or self.address
        raw = letter(by, subject, body, vouched=self.vouched, **headers)
        return Post(raw, path or by.rpartition("<")[2].rstrip(">"), after, to)

    @property
    def count(self) -> int:
        """How often it was written to."""
        return len(self.heard)


def re(heard: Heard) -> str:
    """Our subject as an answer shows it."""
    return f"Re: {heard.subject}"


def threaded(heard: Heard) -> Headers:
    """The headers of an answer in the thread (RFC 5322 section 3.6.4)."""
    id_ = str(heard.parsed["Message-ID"])
    return {"In_Reply_To": id_, "References": id_}


def quoted(heard: Heard) -> str:
    """Our text as a careful program quotes it."""
    return "\n".join(f"> {line}" for line in heard.text.splitlines())
