"""Who of us is there: colleagues, and when they are away."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter

from gateway.absence import acts
from gateway.absence.known import Absences
from gateway.api.errors import documented
from gateway.api.reads import Reads
from gateway.api.writes import NOBODY, Write
from gateway.desk.wanted import Away
from store import shapes_staff

Name = Annotated[
    str,
    Parameter(min_length=1, max_length=254, description="A name of `[[staff]]`, or an address."),
]


@get("/staff", summary="List colleagues", tags=["staff"], responses=documented())
async def list_staff(
    reads: NamedDependency[Reads],
    now: NamedDependency[datetime],
    absences: NamedDependency[Absences],
) -> shapes_staff.Staff:
    """Everybody in `[[staff]]`, whether they are away, and who takes care of their cases then."""
    return await reads(lambda c: acts.everybody(absences.rota(c), now))


@put(
    "/staff/{name:str}/absence",
    summary="Say when somebody is away",
    tags=["staff"],
    responses=documented(404, 409),
)
async def put_absence(
    write: NamedDependency[Write],
    absences: NamedDependency[Absences],
    name: Name,
    data: JSONBody[Away],
) -> shapes_staff.Colleague:
    """In place of what was said before; while it lasts, cases that somebody waits for go to the deputy."""
    act = acts.be_away(absences, name, data, write.who(data))
    done = await write(act, data, shapes_staff.Colleague)
    absences.forget()
    return done


@delete(
    "/staff/{name:str}/absence",
    status_code=200,
    summary="Say that somebody is there again",
    tags=["staff"],
    responses=documented(404, 409),
)
async def delete_absence(
    write: NamedDependency[Write], absences: NamedDependency[Absences], name: Name
) -> shapes_staff.Colleague:
    """Cases that were handed over stay where they are."""
    act = acts.be_back(absences, name, write.who())
    done = await write(act, NOBODY, shapes_staff.Colleague)
    absences.forget()
    return done
