"""A disk that loses its power: what a trace of system calls leaves behind at any moment of it.

Strict: the octets of a file are there once it was synced, its name once its folder was. Of what was
written since then any part may be there, sector by sector, in any order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

SECTOR = 512
# -xx shows every octet, -y what a descriptor is; nothing may be cut off.
COMMAND = (
    "strace", "-f", "-y", "-qq", "-xx", "-s", "4000000", "--seccomp-bpf", "-e", "signal=none",
    "-e", "trace=openat,write,writev,sendto,sendmsg,pwrite64,ftruncate,fsync,fdatasync,rename,unlink,mkdir",
)  # fmt: skip
_LINE = re.compile(r"(\d+) +(.*)")
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_FILE = re.compile(r"(\d+)<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_QUEUED = re.compile(rb"250 [^\r\n]* queued as (\S+)")


class Call(NamedTuple):
    """A system call that ended well; or, without a result, one that has only begun."""

    name: str
    rest: str
    result: int | None

    @property
    def file(self) -> tuple[str, str]:
        """The descriptor that comes first, and its path."""
        found = _FILE.match(self.rest)
        return (found[1], _plain(found[2]).decode()) if found else ("", "")

    @property
    def texts(self) -> list[bytes]:
        return [_plain(text) for text in _TEXT.findall(self.rest)]

    @property
    def last(self) -> int:
        """The last argument, a number."""
        return int(self.rest.rpartition(", ")[2])


def _plain(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """The calls in the order of their ends; each is there once more where it began."""
    begun: dict[str, str] = {}
    for line in lines:
        if not (found := _LINE.match(line)):
            continue
        thread, rest = found[1], found[2]
        if rest.endswith("<unfinished ...>"):
            begun[thread] = rest.removesuffix(" <unfinished ...>").removesuffix("<unfinished ...>")
            name, _, inner = begun[thread].partition("(")
            yield Call(name, inner, None)
            continue
        if resumed := _RESUMED.match(rest):
            rest = begun.pop(thread, "") + resumed[1]
        if (call := _CALL.match(rest)) and int(call[3]) >= 0:
            yield Call(call[1], call[2], int(call[3]))


@dataclass
class File:
    """What is surely on the disk, and what was written since: (where, octets), or (length, None)."""

    synced: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        for where, octets in self.since:
            _put(self.synced, where, octets)
        self.since.clear()

    def after(self, cut: Random) -> bytes:
        """Its octets after a cut of the power."""
        found, keeps = bytearray(self.synced), cut.choice((0.0, 0.5, 1.0))
        for where, octets in self.since:
            if octets is None:
                if cut.random() < keeps:
                    _put(found, where, None)
                continue
            for at in range(0, len(octets), SECTOR):
                if cut.random() < keeps:
                    _put(found, where + at, octets[at : at + SECTOR])
        return bytes(found)


def _put(into: bytearray, where: int, octets: bytes | None) -> None:
    if octets is None:
        del into[where:]
        into.extend(bytes(where - len(into)))
        return
    into.extend(bytes(max(0, where + len(octets) - len(into))))
    into[where : where + len(octets)] = octets


@dataclass
class Disk:
    """The files below a folder. `named` is what a process sees; `synced` survives for sure."""

    folder: str
    named: dict[str, File] = field(default_factory=dict)
    synced: dict[str, File] = field(default_factory=dict)
    since: list[tuple[str, File | None]] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)  # made meanwhile; each is a name as a file is
    is_lying: bool = False  # a disk that says it has synced, and has not
    _at: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Disk:
        """A folder as it lies there, all of it synced."""
        found = cls(str(folder))
        for path in folder.rglob("*"):
            if path.is_file():
                found.named[str(path)] = File(bytearray(path.read_bytes()))
        found.synced = dict(found.named)
        return found

    def take(self, call: Call) -> None:
        """One call of the trace. A 250 counts from where its writing began."""
        number, path = call.file
        if call.name in ("write", "writev", "sendto", "sendmsg") and not path.startswith("/"):
            said = b"".join(call.texts)
            self.answered += [
                unit.decode()
                for unit in _QUEUED.findall(said)
                if unit.decode() not in self.answered
            ]
        elif call.result is not None:
            getattr(self, f"_{call.name}", self._nothing)(call, number, path)

    def _nothing(self, *_: object) -> None:
        """A call that leaves no trace on a disk."""

    def _is_here(self, path: str) -> bool:
        return path.startswith(f"{self.folder}/")

    def _openat(self, call: Call, _: str, __: str) -> None:
        path = call.texts[0].decode()
        if not self._is_here(path) or call.result is None:
            return
        if path not in self.named and "O_CREAT" in call.rest:
            self.named[path] = File()
            self.since.append((path, self.named[path]))
        elif path in self.named and "O_TRUNC" in call.rest:
            self.named[path].since.append((0, None))
        self._at[str(call.result), path] = 0

    def _write(self, call: Call, number: str, path: str) -> None:
        if (file := self.named.get(path)) and call.result is not None:
            at = self._at.get((number, path), 0)
            file.since.append((at, call.texts[0][: call.result]))
            self._at[number, path] = at + call.result

    def _pwrite64(self, call: Call, _: str, path: str) -> None:
        if file := self.named.get(path):
            file.since.append((call.last, call.texts[0][: call.result]))

    def _ftruncate(self, call: Call, _: str, path: str) -> None:
        if file := self.named.get(path):
            file.since.append((call.last, None))

    def _rename(self, call: Call, _: str, __: str) -> None:
        old, new = (text.decode() for text in call.texts)
        if file := self.named.pop(old, None):
            self.named[new] = file
            self.since += [(new, file), (old, None)]

    def _unlink(self, call: Call, _: str, __: str) -> None:
        path = call.texts[0].decode()
        if self.named.pop(path, None):
            self.since.append((path, None))

    def _mkdir(self, call: Call, _: str, __: str) -> None:
        path = call.texts[0].decode()
        if self._is_here(path):
            self.folders.add(path)
            self.named[path] = File()
            self.since.append((path, self.named[path]))

    def _fsync(self, _: Call, __: str, path: str) -> None:
        if self.is_lying:
            return
        if file := self.named.get(path):
            file.sync()
        within = [one for one in self.since if str(Path(one[0]).parent) == path]
        self.since = [one for one in self.since if one not in within]
        _name(self.synced, within)

    _fdatasync = _fsync

    def after(self, cut: Random) -> dict[str, bytes]:
        """Every file by its path, after a cut of the power at this moment."""
        names, keeps = dict(self.synced), cut.choice((0.0, 0.5, 1.0))
        _name(names, [one for one in self.since if cut.random() < keeps])
        gone = tuple(f"{folder}/" for folder in self.folders if folder not in names)
        return {
            path: file.after(cut)
            for path, file in names.items()
            if path not in self.folders and not path.startswith(gone)
        }


def _name(names: dict[str, File], changes: Iterable[tuple[str, File | None]]) -> None:
    for path, file in changes:
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file
