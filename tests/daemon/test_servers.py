"""The servers of the tests listen where nothing else of a busy machine gets in their way."""

from __future__ import annotations

import socket

from tests.daemon.servers import free_port


def test_a_free_port_is_none_that_others_are_given_who_take_any() -> None:
    """Else a daemon that was killed may find its port taken by another test's server."""
    for _ in range(50):
        with socket.create_server(("127.0.0.1", 0)) as server:
            assert free_port() < server.getsockname()[1]
