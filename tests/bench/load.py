"""The one load generator for all servers: many SMTP connections from one cheap process.

It speaks SMTP in full, pipelines where the server offers it (RFC 2920), and counts nothing but
the 250 after the dot. Run it as a process of its own; it prints a Result as JSON.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

from tests.bench.mails import RECIPIENT, Mail, Series

READ = 65536
ROOM = 1 << 20  # so that a mail of 40 KB leaves in one call
QUIET = 60.0  # seconds without a word from the server after which we give up

# A dialogue yields what to say and how many replies to await; None means: no mail is due yet.
Dialogue = Generator[tuple[bytes, int] | None, list[bytes], None]


class Plan(NamedTuple):
    """What to send: `rate` in mails per second (0 is as fast as they are taken)."""

    port: int
    kind: str = "4k"
    run: str = "r"
    mails: int = 1000
    connections: int = 20
    reuse: bool = True
    rate: float = 0.0


class Result(NamedTuple):
    """What came of it: times in seconds; `accepted` holds (Message-ID, UNIX time of its 250)."""

    accepted: list[tuple[str, float]]
    latencies: list[float]
    refused: list[str]
    seconds: float
    cpu: float

    @property
    def per_second(self) -> float:
        return len(self.accepted) / self.seconds if self.seconds else 0.0

    @property
    def cpu_per_mail(self) -> float:
        """Seconds of processor time that the generator itself took for one mail."""
        return self.cpu / max(1, len(self.accepted) + len(self.refused))

    def latency(self, share: float) -> float:
        return percentile(self.latencies, share)


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of all values lie; 0 when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Course:
    """One run: which mail is next and when, and what became of each."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.series = Series(plan.kind, plan.run)
        self.taken = 0
        self.started = 0.0
        self.accepted: list[tuple[int, float]] = []
        self.latencies: list[float] = []
        self.refused: list[str] = []

    @property
    def over(self) -> bool:
        return max(self.taken, len(self.refused)) >= self.plan.mails

    def due(self) -> float:
        """Seconds until the next mail may leave; 0 when it may leave now."""
        if not self.plan.rate:
            return 0.0
        return max(0.0, self.started + self.taken / self.plan.rate - time.perf_counter())

    def take(self) -> Mail:
        self.taken += 1
        return self.series.mail(self.taken - 1)

    def dialogue(self) -> Dialogue:
        """One connection, from the greeting to QUIT."""
        yield b"", 1
        lines = yield b"EHLO bench.example\r\n", 1
        send = self._pipelined if any(b"PIPELINING" in line for line in lines) else self._lockstep
        while not self.over:
            if self.plan.rate and self.due():
                yield None
                continue
            number = self.taken
            yield from send(number, self.take())
            if not self.plan.reuse:
                break
        yield b"QUIT\r\n", 1

    def _pipelined(self, number: int, mail: Mail) -> Dialogue:
        group = b"MAIL FROM:<%b>\r\nRCPT TO:<%b>\r\nDATA\r\n" % (mail.sender, RECIPIENT)
        replies = yield group, 3
        yield from self._body(number, mail, replies[-1])

    def _lockstep(self, number: int, mail: Mail) -> Dialogue:
        yield b"MAIL FROM:<%b>\r\n" % mail.sender, 1
        yield b"RCPT TO:<%b>\r\n" % RECIPIENT, 1
        replies = yield b"DATA\r\n", 1
        yield from self._body(number, mail, replies[-1])

    def _body(self, number: int, mail: Mail, go: bytes) -> Dialogue:
        if not go.startswith(b"354"):
            self.refused.append(go.decode("ascii", "replace"))
            return
        asked = time.perf_counter()
        replies = yield mail.data, 1
        if replies[-1].startswith(b"250"):
            self.latencies.append(time.perf_counter() - asked)
            self.accepted.append((number, time.time()))
        else:
            self.refused.append(replies[-1].decode("ascii", "replace"))


class Link:
    """A socket and the dialogue on it."""

    __slots__ = ("awaited", "dialogue", "heard", "outgoing", "socket")

    def __init__(self, course: Course) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect(("127.0.0.1", course.plan.port))
        self.socket.setblocking(False)
        self.heard = b""
        self.outgoing = b""
        self.dialogue = course.dialogue()
        first = next(self.dialogue)
        self.awaited = first[1] if first else 0

    def hear(self) -> list[bytes] | None:
        """The lines of all replies that we wait for, once they are whole; OSError at the end."""
        data = self.socket.recv(READ)
        if not data:
            raise ConnectionResetError("the server hung up")
        self.heard += data
        if self.heard[-1] != 10:
            return None
        lines = self.heard.split(b"\r\n")[:-1]
        if sum(line[3:4] != b"-" for line in lines) < self.awaited:
            return None
        self.heard = b""
        return lines

    def speak(self) -> bool:
        """Send what is left to say; whether all of it went."""
        try:
            sent = self.socket.send(self.outgoing)
        except BlockingIOError:
            sent = 0
        self.outgoing = self.outgoing[sent:] if sent < len(self.outgoing) else b""
        return not self.outgoing


