"""What customers were promised, and whether it was kept: as figures and as a picture."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import Parameter

from gateway.api.errors import documented
from gateway.api.reads import Reads
from gateway.promises.chart import Day, by_day, svg
from gateway.promises.updates import promised
from store.promises import recent, updates

_CASES = 20_000  # the newest that are looked at
_EVENTS = 200_000
_SVG = "image/svg+xml"

Days = Annotated[int, Parameter(ge=7, le=92, description="So many days, today the last.")]
Words = Annotated[str, Parameter(pattern="^(en|ja)$", description="Whose words are in it.")]


class UpdateDay(msgspec.Struct, frozen=True, kw_only=True):
    """Next updates by when we said; those that a person moved or took back before are no part."""

    promised: int
    kept: int
    broken: int
    open: int


class PromiseDay(msgspec.Struct, frozen=True, kw_only=True):
    """First answers promised until some time of a day: kept, broken, or still open today."""

    day: str
    promised: int
    kept: int
    broken: int
    open: int
    updates: UpdateDay


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Over all days."""

    kept: int
    broken: int


class Promises(msgspec.Struct, frozen=True, kw_only=True):
    """By day, and over all of them. What was closed before its time without an answer is no part."""

    days: list[PromiseDay]
    kept: int
    broken: int
    updates: Counts


@get(
    "/promises",
    summary="Promised answers and next updates by day",
    tags=["reports"],
    responses=documented(),
)
async def count_promises(
    reads: NamedDependency[Reads], zone: NamedDependency[ZoneInfo], days: Days = 28
) -> Promises:
    """How many promised first answers were kept, in the newest 20,000 cases; and apart from
    them, how many next updates, as the newest 200,000 events tell.
    """
    found, next_ = await _found(reads, zone, days)
    shown = [
        PromiseDay(
            day=day.day.isoformat(), promised=day.promised, kept=day.kept, broken=day.broken,
            open=day.open, updates=UpdateDay(
                promised=other.promised, kept=other.kept, broken=other.broken, open=other.open
            ),
        )
        for day, other in zip(found, next_, strict=True)
    ]  # fmt: skip
    first = _sums(found)
    return Promises(days=shown, kept=first.kept, broken=first.broken, updates=_sums(next_))


@get(
    "/promises.svg",
    summary="Draw promised answers and next updates by day",
    tags=["reports"],
    responses=documented() | {200: ResponseSpec(str, description="A picture.", media_type=_SVG)},
    media_type=_SVG,
)
async def draw_promises(
    reads: NamedDependency[Reads],
    zone: NamedDependency[ZoneInfo],
    days: Days = 28,
    language: Words = "en",
) -> Response[str]:
    """The same as a picture, for light and dark pages."""
    found, next_ = await _found(reads, zone, days)
    return Response(svg(found, next_, language), media_type=_SVG)


def _sums(days: list[Day]) -> Counts:
    return Counts(kept=sum(day.kept for day in days), broken=sum(day.broken for day in days))


async def _found(reads: Reads, zone: ZoneInfo, days: int) -> tuple[list[Day], list[Day]]:
    """By day: first answers, and next updates."""
    now = datetime.now(UTC)
    made, found = await reads(lambda c: (recent(c, _CASES), updates(c, _EVENTS)))
    return by_day(made, zone, now, days), by_day(promised(found), zone, now, days)
