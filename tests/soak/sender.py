"""A sender that behaves as an MTA: it sends again until the 250, and keeps its own ledger."""

from __future__ import annotations

import os
import random
import smtplib
import threading
from base64 import encodebytes
from contextlib import suppress
from itertools import count
from pathlib import Path

from tests.bench.mails import RECIPIENT, Mail, Series

LARGE_EVERY = 25  # one mail in so many carries an attachment that the store keeps as a file
LARGE = 300_000
AGAIN = 0.05  # seconds before a mail is tried again: nobody waits for hours here


class Ledger:
    """Message-IDs that were answered 250, one a line, each on the disk before it counts."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self._lock = threading.Condition()
        self.known: list[str] = []

    def note(self, message_id: str) -> None:
        with self._lock:
            self._file.write(message_id.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self.known.append(message_id)
            self._lock.notify_all()

    def reach(self, number: int, seconds: float) -> bool:
        """Wait until so many are known; False when it takes longer than that."""
        with self._lock:
            return self._lock.wait_for(lambda: len(self.known) >= number, seconds)

    def close(self) -> None:
        self._file.close()


class Sender:
    """Connections that send distinct mails without end, until told to finish what they hold."""

    def __init__(self, port: int, ledger: Ledger, run: str, connections: int = 20) -> None:
        self.ledger = ledger
        self.deferred = 0
        self.bounced: list[str] = []
        self._port = port
        self._series = Series("4k", run)
        self._numbers = count()
        self._finish = threading.Event()
        self._abandon = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(connections)]
        for thread in self._threads:
            thread.start()

    def finish(self, seconds: float) -> bool:
        """Take up no further mail; whether all that were taken up got their 250 in time."""
        self._finish.set()
        for thread in self._threads:
            thread.join(seconds)
        done = not any(thread.is_alive() for thread in self._threads)
        self._abandon.set()
        for thread in self._threads:
            thread.join()
        return done

    def _work(self) -> None:
        line: smtplib.SMTP | None = None
        while not self._finish.is_set():
            mail = self._mail(next(self._numbers))
            line = self._until_accepted(line, mail)
        if line is not None:
            line.close()

    def _until_accepted(self, line: smtplib.SMTP | None, mail: Mail) -> smtplib.SMTP | None:
        while not self._abandon.is_set():
            try:
                line = line or smtplib.SMTP("127.0.0.1", self._port, timeout=30)
                if self._settled(mail, _send(line, mail)):
                    return line
            except (OSError, smtplib.SMTPException):
                if line is not None:
                    line.close()
                line = None
            self._abandon.wait(AGAIN)
        return line

    def _settled(self, mail: Mail, code: int) -> bool:
        """Note what the daemon said; whether the mail is done with."""
        if code == 250:
            self.ledger.note(mail.message_id)
        elif code >= 500:
            self.bounced.append(f"{mail.message_id}: {code}")
        else:
            self.deferred += 1
        return code == 250 or code >= 500

    def _mail(self, number: int) -> Mail:
        mail = self._series.mail(number)
        return mail if number % LARGE_EVERY else _enlarged(mail, number)


def _send(line: smtplib.SMTP, mail: Mail) -> int:
    """Hand over one mail; the reply code that decided. Broken lines raise."""
    line.ehlo_or_helo_if_needed()
    for code, _ in (line.mail(mail.sender.decode()), line.rcpt(RECIPIENT.decode())):
        if code != 250:
            with suppress(smtplib.SMTPServerDisconnected):
                line.rset()
            return code
    code, _ = line.docmd("DATA")
    if code != 354:
        return code
    line.send(mail.data)
    code, _ = line.getreply()
    return code


def _enlarged(mail: Mail, number: int) -> Mail:
    """The same mail with a large attachment of its own bytes."""
    head, _, body = mail.data.partition(b"\r\n\r\n")
    kept = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-")]
    data = encodebytes(random.Random(number).randbytes(LARGE)).replace(b"\n", b"\r\n")
    parts = [
        *kept,
        b'Content-Type: multipart/mixed; boundary="soak"\r\n',
        b"--soak\r\nContent-Type: text/plain; charset=utf-8",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        body.removesuffix(b".\r\n"),
        b"--soak\r\nContent-Type: application/octet-stream",
        b"Content-Transfer-Encoding: base64",
        b"Content-Disposition: attachment; filename=scan-%d.bin\r\n" % number,
        data + b"--soak--\r\n.\r\n",
    ]
    return mail._replace(data=b"\r\n".join(parts))
