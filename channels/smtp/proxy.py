"""The PROXY header by which a proxy says who really connects (v1 and v2)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from aiosmtpd.proxy_protocol import V2_CMD, V2_SIGNATURE, ProxyData, get_proxy

_V1_LONGEST = 107
_V2_LONGEST = 4096


class Malformed(Exception):
    """The proxy did not send a PROXY header."""


def header_length(data: bytes) -> int | None:
    """How long the header at the beginning of `data` is; None while that is not yet known."""
    if V2_SIGNATURE.startswith(data[:12]):
        return _v2_length(data)
    if not b"PROXY ".startswith(data[:6]):
        raise Malformed
    end = data.find(b"\r\n", 0, _V1_LONGEST)
    if end < 0 and len(data) >= _V1_LONGEST:
        raise Malformed
    return end + 2 if end >= 0 else None


def _v2_length(data: bytes) -> int | None:
    if len(data) < 16:
        return None
    length: int = 16 + struct.unpack_from("!H", data, 14)[0]
    if length > _V2_LONGEST:
        raise Malformed
    return length if len(data) >= length else None


def source(header: bytes) -> str:
    """The address that the proxy speaks for; "" when it speaks for itself (a health check)."""
    data = _parse(header)
    if not data.valid:
        raise Malformed
    if data.command == V2_CMD.LOCAL:
        return ""
    address = data.src_addr
    return str(address) if isinstance(address, IPv4Address | IPv6Address) else ""


def _parse(header: bytes) -> ProxyData:
    parsing = get_proxy(_Whole(header))
    try:
        parsing.send(None)
    except StopIteration as done:
        data: ProxyData = done.value
        return data
    raise Malformed  # it wants more than there is


class _Whole:
    """A reader that has everything already, so that nothing ever waits."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, n: int = -1) -> bytes:
        taken = self._data if n < 0 else self._data[:n]
        self._data = self._data[len(taken) :]
        return taken

    async def readexactly(self, n: int) -> bytes:
        return await self.read(n)

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        return await self.read(self._data.find(separator) + len(separator))
