"""How much a listener takes on at a time: connections, in all and per peer, and memory."""

from __future__ import annotations

import resource
from collections import Counter
from ipaddress import IPv6Address, ip_address

from channels.smtp.settings import ListenerSettings
from channels.spool import SPOOLED_FROM

_FILES_KEPT = 16


class Limits:
    """Counts what is under way; every `take` that is true is followed by one `give_back`."""

    def __init__(self, settings: ListenerSettings) -> None:
        self._settings = settings
        self._peers: Counter[str] = Counter()
        self._mails = 0
        self._per_mail = min(SPOOLED_FROM, settings.max_size)

    def take_peer(self, peer: str) -> bool:
        neighbours = _neighbourhood(peer)
        if self._peers[neighbours] >= self._settings.max_connections_per_peer:
            return False
        self._peers[neighbours] += 1
        return True

    def give_back_peer(self, peer: str) -> None:
        neighbours = _neighbourhood(peer)
        self._peers[neighbours] -= 1
        if not self._peers[neighbours]:
            del self._peers[neighbours]

    def has_room(self) -> bool:
        """Whether one more mail fits into memory."""
        return (self._mails + 1) * self._per_mail <= self._settings.max_in_flight

    def take_mail(self) -> None:
        self._mails += 1

    def give_back_mail(self) -> None:
        self._mails -= 1


def is_last_file(number: int) -> bool:
    """Whether a file number is so high that the process is about to run out of them.

    The system gives out the lowest free number, so the number of a new connection tells how many
    files are open, whoever opened them; the store and the spool must still get theirs.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft != resource.RLIM_INFINITY and number >= soft - _FILES_KEPT


def _neighbourhood(peer: str) -> str:
    # Whoever has one IPv6 address has its whole /64.
    if ":" not in peer:
        return peer
    address = ip_address(peer)
    return str(int(address) >> 64) if isinstance(address, IPv6Address) else peer
