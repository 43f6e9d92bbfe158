"""What a channel can carry, as data: one renderer fits to it whatever we say."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from channels.cut import Unit

Cost = Literal["free", "counted", "paid"]


class Limits(NamedTuple):
    """What one delivery may hold; 0 is as much as anybody wants, but for `buttons`, where it is none.

    text        the longest text, counted in `unit`
    texts       how many such texts go in one delivery
    buttons     how many a text may have; `label` is the longest label, in characters;
                `links`: a button may open an address
    html        the text may come as HTML, too
    media       the kinds of files that can go along, such as `image/*`; `media_size` in octets
    apart       a file is a delivery of its own, behind the text
    threads     each delivery names what it answers, not only the first
    in_order    what one person is sent arrives in the order in which it was said
    window      how long after the customer's last word anything may be sent; None for always
    cost        `counted`: a month has only so many; `paid`: each one is charged
    """

    text: int = 0
    unit: Unit = "characters"
    texts: int = 1
    buttons: int = 0
    label: int = 20
    links: bool = False
    html: bool = False
    media: tuple[str, ...] = ()
    media_size: int = 0
    apart: bool = False
    threads: bool = False
    in_order: bool = False
    window: timedelta | None = None
    cost: Cost = "free"

    @property
    def parts(self) -> bool:
        """Whether a message may go in several deliveries, each after the one before."""
        return self.apart or self.text > 0

    def carries(self, content_type: str, size: int) -> bool:
        """Whether a file of `size` octets can go along."""
        fits = not self.media_size or size <= self.media_size
        return fits and any(fnmatchcase(content_type.lower(), kind) for kind in self.media)


ANYTHING = Limits(html=True, media=("*",))  # mail, and whoever says nothing else