class Crowd:
    """All connections of a run, driven by one epoll."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.poll = select.epoll()
        self.links: dict[int, Link] = {}
        self.idle: deque[Link] = deque()

    def run(self) -> None:
        for _ in range(self.course.plan.connections):
            self._open()
        while self.links:
            due = self.course.due() if self.idle else QUIET
            events = self.poll.poll(min(due, QUIET))
            if not events and not self.idle:
                raise TimeoutError(f"no word from port {self.course.plan.port} in {QUIET:g} s")
            for number, event in events:
                self._answer(self.links[number], event)
            self._wake()

    def _open(self) -> None:
        link = Link(self.course)
        self.links[link.socket.fileno()] = link
        self.poll.register(link.socket, select.EPOLLIN)

    def _answer(self, link: Link, event: int) -> None:
        if link.outgoing:
            if link.speak():
                self.poll.modify(link.socket, select.EPOLLIN)
            return
        try:
            lines = link.hear()
        except OSError as error:
            self._lost(link, str(error))
            return
        if lines is not None:
            self._go_on(link, lines)

    def _go_on(self, link: Link, lines: list[bytes]) -> None:
        try:
            step = link.dialogue.send(lines)
        except StopIteration:
            self._close(link)
            return
        if step is None:
            self.idle.append(link)
            return
        link.outgoing, link.awaited = step
        if not link.speak():
            self.poll.modify(link.socket, select.EPOLLOUT)

    def _wake(self) -> None:
        while self.idle and (self.course.over or not self.course.due()):
            self._go_on(self.idle.popleft(), [])

    def _lost(self, link: Link, why: str) -> None:
        self.course.refused.append(why)
        if link in self.idle:
            self.idle.remove(link)
        self._close(link)

    def _close(self, link: Link) -> None:
        number = link.socket.fileno()
        self.poll.unregister(number)
        del self.links[number]
        link.socket.close()
        if not self.course.over:
            self._open()


def send(plan: Plan) -> Result:
    """Send all mails of a plan from this process."""
    course = Course(plan)
    crowd = Crowd(course)
    gc.collect()
    gc.disable()
    before = _cpu()
    course.started = time.perf_counter()
    crowd.run()
    seconds = time.perf_counter() - course.started
    cpu = _cpu() - before
    gc.enable()
    named = [(course.series.message_id(i), at) for i, at in course.accepted]
    return Result(named, course.latencies, course.refused, seconds, cpu)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def start(plan: Plan) -> subprocess.Popen[bytes]:
    """The same from a process of its own; give it to `collect`."""
    words = [sys.executable, "-m", "tests.bench.load", json.dumps(plan)]
    here = Path(__file__).resolve().parents[2]
    return subprocess.Popen(words, stdout=subprocess.PIPE, cwd=here)


def collect(process: subprocess.Popen[bytes], seconds: float) -> Result:
    """Wait for a generator's end, at most so long, and read its result."""
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
    if process.returncode:
        raise ChildProcessError(f"the load generator ended with {process.returncode}")
    found = Result(*json.loads(output))
    return found._replace(accepted=[(name, at) for name, at in found.accepted])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", help="a Plan as JSON, or the port alone")
    for field, kind in Plan.__annotations__.items():
        if field not in ("port", "reuse"):
            parser.add_argument(f"--{field}", help=str(kind))
    parser.add_argument("--single", action="store_true", help="one mail per connection")
    given = vars(parser.parse_args())
    written = json.loads(given.pop("plan"))
    if isinstance(written, list):
        sys.stdout.write(json.dumps(send(Plan(*written))))
        return
    defaults = Plan(written)._asdict()
    single = given.pop("single")
    chosen = {k: type(defaults[k])(v) for k, v in given.items() if v is not None}
    result = send(Plan(**{**defaults, **chosen, "reuse": not single}))
    sys.stdout.write(
        f"{len(result.accepted)} accepted, {len(result.refused)} refused {result.refused[:3]}, "
        f"{result.per_second:.0f}/s, p50 {result.latency(0.5) * 1e3:.2f} ms, "
        f"p99 {result.latency(0.99) * 1e3:.2f} ms, own CPU {result.cpu_per_mail * 1e6:.0f} us\n"
    )


if __name__ == "__main__":
    main()
