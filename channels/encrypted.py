"""Addresses of platforms and of ourselves, as settings take them."""

from __future__ import annotations

from urllib.parse import urlsplit

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def checked(value: str, example: str = "https://help.example.com") -> str:
    """An address that is encrypted, or on this machine, without a slash at its end. Raises
    ValueError.
    """
    try:
        parts = urlsplit(value)
        plain = not (parts.query or parts.fragment or parts.username or parts.password)
        is_near = parts.scheme == "http" and parts.hostname in _LOOPBACK
        is_safe = parts.scheme == "https" or is_near
        if parts.hostname and plain and is_safe and parts.port != 0:
            return value.rstrip("/")
    except ValueError:  # a port that is no number
        pass
    raise ValueError(f'must be an address such as "{example}", not "{value}"')
