"""A channel that another package brings takes messages in on the real daemon."""

from __future__ import annotations

import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.daemon.servers import daemon, free_port, lay_out
from tests.daemon.window import all_read
from tests.normalizer.test_packages import install

TABLE = '\n[[channel]]\nname = "p"\ntype = "pager"\nport = {port}\n'


@pytest.mark.daemon
def test_the_page_s_pager_as_a_package(tmp_path: Path) -> None:
    """Also in the child process that reads, which finds the package's reader by itself."""
    port, packages = free_port(), tmp_path / "site"
    install(packages)
    site = lay_out(tmp_path, more=TABLE.format(port=port))
    path = os.pathsep.join(filter(None, [str(packages), os.environ.get("PYTHONPATH", "")]))
    with daemon(site, {"PYTHONPATH": path}):
        with closing(socket.create_connection(("127.0.0.1", port), 20)) as line:
            line.sendall("Yuki 荷物はどこですか\n".encode())
            answer = line.makefile("rb").readline()
        assert answer.startswith(b"ok "), answer
        all_read(site)
    with closing(sqlite3.connect(site.database)) as connection:
        sql = "SELECT text, status FROM v_messages WHERE direction = 'in'"
        assert connection.execute(sql).fetchall() == [("荷物はどこですか", "stored")]
