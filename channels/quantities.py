"""Sizes and durations as the tables of channels may write them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_OCTETS = re.compile(r"(\d+)\s*(B|KiB|MiB|GiB)?")
_UNITS = {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(second|minute|hour|day)s?")
_SPANS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def _octets(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _OCTETS.fullmatch(value.strip())
    if match is None:
        raise ValueError(f'{value!r} is not a size such as "25 MiB"')
    return int(match[1]) * _UNITS[match[2]]


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError(f'{value!r} is not a duration such as "5 minutes"')
    return float(match[1]) * _SPANS[match[2]]


Octets = Annotated[int, BeforeValidator(_octets), Field(gt=0)]
Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
