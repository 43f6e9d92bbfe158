"""Two processes write at once: readers see events in their order, and nobody stores twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from store.engine import open_readers
from tests.store.house import Site, answer

COUNT = 200
REPOSITORY = Path(__file__).parents[2]


@contextmanager
def _writers(site: Site, authors: tuple[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    started = []
    for number, author in enumerate(authors):
        folder = site.folder / str(number)
        folder.mkdir()
        command = [sys.executable, "-m", "tests.store.scribe"]
        given = [site.url, str(folder), str(COUNT), author]
        started.append(subprocess.Popen([*command, *given], cwd=REPOSITORY))
    try:
        yield started
    finally:
        for process in started:
            process.wait(180)


def _poll(site: Site, processes: list[subprocess.Popen[bytes]]) -> list[list[int]]:
    """The new event cursors of each look, until both processes have ended."""
    engine, looks, seen = open_readers(site.url), [], set[int]()
    running = True
    try:
        while running:
            running = any(process.poll() is None for process in processes)
            with engine.begin() as connection:
                found = {row[0] for row in answer(connection, "SELECT cursor FROM v_events")}
            if new := sorted(found - seen):
                looks.append(new)
                seen |= found
    finally:
        engine.dispose()
    return looks


def test_no_reader_ever_meets_a_later_cursor_before_an_earlier_one(site: Site) -> None:
    with _writers(site, ("yuki@example.jp", "bob@example.com")) as processes:
        looks = _poll(site, processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert len(looks) > 1, "the reader never saw the writers at work"
    for earlier, later in pairwise(looks):
        assert later[0] > earlier[-1]


def test_the_same_mails_through_two_processes_are_stored_once(site: Site) -> None:
    with _writers(site, ("yuki@example.jp", "yuki@example.jp")) as processes:
        pass
    assert [process.returncode for process in processes] == [0, 0]
    engine = open_readers(site.url)
    with engine.begin() as connection:
        outcomes = answer(
            connection, "SELECT outcome, count(*) FROM v_ledger GROUP BY 1 ORDER BY 1"
        )
        assert outcomes == [("accepted", COUNT), ("duplicate", COUNT)]
        received = answer(connection, "SELECT count(*) FROM v_messages WHERE direction = 'in'")
        assert received == [(COUNT,)]
        assert answer(connection, "SELECT count(*) FROM v_conversations") == [(1,)]
        said = answer(connection, "SELECT count(*) FROM v_messages WHERE direction = 'out'")
        assert said == [(1,)]
    engine.dispose()
