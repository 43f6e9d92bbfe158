"""Pure: how often somebody may come, as buckets that fill up again."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from channels.recent import Recent

_KEYS = 20_000  # whom we remember at a time; who came longest ago is forgotten first


class Rate:
    """So many in a minute for each key, all at once if need be; 0 means no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left: Recent[str, tuple[float, float]] = Recent(_KEYS)

    def wait(self, key: str, now: float) -> int:
        """0, and one less is left; or the whole seconds until there is one again."""
        if not self._most:
            return 0
        left, since = self._left.pop(key, (float(self._most), now))
        left = min(self._most, left + (now - since) * self._most / 60)
        short = 1 - left
        self._left[key] = (left if short > 0 else left - 1, now)
        return int(short * 60 / self._most) + 1 if short > 0 else 0


def network(peer: str) -> str:
    """Whose address it is: one customer of a provider has a whole /64 (RFC 6177)."""
    try:
        address = ip_address(peer)
    except ValueError:
        return peer
    if not isinstance(address, IPv6Address):
        return peer
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return address.packed[:8].hex()
