"""What a request may say: whole numbers that every JSON reader can hold, and bounded text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from litestar.params import Parameter

from store import reading
from store.rows import instant

MAX_ID = 2**53 - 1  # RFC 8259 section 6: exact for everybody, and room enough

Id = Annotated[int, Parameter(ge=1, le=MAX_ID)]
After = Annotated[
    int | None,
    # Litestar leaves a limit of 0 out of the document where None is allowed.
    Parameter(
        gt=-1, le=MAX_ID, description="`next` of the page before; without it, the beginning."
    ),
]
EventsAfter = Annotated[
    int, Parameter(ge=0, le=MAX_ID, description="The cursor of the last event that you have.")
]
Limit = Annotated[int, Parameter(ge=1, le=200, description="How many at most.")]
Order = Annotated[
    reading.Order, Parameter(description="By id; `after` counts in the same direction.")
]
Status = Annotated[
    Literal["new", "open", "pending", "on_hold", "resolved"] | None,
    Parameter(description="Only cases of this status."),
]
IdentityAddress = Annotated[
    str | None,
    Parameter(max_length=400, description="Only that of this address: `email:yuki@example.jp`."),
]
OwedBy = Annotated[
    datetime | None,
    Parameter(
        description="Only cases whose customer we owe an update by then (2026-11-26T08:00:00Z)."
    ),
]
ConversationId = Annotated[
    int | None, Parameter(ge=1, le=MAX_ID, description="Only cases of this conversation.")
]


def stored(at: datetime | None) -> str | None:
    """An instant as the store keeps it; one without a zone is in UTC."""
    if at is None:
        return None
    try:
        return instant(at if at.tzinfo else at.replace(tzinfo=UTC))
    except OverflowError:  # the last day that there is, in another zone
        return instant(at.replace(tzinfo=UTC))
