"""What a person's log-in has given us: tokens, how long they live, and how they are doing; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

EARLY = timedelta(seconds=60)
LOGIN_PAUSE = timedelta(minutes=5)  # between tries of a log-in that was refused
_USUAL = 3600.0  # seconds of an access token whose reply does not say (RFC 6749 section 5.1)
_LONGEST = timedelta(days=3650)
_WARN_AT_LEAST = timedelta(days=2)


class NotUnderstood(ValueError):
    """A token endpoint answered 200 and gave no token."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, slots=True)
class Grant:
    """Both tokens of one log-in.

    `ends_at` is the access token's end, `refresh_ends_at` the refresh token's as far as we know it;
    `ends_for_sure` tells a date that the provider gave from one that moves on with each use.
    `refused_at` and `refused` remember that a person has to log in again, and why.
    """

    access: str = field(repr=False)
    ends_at: datetime
    refresh: str = field(repr=False)
    since: datetime
    refresh_ends_at: datetime | None = None
    ends_for_sure: bool = False
    refused_at: datetime | None = None
    refused: str = ""

    def is_fresh(self, now: datetime) -> bool:
        return now < self.ends_at - EARLY

    def refuse(self, why: str, now: datetime) -> Grant:
        return replace(self, refused=why, refused_at=now)

    def may_try(self, now: datetime) -> bool:
        """Whether enough time has passed since the provider refused this refresh token."""
        return self.refused_at is None or not (
            self.refused_at <= now < self.refused_at + LOGIN_PAUSE
        )


def granted(
    reply: Mapping[str, Any], now: datetime, idle: timedelta | None, before: Grant | None = None
) -> Grant:
    """Read a token endpoint's reply (RFC 6749 section 5.1). Raises NotUnderstood.

    A reply without a refresh token leaves the one that we have. `idle` is how long a refresh
    token of this provider lives without being used.
    """
    access, refresh = reply.get("access_token"), reply.get("refresh_token")
    old = before.refresh if before else ""
    if not isinstance(access, str) or not access:
        raise NotUnderstood
    kept = refresh if isinstance(refresh, str) and refresh else old
    ends, for_sure = _refresh_end(reply, now, idle, before if kept == old else None)
    return Grant(
        access=access,
        ends_at=now + (_span(reply.get("expires_in")) or timedelta(seconds=_USUAL)),
        refresh=kept,
        since=before.since if before and kept == old else now,
        refresh_ends_at=ends,
        ends_for_sure=for_sure,
    )


def _refresh_end(
    reply: Mapping[str, Any], now: datetime, idle: timedelta | None, same: Grant | None
) -> tuple[datetime | None, bool]:
    """Google says `refresh_token_expires_in` for its seven days of test mode, others always."""
    if said := _span(reply.get("refresh_token_expires_in")):
        return now + said, True
    if same and same.ends_for_sure:
        return same.refresh_ends_at, True
    return (now + idle if idle else None), False


def _span(seconds: Any) -> timedelta | None:
    """Some providers write the number as a text."""
    try:
        number = float(seconds)
    except (TypeError, ValueError):
        return None
    return min(timedelta(seconds=number), _LONGEST) if 0 < number < 1e10 else None


class Health(NamedTuple):
    """How a log-in is doing: `ends_soon` and `dead` need a person, and `text` says what for."""

    state: Literal["good", "ends_soon", "dead"]
    text: str = ""
    ends_at: datetime | None = None


def health(grant: Grant | None, channel: str, now: datetime) -> Health:
    """What a person should know about the log-in of a channel at this moment."""
    again = f"run: madoguchi login {channel}"
    if grant is None:
        return Health("dead", f"nobody has logged in yet; {again}")
    end = grant.refresh_ends_at
    if grant.refused:
        return Health("dead", f"{grant.refused}; {again}", end)
    if not grant.refresh and now >= grant.ends_at:
        return Health("dead", f"the log-in has ended and cannot be renewed; {again}", end)
    if end is None or now < end - _notice(end - grant.since):
        return Health("good", "", end)
    if now >= end:
        return Health("dead", f"the log-in ended at {_when(end)}; {again}", end)
    return Health("ends_soon", f"the log-in ends at {_when(end)}; before then, {again}", end)


def _notice(life: timedelta) -> timedelta:
    """How long before the end we say so: two days of seven, two weeks of ninety days."""
    return min(max(_WARN_AT_LEAST, life / 6), life / 2)


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
