"""In a child process of ours: its end of the socket, with the little that this takes.

An event loop would cost each child 3 MB.
"""

from __future__ import annotations

import ctypes
import pickle
import signal
import socket
from typing import Any

_PR_SET_PDEATHSIG = 1
LENGTH = 4  # octets before each frame


def frame(value: Any) -> bytes:
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(LENGTH) + data


def connect() -> socket.socket:
    """The connection to the parent. From here on we die with it, and only with it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)  # the parent says when, by closing the socket
    connection = socket.socket(fileno=0)
    connection.setblocking(True)
    return connection


def receive(connection: socket.socket) -> Any:
    """The next frame. Raises EOFError when the parent is done with us."""
    try:
        header = connection.recv(LENGTH, socket.MSG_WAITALL)
        if len(header) == LENGTH:
            data = connection.recv(int.from_bytes(header), socket.MSG_WAITALL)
            return pickle.loads(data)  # noqa: S301  our parent wrote it
    except ConnectionError:
        pass
    raise EOFError


def send(connection: socket.socket, value: Any) -> None:
    """Give the parent something. Raises EOFError when it is gone."""
    try:
        connection.sendall(frame(value))
    except ConnectionError as error:
        raise EOFError from error
