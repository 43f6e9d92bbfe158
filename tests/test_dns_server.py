"""The DNS server of the tests answers as a real one would."""

from __future__ import annotations

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.dns_server import DnsServer, dns_server

LONG = "v=DKIM1; p=" + "A" * 2000
RECORDS = {
    ("example.jp", "TXT"): ["v=spf1 -all", 'a "quoted" word'],
    ("long.example.jp", "TXT"): [LONG],
    ("alias.example.jp", "CNAME"): ["example.jp."],
}


def ask(server: DnsServer, name: str, kind: str = "TXT") -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    return dns.query.udp_with_fallback(query, "127.0.0.1", 2, port=server.port)[0]


def texts(response: dns.message.Message) -> list[bytes]:
    return sorted(b"".join(rdata.strings) for rdata in response.answer[-1])


def test_a_record_an_alias_and_a_long_text_are_answered() -> None:
    with dns_server(RECORDS) as server:
        assert texts(ask(server, "example.jp")) == [b'a "quoted" word', b"v=spf1 -all"]
        assert b"v=spf1 -all" in texts(ask(server, "alias.example.jp"))
        assert texts(ask(server, "long.example.jp")) == [LONG.encode()]  # by TCP
        assert ("example.jp", "TXT") in server.asked


def test_what_is_not_there_and_what_fails_differ() -> None:
    with dns_server(RECORDS) as server:
        server.failing.add("broken.jp")
        found = [ask(server, name).rcode() for name in ("nobody.jp", "jp", "broken.jp")]
        assert found == [dns.rcode.NXDOMAIN, dns.rcode.NOERROR, dns.rcode.SERVFAIL]


def test_a_silent_server_says_nothing() -> None:
    with dns_server(RECORDS) as server:
        server.silent.add("*")
        with pytest.raises(dns.exception.Timeout):
            dns.query.udp(
                dns.message.make_query("example.jp", "TXT"), "127.0.0.1", 0.05, port=server.port
            )
