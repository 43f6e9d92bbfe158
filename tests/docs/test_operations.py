"""What docs/operations.md tells an admin to do works."""

from __future__ import annotations

import configparser
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from store.engine import StoreDamaged
from store.store import prepare
from tests.docs.pages import blocks, page, section

OPERATIONS = page("docs/operations.md")
RESTORED = blocks(section(OPERATIONS, "Back up and restore"), "sql")[0]


@pytest.fixture
def restored(tmp_path: Path) -> Path:
    """A database that was put back from a backup, with mail of ours on its way."""
    path = tmp_path / "madoguchi.db"
    prepare(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO blobs VALUES (1, 'x', 0, NULL)")
        for id_, state, automatic in ((2, "queued", 1), (3, "sent", 1), (4, "queued", 0)):
            connection.execute(
                "INSERT INTO outbox VALUES (?, ?, NULL, 'mail', ?, ?, 0, '', '', '', '', NULL, 0,"
                " '', '', '', NULL, 0, 0, '')",
                (id_, id_, state, automatic),
            )
    return path


def test_after_a_restore_no_acknowledgement_goes_out_twice(restored: Path) -> None:
    with closing(sqlite3.connect(restored)) as connection:
        connection.executescript(RESTORED)
        found = connection.execute("SELECT id, state FROM outbox ORDER BY id").fetchall()
    assert found == [(2, "in_doubt"), (3, "sent"), (4, "queued")]


def test_after_a_restore_no_cursor_is_given_out_twice(restored: Path) -> None:
    with closing(sqlite3.connect(restored)) as connection:
        connection.executescript(RESTORED)
        (last,) = connection.execute("SELECT value FROM counters").fetchone()
    assert last >= 1_000_000


def test_a_damaged_file_is_told_in_the_words_of_the_page(tmp_path: Path) -> None:
    path = tmp_path / "madoguchi.db"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDamaged, match=r" is damaged: "):
        prepare(f"sqlite:///{path}")
    assert "`… is damaged: …`" in OPERATIONS


def test_the_systemd_unit_runs_the_daemon_and_keeps_its_files_private() -> None:
    unit = configparser.ConfigParser()
    unit.read_string(blocks(OPERATIONS, "ini")[0])
    assert "/madoguchi run -c " in unit["Service"]["ExecStart"]
    assert unit["Service"]["UMask"] == "0077"
    assert int(unit["Service"]["TimeoutStopSec"]) > 30


def test_the_page_names_everything_that_audit_lists() -> None:
    listed = section(OPERATIONS, "Audit")
    for what in (
        "no message",
        "not fetched",
        "not asked",
        "unread",
        "quarantined",
        "in_doubt",
        "failed",
    ):
        assert f"| `{what}` |" in listed
