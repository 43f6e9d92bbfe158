"""What is counted over many cases."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import Parameter

from gateway.api.errors import documented
from gateway.api.parameters import stored
from gateway.api.reads import Reads
from store import shapes_words, surveys

Since = Annotated[datetime | None, Parameter(description="Only what was asked from then on.")]


@get("/surveys", summary="Count the answers to surveys", tags=["reports"], responses=documented())
async def count_surveys(reads: NamedDependency[Reads], since: Since = None) -> shapes_words.Surveys:
    """By scale: how often it was asked and answered, and each score's count. The last answer counts."""
    begins = stored(since)
    return await reads(lambda connection: surveys.counts(connection, begins))
