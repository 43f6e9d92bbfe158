"""Saved replies: which there are, and how one would read in a case."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import Parameter, PathParameter
from sqlalchemy import Connection

from gateway.api.errors import documented
from gateway.api.parameters import MAX_ID
from gateway.api.problem import Absent, Impossible
from gateway.api.reads import Reads
from gateway.desk import saying
from gateway.desk.speak import Desk, Refused, Who
from gateway.desk.wanted import Reply
from store import desk as facts_of
from store import shapes_words
from store.tokens import Token

Name = Annotated[str, PathParameter(max_length=100)]
CaseId = Annotated[int, Parameter(ge=1, le=MAX_ID, description="The case to say it in.")]
Personal = Annotated[
    str, Parameter(max_length=4000, description="Your own line; unset: a gap is shown.")
]
Language = Annotated[str, Parameter(max_length=35, description="Unset: the customer's.")]


@get("/replies", summary="List saved replies", tags=["cases"], responses=documented(), sync_to_thread=False)  # fmt: skip
def list_replies(desk: NamedDependency[Desk]) -> shapes_words.SavedReplies:
    """Texts with a place for a line of your own, which `POST /v1/cases/{case}/reply` takes as `saved`."""
    saved = desk.replies.all if desk.replies else ()
    return shapes_words.SavedReplies(
        items=[
            shapes_words.SavedReply(name=o.name, language=o.language, title=o.title, text=o.source)
            for o in saved
        ]
    )


@get(
    "/replies/{name:str}/preview",
    summary="Read a saved reply as a customer would",
    tags=["cases"],
    responses=documented(404),
)
async def preview_reply(
    reads: NamedDependency[Reads],
    desk: NamedDependency[Desk],
    token: NamedDependency[Token],
    now: NamedDependency[datetime],
    name: Name,
    case_id: CaseId,
    personal: Personal = "",
    language: Language = "",
) -> shapes_words.SavedPreview:
    """Nothing is sent or kept."""
    wanted = Reply(saved=name, personal=personal, language=language)

    def shown(connection: Connection) -> shapes_words.SavedPreview | Refused | None:
        facts = facts_of.facts(connection, case_id)
        who = Who(token.name, token.name, now)
        return saying.preview(connection, desk, facts, wanted, who) if facts else None

    found = await reads(shown)
    if found is None:
        raise Absent("There is nothing with this id.")
    if isinstance(found, Refused):
        raise Impossible(found.detail, found.status)
    return found
