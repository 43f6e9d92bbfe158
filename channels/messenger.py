"""What the settings of channels share on which people write a few lines at a time."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, field_validator

from channels import base
from channels.encrypted import checked

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*")  # as it is in an address (RFC 3986, 2.3)
_QUOTES = ('"', "'")


def _word(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be one word of ASCII, without spaces or line breaks around it")
    if value.startswith(_QUOTES) and value.endswith(_QUOTES):
        raise ValueError("stands in quotes, which are no part of it; take them away")
    return value


def _address(value: str) -> str:
    return checked(value)


def _public(value: str) -> str:
    if "/in/" in f"{urlsplit(checked(value)).path}/":
        raise ValueError("must be our address without /in/NAME, which is added")
    return checked(value)


def _maybe_public(value: str) -> str:
    return _public(value) if value else value


Word = Annotated[str, AfterValidator(_word)]  # a key, a token, as a platform's console shows it
Address = Annotated[str, AfterValidator(_address)]
PublicAddress = Annotated[str, AfterValidator(_public)]  # ours, as platforms reach it
MaybePublic = Annotated[str, AfterValidator(_maybe_public)]  # "" where there is none


class MessengerSettings(base.Settings):
    """Short words, and no subjects: what follows within a day belongs to the same case."""

    @property
    def form(self) -> Literal["long", "short"]:
        return "short"

    @property
    def gap(self) -> timedelta | None:
        return timedelta(hours=24)


class CalledSettings(MessengerSettings):
    """The name of a channel that is called stands in its address, `/in/NAME`."""

    @field_validator("name")
    @classmethod
    def _stands_in_an_address(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(
                "stands in the address /in/NAME: ASCII letters, digits and -._~ only,"
                " the first a letter or a digit"
            )
        return value
