"""Pure: whether somebody hears a notice now, and on which channel: the last one that is alive."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from channels.base import Settings
from gateway.matching.author import is_ours, is_robot
from gateway.outgoing.letter import kind_of
from gateway.team.route import Mode, is_sensitive, stricter
from normalizer.message import Identity
from store.notices import Kind
from store.prospects import Heard, Prospect

WATCHED = "watching: it would have been sent"


class Goes(NamedTuple):
    """They hear it, by this way, as freely as we speak there: perhaps as a draft, or not at all."""

    heard: Heard
    settings: Settings
    mode: Mode = "live"


class Stays(NamedTuple):
    """They do not: why, in words that counts are kept by."""

    reason: str


class Later(NamedTuple):
    """Not yet: why, and when they are looked at again."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides; `modes` say by channel how freely we speak there."""

    channels: Mapping[str, Settings]
    own: Collection[Identity]
    modes: Mapping[str, str]
    at_most: Mode
    per_conversation_day: int

    @property
    def watching(self) -> tuple[str, ...]:
        """The channels on which nobody is told."""
        return tuple(name for name, mode in self.modes.items() if mode == "watch")


def decide(
    rules: Rules, what: Kind, one: Prospect, now: datetime, watching: Collection[str] = ()
) -> Goes | Stays | Later:
    """Whether, and by which way; the first reason against it counts.

    `watching` are the channels where nobody was to be told when the notice was started.
    """
    if why := _not_them(what, one):
        return Stays(why)
    found = _way(rules, what, one)
    if isinstance(found, Stays):
        return found
    heard, settings = found
    mode = stricter(_mode(rules, one, settings), "watch" if settings.name in watching else "live")
    if mode == "silence":
        return Stays("the route asks for silence")
    limit = rules.per_conversation_day
    if limit and one.automatic_today >= limit and mode != "watch":
        return Later("the budget for this conversation today is spent", now + timedelta(days=1))
    return Goes(heard, settings, mode)


def _way(rules: Rules, what: Kind, one: Prospect) -> tuple[Heard, Settings] | Stays:
    """The channel last used that is verified and alive; else why the last one is not."""
    why = [_dead_end(rules, heard) or _not_there(what, one, heard) for heard in one.heard]
    for heard, trouble in zip(one.heard, why, strict=True):
        if not trouble:
            return heard, rules.channels[heard.channel]
    return Stays(why[0] if why else "they never wrote to us themselves")


def _not_there(what: Kind, one: Prospect, heard: Heard) -> str:
    """Who agreed to mails has not agreed to text messages."""
    covered = what == "service" or heard.identity_id in one.agreeing
    return "" if covered else "no recorded opt-in for their address"


def _not_them(what: Kind, one: Prospect) -> str:
    if one.told:
        return "they were told under another identity"
    if what == "promotion" and one.agreed is None:
        return "no recorded opt-in"
    if what == "promotion" and not one.agreed:
        return "they opted out"
    if one.case is None:
        return "they never wrote to us themselves"
    return "a sensitive case: a person speaks here" if is_sensitive(one.case) else ""


def _dead_end(rules: Rules, heard: Heard) -> str:
    settings, to = rules.channels.get(heard.channel), Identity.parse(heard.address)
    if settings is None:
        return "their channel is gone"
    if not heard.authenticated or to.kind != kind_of(settings):
        return "unverified: nobody vouches for their address"
    if heard.failing:
        return "messages to their address fail"
    if is_ours(to, rules.own) or (to.kind == "email" and is_robot(to.address)):
        return "a robot, or one of us"
    return "nothing can be sent to their address" if settings.refuses(to.address) else ""


def _mode(rules: Rules, one: Prospect, settings: Settings) -> Mode:
    """A case's own word counts before its channel's, and the gateway's before both."""
    own = (one.case.mode if one.case else "") or rules.modes[settings.name]
    return stricter(cast("Mode", own), rules.at_most)
