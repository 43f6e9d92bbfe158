"""Asks the DNS without ever holding up mail: a small cache, one query for each name, a breaker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from itertools import cycle, islice
from typing import NamedTuple

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.resolver
import structlog

from gateway.config.models import Authentication

log = structlog.get_logger()

Server = tuple[str, int]
Key = tuple[str, str]

_TRIES = 2
_TRY = 1.0  # seconds that one server is given for one try
_SILENCES = 3  # queries in a row without any answer before we ask whether anybody is there
_PROBE_EVERY = 10.0  # seconds between looks for a DNS that has fallen silent
_KEPT = 10_000  # answers
_UNDER_WAY = 200  # queries at a time: a flood of invented names costs no more than this
_LONGEST, _SHORTEST = 300.0, 5.0  # seconds that an answer is kept, whatever its TTL says
_NOTHING = 60.0  # seconds for "there is no such name"
_TROUBLE = 5.0  # seconds for "no answer": the mails of one burst wait for it once
_SIZE = 1232  # octets, as resolvers agreed upon (RFC 9715)


class DnsTrouble(Exception):
    """The DNS did not answer; it may do so later."""


class DnsLate(DnsTrouble):
    """The DNS has not answered yet."""


class Answer(NamedTuple):
    """The records of a name as text; `exists` is false for NXDOMAIN."""

    records: tuple[str, ...] = ()
    exists: bool = True


class _Entry(NamedTuple):
    answer: Answer | None  # None: trouble
    until: float


def system() -> tuple[Server, ...]:
    """The resolvers of this machine; none where it has none."""
    try:
        found = dns.resolver.Resolver()
    except (dns.resolver.NoResolverConfiguration, OSError):
        return ()
    return tuple((server, found.port) for server in found.nameservers if isinstance(server, str))


def build(settings: Authentication, stack: AsyncExitStack) -> Resolver | None:
    """The resolver of a configuration, which the stack closes; None where nothing is looked up."""
    if not settings.enabled:
        return None
    resolver = Resolver([(settings.dns.host, settings.dns.port)] if settings.dns else system())
    stack.push_async_callback(resolver.close)
    return resolver


class Resolver:
    """Answers from `servers`. Until somebody has answered, and after a silence, it says so at once:
    a machine without DNS is as fast as one that does not ask. A probe finds out when that changes.
    """

    def __init__(self, servers: Iterable[Server]) -> None:
        self._servers = tuple(servers)
        self._cache: dict[Key, _Entry] = {}
        self._under_way: dict[Key, asyncio.Task[_Entry]] = {}
        self._silences = 0
        self._probing: asyncio.Task[None] | None = None
        self.answers = False

    @property
    def exists(self) -> bool:
        """Whether there is anybody to ask at all."""
        return bool(self._servers)

    async def start(self, patience: float = 0.25) -> None:
        """Look whether anybody answers; return when that is known, or after `patience` seconds."""
        if not self._servers:
            log.warning("dns.none")
            return
        await asyncio.wait((self._probe(),), timeout=patience)

    async def close(self) -> None:
        """Forget what is still being asked."""
        tasks = [*self._under_way.values(), *([self._probing] if self._probing else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def want(self, name: str, kind: str) -> None:
        """Begin to ask what somebody will look up soon."""
        key = (name.lower().rstrip("."), kind)
        if self.answers and self._cached(key) is None:
            self._begin(key)

    async def lookup(self, name: str, kind: str, until: float) -> Answer:
        """The records of a name (`kind` is A, AAAA, MX, PTR or TXT).

        Raises DnsTrouble, at once or when the query ends so; DnsLate when the loop's clock says
        `until` before that. The query goes on, and its answer is there for who asks later.
        """
        key = (name.lower().rstrip("."), kind)
        if (entry := self._cached(key)) is None:
            if not self.answers or (task := self._begin(key)) is None:
                raise DnsTrouble
            left = until - asyncio.get_running_loop().time()
            await asyncio.wait((task,), timeout=max(0.0, left))
            if not task.done():
                raise DnsLate
            entry = task.result()
        if entry.answer is None:
            raise DnsTrouble
        return entry.answer

    def _cached(self, key: Key) -> _Entry | None:
        entry = self._cache.get(key)
        if entry and entry.until > asyncio.get_running_loop().time():
            return entry
        return None

    def _begin(self, key: Key) -> asyncio.Task[_Entry] | None:
        if key not in self._under_way:
            if len(self._under_way) >= _UNDER_WAY:
                return None
            self._under_way[key] = asyncio.create_task(self._ask(key))
        return self._under_way[key]

    async def _ask(self, key: Key) -> _Entry:
        try:
            answer, seconds = await self._query(*key)
        finally:
            del self._under_way[key]
        entry = _Entry(answer, asyncio.get_running_loop().time() + seconds)
        self._cache.pop(key, None)
        self._cache[key] = entry
        if len(self._cache) > _KEPT:
            del self._cache[next(iter(self._cache))]
        return entry

    async def _query(self, name: str, kind: str) -> tuple[Answer | None, float]:
        try:
            query = dns.message.make_query(dns.name.from_text(name), kind, payload=_SIZE)
        except (dns.exception.DNSException, UnicodeError):
            return Answer(exists=False), _NOTHING  # no such name can exist
        heard = False
        for server in islice(cycle(self._servers), max(_TRIES, len(self._servers))):
            try:
                response = await _exchange(query, server)
            except (dns.exception.Timeout, OSError, EOFError):
                continue
            except dns.exception.DNSException:
                heard = True
                continue
            heard = True
            if response.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
                self._heard(anything=True)
                return _read(response)
        self._heard(anything=heard)
        return None, _TROUBLE

    def _heard(self, *, anything: bool) -> None:
        """Names whose own servers are dead look like a dead DNS; the probe tells the two apart."""
        self._silences = 0 if anything else self._silences + 1
        if self._silences >= _SILENCES and self.answers:
            self.answers = False
            self._probe()

    def _probe(self) -> asyncio.Task[None]:
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._look())
        return self._probing

    async def _look(self) -> None:
        """Ask for the root until somebody answers, whatever the answer is."""
        told = False
        query = dns.message.make_query(dns.name.root, "NS", payload=_SIZE)
        for server in cycle(self._servers):
            try:
                await _exchange(query, server)
                break
            except (dns.exception.Timeout, OSError, EOFError):
                if not told:
                    log.warning("dns.silent", server=server[0])
                told = True
                await asyncio.sleep(_PROBE_EVERY / len(self._servers))
            except dns.exception.DNSException:
                break
        self._silences, self.answers = 0, True
        if told:
            log.info("dns.answers")


async def _exchange(query: dns.message.QueryMessage, server: Server) -> dns.message.QueryMessage:
    response, _ = await dns.asyncquery.udp_with_fallback(
        query, server[0], _TRY, server[1], ignore_unexpected=True
    )
    assert isinstance(response, dns.message.QueryMessage)
    return response


def _read(response: dns.message.QueryMessage) -> tuple[Answer, float]:
    try:
        found = response.resolve_chaining()
    except dns.exception.DNSException:  # a chain of aliases without end
        return Answer(exists=False), _NOTHING
    exists = response.rcode() != dns.rcode.NXDOMAIN
    if found.answer is None:
        return Answer(exists=exists), _NOTHING
    seconds = min(max(float(found.minimum_ttl), _SHORTEST), _LONGEST)
    return Answer(tuple(_text(rdata) for rdata in found.answer)), seconds


def _text(rdata: dns.rdata.Rdata) -> str:
    """A record as those who ask want it: a text joined (RFC 7208 section 3.3), a name without its dot."""
    strings = getattr(rdata, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("latin-1")
    name = getattr(rdata, "exchange", None) or getattr(rdata, "target", None)
    return name.to_text(omit_final_dot=True) if name is not None else rdata.to_text()
