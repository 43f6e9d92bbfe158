"""How fast mail is read, beside Python's own email package on the same mails and one core.

Ours is the whole reading: text, reply labels, automatic, bounce, language. The package alone parses
the mail and finds its body and its attachments. MAILS names a folder of more mails.
"""

from __future__ import annotations

import email
import os
import sys
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from time import process_time
from typing import NamedTuple

from tests.fuzz.seeds import seeds
from tests.normalizer.email.mail import reading

ROUNDS = 5


class Rate(NamedTuple):
    """Mails a second, and how many of them the reader could not read."""

    mails: float
    failed: int


class Compared(NamedTuple):
    """One set of mails: all of our reading, the package finding the parts, and decoding them too."""

    name: str
    mails: int
    octets: int
    ours: Rate
    finding: Rate
    decoding: Rate

    @property
    def ratio(self) -> float:
        """To the package at its fastest, which decodes nothing."""
        return self.ours.mails / self.finding.mails

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.mails} mails of {self.octets / self.mails / 1024:.1f} KiB:"
            f" {self.ours.mails:,.0f} a second, all of it, {self.ours.failed} fail."
            f" Python's email: {self.finding.mails:,.0f} a second to find the parts"
            f" ({self.ratio:.1f} times), {self.decoding.mails:,.0f} to decode them too"
            f" ({self.ours.mails / self.decoding.mails:.1f} times), {self.decoding.failed} fail."
        )


def found(raw: bytes) -> list[EmailMessage]:
    """The body and the attachments, as the package finds them; nothing is decoded."""
    message = email.message_from_bytes(raw, policy=default)
    body = message.get_body()
    parts = [*([body] if body else []), *message.iter_attachments()]
    return [part for part in parts if isinstance(part, EmailMessage)]


def decoded(raw: bytes) -> None:
    """What a program does that wants to show them."""
    for part in found(raw):
        part.get_content()


def _once(read: Callable[[bytes], object], mails: Sequence[bytes]) -> tuple[float, int]:
    """Processor time for all mails; one that cannot be read has cost its time too."""
    failed = 0
    began = process_time()
    for mail in mails:
        try:
            read(mail)
        except Exception:
            failed += 1
    return process_time() - began, failed


def _rate(read: Callable[[bytes], object], mails: Sequence[bytes], rounds: int) -> Rate:
    """The best of some rounds: whatever else the machine does only makes it slower."""
    seconds, failed = min(_once(read, mails) for _ in range(rounds))
    return Rate(len(mails) / seconds, failed)


def compare(name: str, mails: Sequence[bytes], rounds: int = ROUNDS) -> Compared:
    rates = (_rate(read, mails, rounds) for read in (reading, found, decoded))
    return Compared(name, len(mails), sum(map(len, mails)), *rates)


def sets() -> dict[str, list[bytes]]:
    """Our own samples, and the mails below the folder MAILS if there is one."""
    mails = {"own samples": list(seeds())}
    if folder := os.environ.get("MAILS"):
        paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        mails[Path(folder).name] = [path.read_bytes() for path in paths]
    return mails


def main() -> None:
    for name, mails in sets().items():
        if mails:
            sys.stdout.write(f"{compare(name, mails)}\n")


if __name__ == "__main__":
    main()
