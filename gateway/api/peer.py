"""Pure: who asks, where proxies of ours pass requests on; what anybody writes into a header is not it."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.sender.trust import is_trusted


def peer(connected: str, forwarded: Iterable[str], proxies: tuple[str, ...]) -> str:
    """The address behind our proxies: of X-Forwarded-For, from its end, the first that is not ours.

    Each proxy adds at the end whom it heard; everything before that is hearsay.
    """
    heard = [one.strip() for line in forwarded for one in line.split(",")]
    while heard and is_trusted(connected, proxies) and _is_address(heard[-1]):
        connected = heard.pop()
    return connected


def _is_address(text: str) -> bool:
    return is_trusted(text, ("0.0.0.0/0", "::/0"))
