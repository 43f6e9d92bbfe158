"""No 250 leaves before the mail is on the disk: the order of system calls shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import load
from tests.daemon.servers import lay_out, require
from tests.daemon.trace import COMMAND, examine, examine_file, traced

MAILS = 1000
READ = '7 read(9<socket:[1]>, "x\\r\\n.\\r\\n", 99) = 6'
SYNC = "8 fdatasync(5</var/m.db-wal>) = 0"
ANSWER = '7 write(9<socket:[1]>, "250 2.0.0 ok\\r\\n", 14) = 14'


@pytest.mark.daemon
@pytest.mark.timeout(900)
def test_the_wal_is_synced_between_the_dot_and_each_250(tmp_path: Path) -> None:
    """D08: 1,000 mails over 20 connections under strace, 0 answered too early."""
    require("strace")
    site, trace = lay_out(tmp_path), tmp_path / "trace"
    with traced(site, COMMAND, trace):
        result = load.collect(load.start(load.Plan(site.smtp, mails=MAILS)), 500)
    assert len(result.accepted) == MAILS, result.refused[:3]
    found = examine_file(trace)
    assert found.answered == MAILS
    assert found.too_early == []
    assert found.syncs > 0


def test_a_sync_after_the_dot_and_before_the_250_is_in_order() -> None:
    assert examine([READ, SYNC, ANSWER]).too_early == []


@pytest.mark.parametrize(
    "lines",
    [
        [READ, ANSWER, SYNC],
        [SYNC, READ, ANSWER],
        [READ, SYNC.replace("-wal", ""), ANSWER],
        [READ, SYNC.replace("= 0", "= -1 EIO (Input/output error)"), ANSWER],
        [
            "8 fdatasync(5</v/m.db-wal> <unfinished ...>",
            READ,
            "8 <... fdatasync resumed>) = 0",
            ANSWER,
        ],
        [
            READ,
            "8 fdatasync(5</v/m.db-wal> <unfinished ...>",
            ANSWER,
            "8 <... fdatasync resumed>) = 0",
        ],
    ],
)
def test_a_250_without_a_whole_sync_in_between_is_found(lines: list[str]) -> None:
    found = examine(lines)
    assert (found.answered, len(found.too_early)) == (1, 1)


def test_a_dot_that_comes_in_two_pieces_is_seen() -> None:
    pieces = [
        '7 read(9<socket:[1]>, "x\\r\\n", 99) = 3',
        '7 read(9<socket:[1]>, ".\\r\\n", 99) = 3',
    ]
    assert examine([*pieces, ANSWER]).answered == 1


def test_other_replies_are_not_counted() -> None:
    deferred = ANSWER.replace("250 2.0.0", "451 4.3.0")
    assert examine([READ, deferred]).answered == 0
