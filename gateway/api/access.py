"""Who may ask: tokens, and how many wrong ones we listen to."""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from gateway.api.reads import Reads
from store import tokens
from store.tokens import Token

FRESH = 2.0  # seconds that a known token is believed without asking: as late is a revocation seen
ANEW = 0.5  # seconds between two questions to the store because of unknown tokens
WRONG = (30, 0.5)  # wrong tokens from one peer: at once, and for each second after
RIGHT = (3000, 300.0)  # requests with one token: at once, and for each second after
_MAX_PEERS = 4096


class Unauthorized(Exception):
    """Please send a valid token: Authorization: Bearer TOKEN."""


class TooMany(Exception):
    """Too many requests."""

    def __init__(self, detail: str, after: float) -> None:
        super().__init__(detail)
        self.after = max(1, math.ceil(after))


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Buckets:
    """Token buckets, one for each key; the keys that were not seen for longest are forgotten."""

    def __init__(
        self, burst: float, rate: float, clock: Callable[[], float], most: int = _MAX_PEERS
    ) -> None:
        self._burst, self._rate, self._clock, self._most = burst, rate, clock, most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str) -> float:
        """Seconds until the key may come again; 0 when it may now."""
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(self._burst, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate
        bucket.left -= 1
        return 0.0


class Access:
    """Knows the tokens; asks the store again when they are no longer fresh."""

    def __init__(self, reads: Reads, clock: Callable[[], float] = monotonic) -> None:
        self._reads = reads
        self._clock = clock
        self._known: tuple[Token, ...] = ()
        self._asked = -math.inf
        self._asking: asyncio.Task[None] | None = None
        self._wrong = Buckets(*WRONG, clock)
        self._right = Buckets(*RIGHT, clock)

    async def check(self, authorization: str, peer: str, *, basic: bool = False) -> Token:
        """The token of a header; raises Unauthorized, TooMany, StoreUnavailable.

        A right token is always let in, whoever else guesses from the same address. `basic`: it may
        be a password, too, as browsers ask people for one.
        """
        secret = _secret(authorization) or (_password(authorization) if basic else "")
        token = await self._find(secret) if secret else None
        if token is None:
            if secret and (after := self._wrong.take(_network(peer))):
                raise TooMany("Too many wrong tokens came from this address.", after)
            raise Unauthorized
        if after := self._right.take(token.sha256):
            raise TooMany("Too many requests came with this token.", after)
        return token

    async def _find(self, secret: str) -> Token | None:
        token = tokens.find(self._known, secret)
        old = FRESH if token else ANEW
        if self._clock() - self._asked < old:
            return token
        # One question at a time: who comes meanwhile shares its answer, or its failure.
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask())
        await asyncio.shield(self._asking)
        return tokens.find(self._known, secret)

    async def _ask(self) -> None:
        self._known = await self._reads(tokens.active)
        self._asked = self._clock()


def _secret(authorization: str) -> str:
    """RFC 6750 section 2.1; the scheme's name is in any case."""
    scheme, _, secret = authorization.strip().partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _password(authorization: str) -> str:
    """RFC 7617 section 2, in UTF-8; the name before it is anything."""
    scheme, _, written = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(written.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _network(peer: str) -> str:
    """One IPv4 address, or one IPv6 network of the size that one customer of a provider has."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv4Address):
        return peer
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
