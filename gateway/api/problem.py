"""What went wrong, as people and programs read it: application/problem+json (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 5  # seconds; a store that comes back is found again sooner than this


class Problem(msgspec.Struct, frozen=True):
    """What went wrong (RFC 9457): the HTTP status, its name, and what to do about it."""

    status: int
    title: str
    detail: str


class NotReady(Problem, frozen=True):
    """What is missing before we are ready."""

    missing: list[str]


def problem(status: int, detail: str) -> Problem:
    return Problem(status, HTTPStatus(status).phrase, detail)


def not_ready(missing: list[str]) -> NotReady:
    return NotReady(503, "Service Unavailable", f"Not ready: {', '.join(missing)}.", missing)


class Absent(Exception):
    """There is no such thing."""


class Impossible(Exception):
    """It cannot be done as things are; `status` is 404 or 409."""

    def __init__(self, detail: str, status: int) -> None:
        super().__init__(detail)
        self.status = status


class Unready(Exception):
    """Something is missing before we are ready."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(self.__doc__)
        self.missing = missing
