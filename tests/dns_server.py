"""A small real DNS server on loopback, over UDP and TCP: records from a dict; slow, silent, failing."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from gateway.sender.resolver import Resolver

_UDP_AT_MOST = 1232  # octets; what is longer is truncated, and asked for again over TCP
_QUOTED = 255  # octets of one string of a TXT record (RFC 1035 section 3.3)

Records = Mapping[tuple[str, str], list[str]]


@dataclass
class DnsServer:
    """`records` by (name, type), such as `("example.jp", "TXT"): ["v=spf1 -all"]`; change them as you go.

    A text stands as it is, without quotes. `failing` names get SERVFAIL, `silent` ones (`"*"` means
    all) no answer, and every answer takes `delay` seconds. `asked` is what was asked, in order.
    """

    port: int
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    delay: float = 0.0
    ttl: int = 60
    asked: list[tuple[str, str]] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """What `[authentication] dns` wants to hear."""
        return f"127.0.0.1:{self.port}"

    def answer(self, wire: bytes, at_most: int) -> bytes | None:
        """The answer to a query in wire format; None for silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if self.silent & {name, "*"} or (self.delay and self._ending.wait(self.delay)):
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if self.failing & {name, "*"}:
            response.set_rcode(dns.rcode.SERVFAIL)
        else:
            self._fill(response, name, kind)
        found = response.to_wire(max_size=65535)
        if len(found) > at_most:
            response.answer.clear()
            response.flags |= dns.flags.TC
            found = response.to_wire(max_size=65535)
        return found

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        while alias := self.records.get((name, "CNAME")):
            response.answer.append(self._rrset(name, "CNAME", alias))
            name = alias[0].rstrip(".").lower()
        if values := self.records.get((name, kind)):
            response.answer.append(self._rrset(name, kind, values))
        elif not any(known == name or known.endswith(f".{name}") for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)

    def _rrset(self, name: str, kind: str, values: list[str]) -> dns.rrset.RRset:
        shown = [_quoted(value) if kind == "TXT" else value for value in values]
        return dns.rrset.from_text(dns.name.from_text(name), self.ttl, "IN", kind, *shown)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    pieces = [escaped[i : i + _QUOTED] for i in range(0, len(escaped), _QUOTED)] or [""]
    return " ".join(f'"{piece}"' for piece in pieces)


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, connection = self.request
        if found := _server(self).answer(wire, _UDP_AT_MOST):
            connection.sendto(found, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while len(head := self.rfile.read(2)) == 2:
            found = _server(self).answer(self.rfile.read(*struct.unpack("!H", head)), 65535)
            if found is None:
                return
            self.wfile.write(struct.pack("!H", len(found)) + found)


def _server(handler: socketserver.BaseRequestHandler) -> DnsServer:
    found: Any = handler.server
    assert isinstance(found.dns, DnsServer)
    return found.dns


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    dns: DnsServer


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    dns: DnsServer


@contextmanager
def dns_server(records: Records | None = None) -> Iterator[DnsServer]:
    """A server with these records, on a free port of 127.0.0.1 for UDP and TCP alike."""
    tcp, udp = _bound()
    server = DnsServer(tcp.server_address[1], dict(records or {}))
    tcp.dns = udp.dns = server
    threads = [threading.Thread(target=s.serve_forever, args=(0.02,)) for s in (tcp, udp)]
    try:
        for thread in threads:
            thread.start()
        yield server
    finally:
        server._ending.set()
        for each in (tcp, udp):
            each.shutdown()
            each.server_close()
        for thread in threads:
            thread.join()


def _bound() -> tuple[_TcpServer, _UdpServer]:
    """Two sockets on one number: another process may hold its UDP half, so ask until both are ours."""
    while True:
        tcp = _TcpServer(("127.0.0.1", 0), _Tcp)
        with suppress(OSError):
            return tcp, _UdpServer(("127.0.0.1", tcp.server_address[1]), _Udp)
        tcp.server_close()


@asynccontextmanager
async def resolving(records: Records | None = None) -> AsyncIterator[tuple[Resolver, DnsServer]]:
    """A resolver that has found the server with these records."""
    with dns_server(records) as server:
        resolver = Resolver([("127.0.0.1", server.port)])
        await resolver.start()
        server.asked.clear()
        try:
            yield resolver, server
        finally:
            await resolver.close()
