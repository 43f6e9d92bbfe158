"""What people tell many customers at once: preview, start, watch, stop; and who agreed to hear it."""

from __future__ import annotations

from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody

from gateway.api.errors import documented
from gateway.api.parameters import After, Id, Limit
from gateway.api.problem import Impossible
from gateway.api.reads import Reads
from gateway.api.writes import NOBODY, Write
from gateway.desk.speak import Refused
from gateway.notices import acts
from gateway.notices.acts import Announcing
from gateway.notices.preview import preview
from gateway.notices.wanted import Agreement, Announce
from store import consents, notices
from store import shapes_notices as shapes

_PREVIEWED = {200: ResponseSpec(shapes.NoticePreview, description="With `preview`")}


@post(
    "/notices",
    summary="Tell many customers",
    tags=["notices"],
    responses=documented(409, 413) | _PREVIEWED,
)
async def post_notice(
    reads: NamedDependency[Reads],
    write: NamedDependency[Write],
    announcing: NamedDependency[Announcing],
    data: JSONBody[Announce],
) -> Response[shapes.Notice | shapes.NoticePreview]:
    """Each customer hears it once, on the channel last used that is verified and alive.

    With `preview` nothing is started: the answer (200) says who would hear what, who would not,
    and why.
    """
    who = write.who(data)
    if not data.preview:
        act = acts.start(announcing, data, who)
        return Response(await write(act, data, shapes.Notice))
    words, target = acts.said(data, announcing.drawing.language), acts.target(data)
    for one in (words, target, acts.unlawful(announcing, data)):
        if isinstance(one, Refused):
            raise Impossible(one.detail, one.status)
    assert not isinstance(words, Refused)
    assert not isinstance(target, Refused)
    shown = await preview(reads, announcing, data.kind, words, target, who.at)
    return Response(shown, status_code=200)


@get("/notices", summary="List notices", tags=["notices"], responses=documented())
async def list_notices(
    reads: NamedDependency[Reads], after: After = None, limit: Limit = 50
) -> shapes.Notices:
    """What was told to many, each with how far it has come."""
    return await reads(lambda c: notices.page(c, after=after, limit=limit))


@get(
    "/notices/{notice:int}",
    summary="See how far a notice has come",
    tags=["notices"],
    responses=documented(404),
)
async def get_notice(reads: NamedDependency[Reads], notice: Id) -> shapes.Notice:
    """How many wait, were sent, failed, and were left out, by reason."""
    return await reads.found(lambda c: notices.get(c, notice))


@post(
    "/notices/{notice:int}/stop",
    summary="Stop a notice",
    tags=["notices"],
    status_code=200,
    responses=documented(404, 409),
)
async def stop_notice(write: NamedDependency[Write], notice: Id) -> shapes.Notice:
    """Whoever has not been told so far never will be; what is queued already goes out."""
    act = acts.stop(notice, write.who())
    return await write(act, NOBODY, shapes.Notice)


@get(
    "/customers/{customer:int}/consents",
    summary="See what a customer agreed to hear",
    tags=["customers"],
    responses=documented(404),
)
async def get_consents(reads: NamedDependency[Reads], customer: Id) -> shapes.Consents:
    """What holds now, and the words that say so, the newest first."""
    who = await reads.found(lambda c: consents.customer(c, customer))
    return await reads(lambda c: consents.history(c, who))


@put(
    "/customers/{customer:int}/consents",
    summary="Record a customer's yes or no to promotions",
    tags=["customers"],
    responses=documented(404, 409),
)
async def put_consents(
    write: NamedDependency[Write], customer: Id, data: JSONBody[Agreement]
) -> shapes.Consents:
    """With its evidence; after a no, promotions that are queued already do not go out either."""
    act = acts.consent(customer, data, write.who(data))
    return await write(act, data, shapes.Consents)


ROUTES = (post_notice, list_notices, get_notice, stop_notice, get_consents, put_consents)
