"""The mailbox's part of `make soak`: old mail, new mail, and both ends killed all the time."""

from __future__ import annotations

import argparse
import random
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

from store.engine import WriteLock
from tests.bench.mails import Series
from tests.daemon.dovecot import Dovecot, dovecot
from tests.daemon.mailbox import handed_over, lay_out_mailbox
from tests.daemon.servers import Site, await_ready, launch, log_tail, ready, stop, wait_until
from tests.soak.checker import Books, Left, Verdict, judge
from tests.soak.sender import Ledger

SETTLE = 600.0
_QUICK = 'poll = "2 seconds"\nidle = "2 seconds"\ntimeout = "3 seconds"\n'
_BACKFILL_KILLS = 4  # one kill in so many falls into the reading of old mail


class Plan(NamedTuple):
    """How much, and how hard. Some of the kills fall into the backfill, some at failpoints."""

    mails: int = 5000
    old: int = 3000
    restarts: int = 100
    kills: int = 20
    renumberings: int = 5
    seed: int = 1
    rate: float = 25.0  # new mails a second, so that there is time to idle


class Outcome(NamedTuple):
    """What is left at the end, and what happened on the way."""

    plan: Plan
    old_stored: int
    old_answered: int
    verdict: Verdict
    delivered: int
    fetched_twice: list[str]
    kills: int
    died_at: Counter[str]
    seconds: float

    def faults(self) -> list[str]:
        """Every broken promise in words; empty when all were kept."""
        told = {
            f"{self.old_stored} of {self.plan.old} old mails stored": self.old_stored
            != self.plan.old,
            f"{self.old_answered} old mails answered": bool(self.old_answered),
            f"fetched twice: {self.fetched_twice[:3]}": bool(self.fetched_twice),
            f"killed {self.kills} times only": self.kills < self.plan.kills,
            str(self.verdict): not self.verdict.kept,
        }
        return [fault for fault, true in told.items() if true]

    def __str__(self) -> str:
        plan = self.plan
        points = ", ".join(f"{name} {times}x" for name, times in sorted(self.died_at.items()))
        return (
            f"mailbox: {self.old_stored} old mails stored, {self.old_answered} of them answered;"
            f" {self.delivered} new mails; {plan.restarts} restarts of Dovecot, {self.kills} kills"
            f" of ours ({points or 'at no failpoint'}), {plan.renumberings} renumberings;"
            f" {len(self.fetched_twice)} fetched twice; {self.verdict}; {self.seconds:.0f} s,"
            f" seed {plan.seed}"
        )


