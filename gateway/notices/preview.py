"""What a notice would do if it were started now: who hears what, who does not, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from gateway.notices.acts import Announcing
from gateway.notices.decide import WATCHED, Goes, decide
from gateway.notices.text import Said
from normalizer.message import Identity
from store import notices
from store import shapes_notices as shapes
from store.notices import Kind, Target
from store.prospects import Prospect, prospects

T = TypeVar("T")

_PIECE = 500  # recipients that are looked at in one reading
_SAMPLES = 3
_NAMED = 100  # of those who are left out


class Read(Protocol):
    """Runs one query on the store."""

    def __call__(self, query: Callable[[Connection], T], /) -> Awaitable[T]: ...


@dataclass(slots=True)
class _Tally:
    """What the pieces add up to; samples are of different ways and languages where there are."""

    languages: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    samples: dict[tuple[str, str], shapes.NoticeSample] = field(default_factory=dict)
    named: list[shapes.LeftOut] = field(default_factory=list)


async def preview(
    read: Read, announcing: Announcing, what: Kind, said: Said, target: Target, now: datetime
) -> shapes.NoticePreview:
    """Look at everybody, in pieces; nothing is written."""
    everybody = await read(partial(notices.meant, target=target))
    unknown = await read(partial(notices.unknown, target=target))
    tally = _Tally()
    for at in range(0, len(everybody), _PIECE):
        piece = everybody[at : at + _PIECE]
        for one in await read(partial(prospects, notice_id=0, recipients=piece, now=now)):
            _count(tally, announcing, what, said, one, now)
    told = tally.channels.total()
    return shapes.NoticePreview(
        total=len(everybody),
        recipients=told,
        languages=dict(tally.languages),
        channels=dict(tally.channels),
        samples=list(tally.samples.values()),
        left_out=dict(tally.left_out),
        first_left_out=tally.named,
        unknown=unknown,
        minutes=-(-told // announcing.per_minute),
    )


def _count(
    tally: _Tally, announcing: Announcing, what: Kind, said: Said, one: Prospect, now: datetime
) -> None:
    drawing = announcing.drawing
    end = decide(drawing.rules, what, one, now)
    to = str(Identity.parse(one.heard[0].address)) if one.heard else ""
    if not isinstance(end, Goes) or end.mode == "watch":
        why = WATCHED if isinstance(end, Goes) else end.reason
        tally.left_out[why] += 1
        if len(tally.named) < _NAMED:
            tally.named.append(shapes.LeftOut(customer_id=one.customer_id, to=to, reason=why))
        return
    text, language, _ = drawing.read(what, said, one, end)
    tally.languages[language] += 1
    tally.channels[end.settings.name] += 1
    if len(tally.samples) < _SAMPLES:
        sample = shapes.NoticeSample(
            customer_id=one.customer_id, to=end.heard.address, channel=end.settings.name,
            language=language, subject=text.subject, text=text.body,
        )  # fmt: skip
        tally.samples.setdefault((sample.channel, language), sample)
