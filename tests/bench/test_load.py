"""The load generator is honest: distinct mails, whole dialogues, nothing counted but 250."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.bench import load
from tests.bench.mails import CUSTOMERS, SIZES, Series

Heard = list[list[bytes]]


@contextmanager
def peer(answers: list[bytes], *, pipelining: bool) -> Iterator[tuple[int, Heard]]:
    """An SMTP server that answers the n-th mail of all with the n-th answer, and notes all."""
    heard: Heard = []
    lock = threading.Lock()

    class Dialogue(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines: list[bytes] = []
            heard.append(lines)
            self.wfile.write(b"220 peer\r\n")
            for line in self.rfile:
                lines.append(line)
                if line == b"DATA\r\n":
                    self.wfile.write(b"354 go on\r\n")
                    lines.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                    with lock:
                        self.wfile.write(answers.pop(0))
                elif line.startswith(b"EHLO") and pipelining:
                    self.wfile.write(b"250-peer\r\n250 PIPELINING\r\n")
                else:
                    self.wfile.write(b"250 2.0.0 fine\r\n")
                if line == b"QUIT\r\n":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dialogue) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1], heard
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("pipelining", [True, False])
def test_only_a_250_after_the_dot_counts(*, pipelining: bool) -> None:
    answers = [
        b"250 2.0.0 ok\r\n",
        b"451 4.3.0 later\r\n",
        b"250 2.0.0 ok\r\n",
        b"554 5.6.0 no\r\n",
    ]
    with peer(answers, pipelining=pipelining) as (port, _):
        result = load.send(load.Plan(port, mails=4, connections=1))
    assert [name for name, _ in result.accepted] == [
        "r.0@customers.example",
        "r.2@customers.example",
    ]
    assert result.refused == ["451 4.3.0 later", "554 5.6.0 no"]
    assert len(result.latencies) == 2


@pytest.mark.parametrize(("reuse", "connections"), [(True, 3), (False, 12)])
def test_connections_are_reused_or_made_for_each_mail(*, reuse: bool, connections: int) -> None:
    with peer([b"250 ok\r\n"] * 12, pipelining=True) as (port, heard):
        result = load.send(load.Plan(port, mails=12, connections=3, reuse=reuse))
    assert len(result.accepted) == 12
    assert len(heard) == connections
    assert all(lines[-1] == b"QUIT\r\n" for lines in heard)


def test_a_paced_run_takes_its_time() -> None:
    with peer([b"250 ok\r\n"] * 10, pipelining=True) as (port, _):
        result = load.send(load.Plan(port, mails=10, connections=2, rate=50))
    assert 0.18 <= result.seconds < 2


def test_a_server_that_hangs_up_on_everybody_ends_the_run() -> None:
    class Rude(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(b"421 4.3.2 go away\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Rude) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        result = load.send(load.Plan(server.server_address[1], mails=5, connections=2))
        server.shutdown()
        thread.join()
    assert result.accepted == []
    assert len(result.refused) >= 5


@pytest.mark.parametrize("kind", SIZES)
def test_every_mail_is_sound_and_has_bytes_of_its_own(kind: str) -> None:
    series = Series(kind, "r")
    mails = [series.mail(number) for number in range(200)]
    assert len({mail.data for mail in mails}) == 200
    read = [email.message_from_bytes(mail.data, policy=email.policy.default) for mail in mails]
    assert not any(part.defects for message in read for part in message.walk())
    assert len({message["message-id"] for message in read}) == 200
    assert len({message["subject"] for message in read}) == 200
    assert all(abs(len(mail.data) - SIZES[kind]) < SIZES[kind] / 10 for mail in mails)


def test_a_thousand_customers_come_back() -> None:
    series = Series("4k", "r")
    seen = Counter(series.mail(number).sender for number in range(2 * CUSTOMERS))
    assert set(seen.values()) == {2}
    assert len(seen) == CUSTOMERS


def test_percentiles_are_those_of_the_sorted_values() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (load.percentile(values, 0.5), load.percentile(values, 0.99)) == (51, 100)
    assert load.percentile([], 0.99) == 0
