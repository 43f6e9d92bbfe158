"""What the settings of channels share on which people write a few lines at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator

from channels import base
from channels.encrypted import checked


def _word(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be one word of ASCII")
    return value


def _address(value: str) -> str:
    return checked(value)


def _maybe(value: str) -> str:
    return checked(value) if value else value


Word = Annotated[str, AfterValidator(_word)]  # a key, a token, as a platform's console shows it
Address = Annotated[str, AfterValidator(_address)]
MaybeAddress = Annotated[str, AfterValidator(_maybe)]  # "" where there is none


class MessengerSettings(base.Settings):
    """Short words, and no subjects: what follows within a day belongs to the same case."""

    @property
    def form(self) -> Literal["long", "short"]:
        return "short"

    @property
    def gap(self) -> timedelta | None:
        return timedelta(hours=24)
