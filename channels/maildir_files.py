"""Files in a Maildir: staged, synced, moved to new/; and the process that does it for a daemon."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from channels import parent


class Letter(NamedTuple):
    """A mail with CRLF line ends, its reverse-path, and the file name it shall have."""

    sender: str
    data: bytes
    name: str


class Failed(NamedTuple):
    """Why a letter is not in new/ (`down`), or may not outlast a power cut there (`unsynced`)."""

    how: Literal["down", "unsynced"]
    why: str


End = Failed | None
Staged = tuple[Path, int] | OSError  # a file in tmp/ and its descriptor, or why there is none

_SYNCS = 20  # at a time


def serve() -> None:
    """Write what the parent sends, group by group, and say what became of each letter."""
    path = Path(sys.argv[1])
    connection = parent.connect()
    with suppress(EOFError), ThreadPoolExecutor(_SYNCS) as syncing:
        while True:
            letters: list[Letter] = parent.receive(connection)
            parent.send(connection, put(path, letters, syncing))


def put(path: Path, letters: Sequence[Letter], syncing: Executor | None = None) -> list[End]:
    """Put letters into the Maildir; what became of each of them, in order.

    `syncing` lets the syncs of a group run side by side: the file system's journal then takes
    them together, where one after the other each would wait for a commit of its own.
    """
    try:
        make_folders(path)
    except OSError as error:
        return [_down(error) for _ in letters]
    staged = [_stage(path / "tmp" / f"{os.getpid()}.{letter.name}", letter) for letter in letters]
    synced = list(syncing.map(_sync, staged) if syncing else map(_sync, staged))
    ends = [
        _publish(file, path / "new" / letter.name)
        for file, letter in zip(synced, letters, strict=True)
    ]
    try:
        _sync_folder(path / "new")
    except OSError as error:
        return [end or Failed("unsynced", _why(error)) for end in ends]
    return ends


def _stage(file: Path, letter: Letter) -> Staged:
    data = f"Return-Path: <{letter.sender}>\n".encode() + letter.data.replace(b"\r\n", b"\n")
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return error
    try:
        _write(descriptor, data)
    except OSError as error:
        _discard(file, descriptor)
        return error
    return file, descriptor


def _write(descriptor: int, data: bytes) -> None:
    """A full disk may take a part of the data before it refuses the rest."""
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def _sync(staged: Staged) -> Staged:
    if isinstance(staged, OSError):
        return staged
    file, descriptor = staged
    try:
        os.fsync(descriptor)
    except OSError as error:
        _discard(file, descriptor)
        return error
    return staged


def _publish(synced: Staged, target: Path) -> End:
    if isinstance(synced, OSError):
        return _down(synced)
    file, descriptor = synced
    try:
        file.rename(target)
    except OSError as error:
        _discard(file, descriptor)
        return _down(error)
    os.close(descriptor)
    return None


def _discard(file: Path, descriptor: int) -> None:
    with suppress(OSError):
        os.close(descriptor)
    with suppress(OSError):
        file.unlink()


def make_folders(path: Path) -> None:
    for folder in ("tmp", "new", "cur"):
        if not (path / folder).is_dir():
            (path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(path)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _down(error: OSError) -> Failed:
    return Failed("down", _why(error))


def _why(error: OSError) -> str:
    return error.strerror or str(error)
