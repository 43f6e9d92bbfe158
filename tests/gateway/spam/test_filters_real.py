"""Real filters: rspamd over HTTP and as a milter, and OpenDKIM, which speaks through libmilter."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.config.spam import Socket
from gateway.metrics import Metrics
from gateway.sender.trust import NOBODY_VOUCHES, Trust
from gateway.spam import screen
from gateway.spam.milter import ask
from gateway.spam.screen import Screen
from gateway.spam.verdict import Asked
from normalizer.message import Transport
from tests.daemon.servers import free_port, program, require, stop, wait_until
from tests.making import CONFIG, configure, envelope, mail, read

pytestmark = [pytest.mark.daemon, pytest.mark.xdist_group("filters")]

# What filters are tried with: https://spamassassin.apache.org/gtube/ names it for that.
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
RSPAMD = """
options {{ pidfile = "{folder}/pid"; tempdir = "{folder}"; filters = "";
  dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1; }} }}
logging {{ type = "console"; level = "warning"; }}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
worker {{ type = "normal"; bind_socket = "127.0.0.1:{http}"; count = 1; }}
worker {{ type = "rspamd_proxy"; bind_socket = "127.0.0.1:{milter}"; count = 1; milter = yes;
  upstream "local" {{ default = yes; self_scan = yes; }} }}
"""
OPENDKIM = """
Mode v
Socket inet:{port}@127.0.0.1
Background no
RequiredHeaders yes
"""


@pytest.fixture(autouse=True)
def leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is their word that counts here, however long a busy machine takes over it."""
    for module in ("filters", "screen"):
        monkeypatch.setattr(f"gateway.spam.{module}.PATIENCE", 60.0)


class Ports(NamedTuple):
    http: int
    milter: int


@contextmanager
def running(folder: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, umask=0o022)
    try:
        yield process
    finally:
        stop(process)


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=30) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    require("rspamd")
    folder = tmp_path_factory.mktemp("rspamd")
    ports = Ports(free_port(), free_port())
    config = folder / "rspamd.conf"
    config.write_text(RSPAMD.format(folder=folder, http=ports.http, milter=ports.milter))
    with running(folder, str(program("rspamd")), "-f", "-i", "-c", str(config)):
        wait_until(lambda: answers(ports.http) and accepts(ports.milter), 90, "rspamd answers")
        yield ports


@pytest.fixture(scope="module")
def opendkim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Socket]:
    require("opendkim")
    folder = tmp_path_factory.mktemp("opendkim")
    port, config = free_port(), folder / "opendkim.conf"
    config.write_text(OPENDKIM.format(port=port))
    with running(folder, str(program("opendkim")), "-f", "-x", str(config)):
        wait_until(lambda: accepts(port), 90, "OpenDKIM listens")
        yield Socket.parse(f"inet:127.0.0.1:{port}")


async def screened(folder: Path, table: str, raw: bytes) -> str:
    config = configure(folder, f"{CONFIG}[spam]\n{table}\n")
    wire = Transport(
        peer="198.51.100.9", helo="mx.example", sender="yuki@example.jp",
        recipients=("support@example.com",),
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        built = screen.build(config, "desk.example", Metrics(), stack)
        assert isinstance(built, Screen)
        asked = Asked("mail", read(raw), wire, NOBODY_VOUCHES, Trust(), answers_us=False)
        return await built(asked, envelope(raw, transport=wire), folder / "no-blob", None)


async def test_rspamd_s_word_over_http(rspamd: Ports, tmp_path: Path) -> None:
    table = f'rspamd = "http://127.0.0.1:{rspamd.http}"'
    assert await screened(tmp_path, table, mail(body=GTUBE)) == "rspamd: reject, scored 15"
    assert await screened(tmp_path, table, mail()) == ""


async def test_rspamd_s_word_as_a_milter(rspamd: Ports, tmp_path: Path) -> None:
    table = f'milter = "inet:127.0.0.1:{rspamd.milter}"'
    assert await screened(tmp_path, table, mail(body=GTUBE)) == "milter: reject with 554"
    assert await screened(tmp_path, table, mail()) == ""


async def test_a_libmilter_takes_a_good_mail_and_refuses_one_without_a_date(
    opendkim: Socket,
) -> None:
    wire = Transport(peer="198.51.100.9", helo="mx.example", sender="yuki@example.jp")
    for raw, reason in ((mail(), ""), (mail(Date=""), "reject")):
        async with asyncio.timeout(60):
            said = await ask(opendkim, "desk.example", envelope(raw, transport=wire), raw)
        assert said.reason.startswith(reason) if reason else not said.reason
