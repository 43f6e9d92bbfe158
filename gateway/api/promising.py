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

from gateway.api.problems import documented
from gateway.api.reads import Reads
from gateway.promises.chart import Day, by_day, svg
from store.promises import recent

_CASES = 20_000  # the newest that are looked at
_SVG = "image/svg+xml"

Days = Annotated[int, Parameter(ge=7, le=92, description="So many days, today the last.")]
Words = Annotated[str, Parameter(pattern="^(en|ja)$", description="Whose words are in it.")]


class PromiseDay(msgspec.Struct, frozen=True, kw_only=True):
    """Promised reply times that ran out on a day: kept, broken, or still open today."""

    day: str
    promised: int
    kept: int
    broken: int
    open: int


class Promises(msgspec.Struct, frozen=True, kw_only=True):
    """By day, and over all of them. What was closed before its time without an answer is no part."""

    days: list[PromiseDay]
    kept: int
    broken: int


@get("/promises", summary="Promised reply times by day", tags=["reports"], responses=documented())
async def count_promises(
    reads: NamedDependency[Reads], zone: NamedDependency[ZoneInfo], days: Days = 28
) -> Promises:
    """How many promised reply times were kept, in the newest 20,000 cases."""
    found = await _found(reads, zone, days)
    shown = [
        PromiseDay(
            day=day.day.isoformat(), promised=day.promised, kept=day.kept, broken=day.broken,
            open=day.open,
        )
        for day in found
    ]  # fmt: skip
    kept, broken = sum(day.kept for day in found), sum(day.broken for day in found)
    return Promises(days=shown, kept=kept, broken=broken)


@get(
    "/promises.svg",
    summary="Draw promised reply times by day",
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
    return Response(svg(await _found(reads, zone, days), language), media_type=_SVG)


async def _found(reads: Reads, zone: ZoneInfo, days: int) -> list[Day]:
    made = await reads(lambda connection: recent(connection, _CASES))
    return by_day(made, zone, datetime.now(UTC), days)
