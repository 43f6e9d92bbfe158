"""Participants of a case, as people decide: let in, shown out."""

from __future__ import annotations

from litestar import delete, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.api.errors import documented
from gateway.api.parameters import Id
from gateway.api.writes import NOBODY, Write
from gateway.desk import letting_in
from gateway.desk.wanted import Guest
from store import shapes


@post(
    "/cases/{case:int}/participants",
    summary="Let somebody in",
    tags=["cases"],
    responses=documented(404, 409, 413),
)
async def post_participant(
    write: NamedDependency[Write], case: Id, data: JSONBody[Guest]
) -> shapes.Participant:
    """What he answers in this case stands in it from now on; nothing is sent to him by itself."""
    act = letting_in.let_in(write.desk, case, data, write.who(data))
    return await write(act, data, shapes.Participant)


@delete(
    "/cases/{case:int}/participants/{identity:int}",
    status_code=200,
    summary="Show somebody out",
    tags=["cases"],
    responses=documented(404, 409),
)
async def delete_participant(
    write: NamedDependency[Write], case: Id, identity: Id
) -> shapes.Participant:
    """What he wrote stays; what he writes next stands in a conversation of his own."""
    act = letting_in.show_out(case, identity, write.who())
    return await write(act, NOBODY, shapes.Participant)
