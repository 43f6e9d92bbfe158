"""Who of us is told by mail and may answer by mail, as the configuration says."""

from __future__ import annotations

from collections.abc import Mapping

from channels.base import Settings
from gateway.authenticate import Keys
from gateway.config import Config
from gateway.desk.notify import Notify
from gateway.team.roster import Colleague, Roster
from gateway.words import clean_line
from normalizer.message import Identity


def people(config: Config) -> tuple[Colleague, ...]:
    """Our own people."""
    return tuple(
        Colleague(
            one.name,
            one.address.lower(),
            one.login or one.address,
            frozenset(one.notify),
            one.per_hour,
            tuple((tag, clean_line(name)) for tag, name in one.public_name.items()),
            one.deputy,
        )
        for one in config.staff
    )


def roster(config: Config) -> Roster:
    """Who of us owns cases."""
    return Roster(people(config))


def notify(config: Config, channels: Mapping[str, Settings], keys: Keys) -> Notify | None:
    """What writes to those who want to know, and to whose case it is; None where there is nobody."""
    if not config.staff:
        return None
    name, language = config.gateway.name, config.gateway.language
    return Notify(name, language, people(config), channels, keys)


def staff(config: Config) -> frozenset[Identity]:
    """The addresses of our own people."""
    return frozenset(Identity("email", one.address) for one in people(config))