class Feeder:
    """Delivers distinct mails at a rate, each again and again until Dovecot has taken it."""

    def __init__(self, server: Dovecot, ledger: Ledger, plan: Plan) -> None:
        self._server, self._ledger, self._plan = server, ledger, plan
        self._series = Series("4k", "new")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def finish(self) -> None:
        """Wait until every mail is delivered."""
        self._thread.join()

    def abandon(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        draw = random.Random(self._plan.seed)
        numbers = iter(range(self._plan.mails))
        while not self._stop.is_set():
            burst = list(islice(numbers, draw.randint(1, 20)))
            if not burst:
                return
            for number in burst:
                self._deliver(number)
            self._stop.wait(len(burst) / self._plan.rate)

    def _deliver(self, number: int) -> None:
        mail = self._series.mail(number)
        while not self._stop.is_set():
            with suppress(OSError, smtplib.SMTPException):
                raw = mail.data.removesuffix(b".\r\n")
                self._server.deliver(raw, sender=mail.sender.decode())
                self._ledger.note(mail.message_id)
                return
            self._stop.wait(0.05)


class Keeper:
    """Keeps the daemon running: whenever it has died at its failpoint, it is started again."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.kills = 0
        self.died_at: Counter[str] = Counter()
        self._failpoint = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, failpoint: str = "") -> None:
        self._failpoint = failpoint
        self._process = launch(self.site, {"MADOGUCHI_FAILPOINT": failpoint})
        process = self._process
        wait_until(
            lambda: process.poll() is not None or ready(self.site), SETTLE, "the daemon starts"
        )
        if process.poll() not in {None, -signal.SIGKILL}:
            raise ChildProcessError(f"it does not start:\n{log_tail(self.site.log)}")

    def see_to_it(self) -> None:
        """Start it again if it has died; anything but SIGKILL is a defect."""
        process = self._process
        if process is None or process.poll() is None:
            return
        if process.returncode != -signal.SIGKILL:
            raise ChildProcessError(f"ended with {process.returncode}:\n{log_tail(self.site.log)}")
        self.kills += 1
        self.died_at[self._failpoint.partition(":")[0]] += 1
        self.start()

    def kill(self, failpoint: str = "") -> None:
        """SIGKILL now; the next life ends at a failpoint if one is given."""
        self._come_to_its_end()
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.kills += 1
        self.start(failpoint)

    def _come_to_its_end(self) -> None:
        """Leave a life that shall end at a failpoint the time to come there."""
        process = self._process
        if self._failpoint and process is not None:
            passed = f"the daemon comes to {self._failpoint}"
            wait_until(lambda: process.poll() is not None, SETTLE, passed)
        self.see_to_it()

    def end(self) -> None:
        if self._process is not None:
            stop(self._process)

    def last_life(self) -> None:
        """No failpoint any more, and ready."""
        self._come_to_its_end()
        assert self._process is not None
        await_ready(self.site, self._process)


def soak(plan: Plan, folder: Path) -> Outcome:
    """Run a plan in a folder, and stop everything that was started."""
    began = time.monotonic()
    with dovecot() as server:
        series = Series("4k", "old")
        server.append(
            "INBOX", *(series.mail(n).data.removesuffix(b".\r\n") for n in range(plan.old))
        )
        site = lay_out_mailbox(folder, server, _QUICK)
        keeper, ledger = Keeper(site), Ledger(folder / "ledger")
        try:
            _backfill(plan, keeper)
            _trouble(plan, keeper, server, ledger)
            return _judged(plan, keeper, ledger, began)
        finally:
            keeper.end()
            ledger.close()


def _backfill(plan: Plan, keeper: Keeper) -> None:
    """First contact, with some of the kills while old mail is read."""
    books = Books(f"sqlite:///{keeper.site.database}")
    kills = plan.kills // _BACKFILL_KILLS
    keeper.start()
    for number in range(kills):
        mark = plan.old * (number + 1) // (kills + 2)
        wait_until(lambda mark=mark: _stored(books) >= mark, SETTLE, f"{mark} are read")  # type: ignore[misc]
        keeper.kill()
    _lock_out(keeper.site)
    wait_until(lambda: _stored(books) >= plan.old, SETTLE, "all old mail is read")
    books.close()


def _lock_out(site: Site) -> None:
    """Let the store take nothing, until what is under way, if anything is, has been put off."""
    before = _put_off(site)
    lock = WriteLock(site.database)
    with lock.held(), suppress(TimeoutError):
        wait_until(lambda: _put_off(site) > before, 10, "the mailbox waits for the store")
    lock.close()


def _put_off(site: Site) -> int:
    return site.log.read_text("utf-8", "replace").count('"mailbox.waiting"')


def _stored(books: Books) -> int:
    return sum(books.statuses().values())


def _trouble(plan: Plan, keeper: Keeper, server: Dovecot, ledger: Ledger) -> None:
    """New mail all the time, while everything is restarted, killed and renumbered."""
    events = list(_events(plan, keeper, server))
    feeder = Feeder(server, ledger, plan)
    draw = random.Random(plan.seed)
    try:
        for number, event in enumerate(events):
            ledger.reach(plan.mails * number // len(events), SETTLE)
            time.sleep(draw.uniform(0, 0.5))
            keeper.see_to_it()
            event()
        feeder.finish()
    finally:
        feeder.abandon()
    keeper.last_life()


def _events(plan: Plan, keeper: Keeper, server: Dovecot) -> Iterator[Callable[[], None]]:
    draw = random.Random(plan.seed)
    left = plan.kills - plan.kills // _BACKFILL_KILLS
    # A life that ends at a failpoint begins with a kill: each such event is two kills.
    points = [f"{name}:{draw.randint(1, 30)}" for name in islice(_names(), left // 3)]
    plain = left - 2 * len(points)
    events: list[Callable[[], None]] = [server.restart] * plan.restarts
    events += [lambda point=point: keeper.kill(point) for point in points]  # type: ignore[misc]
    events += [keeper.kill] * plain
    events += [lambda: _renumber(server)] * plan.renumberings
    draw.shuffle(events)
    return iter(events)


def _names() -> Iterator[str]:
    return ("F9" if number % 2 else "F10" for number in count())


def _renumber(server: Dovecot) -> None:
    server.stop()
    server.renumber()
    server.start()


def _judged(plan: Plan, keeper: Keeper, ledger: Ledger, began: float) -> Outcome:
    site = keeper.site
    books = Books(f"sqlite:///{site.database}")
    known = set(ledger.known)
    try:
        wait_until(lambda: known <= books.left(site.sent).stored.keys(), SETTLE, "all is stored")
        wait_until(lambda: books.under_way() == 0, SETTLE, "everything is settled")
        left = books.left(site.sent)
    finally:
        books.close()
    old = {name for name in left.stored if name.startswith("old.")}
    return Outcome(
        plan=plan,
        old_stored=sum(left.stored[name] for name in old),
        old_answered=sum(left.acknowledged[name] for name in old),
        verdict=judge(known, _without(left, old)),
        delivered=len(known),
        fetched_twice=[unit for unit, times in handed_over(site).items() if times > 1],
        kills=keeper.kills,
        died_at=keeper.died_at,
        seconds=time.monotonic() - began,
    )


def _without(left: Left, names: set[str]) -> Left:
    stored = Counter({name: times for name, times in left.stored.items() if name not in names})
    return left._replace(stored=stored)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.mailbox", description=__doc__)
    for name, value in Plan()._asdict().items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    plan = Plan(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="madoguchi-soak-") as folder:
        outcome = soak(plan, Path(folder))
    sys.stdout.write(f"{outcome}\n" + "".join(f"  {fault}\n" for fault in outcome.faults()))
    sys.exit(bool(outcome.faults()))


if __name__ == "__main__":
    main()
