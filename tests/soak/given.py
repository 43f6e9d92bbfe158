"""What the soaks of single channels share: their command line, their kills, who was not answered."""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

# What is still to be read, and what is still to be said.
LEFT = "SELECT id FROM v_messages WHERE status IN ('unread', 'queued', 'sending', 'deferred')"
A_MOMENT = 0.3  # seconds at most before a kill, so that it meets something else each time


def told_by_hand(module: str, **usual: int) -> tuple[int, ...]:
    """The numbers that `python -m MODULE --NAME N` names, in the order of `usual`; `--seed` last."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    for name, value in (usual | {"seed": 1}).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    return tuple(vars(parser.parse_args()).values())


def silent(database: Path, unheard: Iterable[str]) -> list[str]:
    """Which of these addresses were told nothing, though nothing to them is in doubt."""
    query = """
        SELECT address FROM v_identities JOIN v_messages USING (customer_id)
        WHERE v_messages.status = 'in_doubt'"""
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        doubtful = {address for (address,) in connection.execute(query)}
    return sorted(set(unheard) - doubtful)
