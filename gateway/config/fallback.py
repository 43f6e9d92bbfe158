"""`[fallback]`: when what a person wrote goes to the customer by another way."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.config.types import ElapsedLength, Table
from scheduler.duration import Duration


class Fallback(Table):
    """An answer that cannot be delivered goes by the next way on which the customer is known."""

    enabled: bool = Field(True, description="Whether it does.")
    after: Annotated[ElapsedLength, Field()] = Field(
        Duration.parse("1 hour"),
        description="A channel may be down for so long before its answers go by another.",
    )
    paid: bool = Field(
        False, description="Whether a channel may be used that costs money for each message."
    )
