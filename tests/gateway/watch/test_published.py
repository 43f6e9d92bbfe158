"""What DNS says of the key that we sign with."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.watch.checking import connect
from tests.dns_server import DnsServer, dns_server
from tests.making import CONFIG, configure
from tests.signing import key

NAME = "desk1._domainkey.example.com"


async def found(folder: Path, server: DnsServer) -> list[str]:
    """What check --connect finds about DNS."""
    (folder / "dkim.pem").write_bytes(key().private)
    table = 'dkim = { domain = "example.com", selector = "desk1", key = { file = "dkim.pem" } }'
    dns = f'{table}\n[authentication]\ndns = "{server.address}"\n'
    said = map(str, await connect(configure(folder, CONFIG + dns)))
    return [line for line in said if "DNS" in line]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (key().record, f"note: DNS: {NAME} is published"),
        (key().record.replace("; ", ";").replace("p=", "p = "), f"note: DNS: {NAME} is published"),
        (key(number=1).record, f"error: DNS: {NAME} holds another key; publish what"),
        ("v=DKIM1; p=", f"error: DNS: {NAME} holds another key; publish what"),
        ("", f"error: DNS: {NAME} is not in the DNS yet; publish what"),
    ],
    ids=["ours", "ours, written otherwise", "another", "revoked", "none"],
)
async def test_a_key_that_is_not_published_is_told(tmp_path: Path, record: str, said: str) -> None:
    with dns_server({(NAME, "TXT"): [record]} if record else {}) as server:
        [line] = await found(tmp_path, server)
    assert line.startswith(said)


async def test_a_dns_in_trouble_is_no_error_of_ours(tmp_path: Path) -> None:
    with dns_server() as server:
        server.failing.add("*")
        assert await found(tmp_path, server) == [
            f"note: DNS: {NAME} was not found out: the DNS does not answer"
        ]


async def test_without_a_key_nothing_is_asked(tmp_path: Path) -> None:
    with dns_server() as server:
        dns = f'[authentication]\ndns = "{server.address}"\n'
        await connect(configure(tmp_path, CONFIG + dns))
        assert server.asked == []
