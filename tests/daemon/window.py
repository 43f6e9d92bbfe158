"""Write to the daemon as a customer does, and look at what it made of it as other programs do."""

from __future__ import annotations

import http.client
import json
import re
import smtplib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple

from store.store import look
from tests.daemon.servers import API_TOKEN, Site, launch, wait_until
from tests.store.house import answer

OURS = "support@example.com"
YUKI = "yuki@example.jp"
ENHANCED = re.compile(rb"^[245]\.\d{1,3}\.\d{1,3} ")


class Reply(NamedTuple):
    """What ended a mail's dialogue."""

    code: int
    text: bytes

    @property
    def is_honest(self) -> bool:
        """250, or a temporary refusal with an enhanced code and nobody's exception text."""
        shown = ENHANCED.match(self.text) is not None and b"Error" not in self.text
        return self.code == 250 or (400 <= self.code < 500 and shown)


def mail(name: str, sender: str = YUKI, size: int = 0) -> EmailMessage:
    """A plain mail by its name, with a body of at least so many octets."""
    letter = EmailMessage(policy=policy.SMTP)
    letter["From"], letter["To"] = f"Yuki Tanaka <{sender}>", OURS
    letter["Subject"] = f"Parcel {name}"
    letter["Message-ID"] = f"<{name}@mx.example.jp>"
    letter["Date"] = "Sat, 21 Nov 2026 12:00:00 +0900"
    letter.set_content("Where is my parcel?\n" + "It should be here.\n" * (size // 20))
    return letter


def bare(letter: EmailMessage) -> str:
    """Its Message-ID without brackets."""
    return str(letter["Message-ID"]).strip("<>")


@contextmanager
def talking(site: Site, seconds: float = 90) -> Iterator[smtplib.SMTP]:
    """A connection after EHLO."""
    line = smtplib.SMTP("127.0.0.1", site.smtp, timeout=seconds)
    try:
        line.ehlo("mx.example.jp")
        yield line
    finally:
        line.close()


def hand_over(line: smtplib.SMTP, letter: EmailMessage, sender: str = YUKI) -> Reply:
    """One mail on an open line; the reply that decided."""
    for code, text in (line.mail(sender), line.rcpt(OURS)):
        if code != 250:
            with suppress(smtplib.SMTPServerDisconnected):
                line.rset()
            return Reply(code, text)
    try:
        return Reply(*line.data(letter.as_bytes()))
    except smtplib.SMTPDataError as refused:
        error = refused.smtp_error
        return Reply(refused.smtp_code, error if isinstance(error, bytes) else error.encode())


def send(site: Site, letter: EmailMessage, sender: str = YUKI) -> Reply:
    """One mail on a connection of its own."""
    try:
        with talking(site) as line:
            return hand_over(line, letter, sender)
    except smtplib.SMTPConnectError as refused:
        error = refused.smtp_error
        return Reply(refused.smtp_code, error if isinstance(error, bytes) else error.encode())


def accepted_within(site: Site, seconds: float, letter: EmailMessage) -> None:
    """Send a mail again and again, as an MTA does, until it is accepted."""

    def tried() -> bool:
        with suppress(OSError, smtplib.SMTPException):
            return send(site, letter).code == 250
        return False

    wait_until(tried, seconds, "mail is accepted again")


def rows(site: Site, query: str) -> list[dict[str, Any]]:
    """What a query on the views says, asked of the SQLite file itself."""
    where = f"file:{site.database}?mode=ro"
    with closing(sqlite3.connect(where, uri=True, timeout=30)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a query says, asked of either database by the URL of the store."""
    return look(url, lambda connection: answer(connection, query))


def stored(site: Site) -> list[str]:
    """Message-IDs of all mails that came in."""
    return [row["message_id"] for row in rows(site, _RECEIVED)]


_RECEIVED = "SELECT message_id FROM v_messages WHERE direction = 'in' ORDER BY id"


def all_read(site: Site) -> None:
    """Return once nothing that was answered 250 waits to be read: a busy daemon reads later."""
    query = "SELECT 1 FROM v_messages WHERE status = 'unread'"
    wait_until(lambda: not rows(site, query), 60, "all is read")


def acknowledgements(site: Site, count: int, seconds: float = 60) -> list[EmailMessage]:
    """The mails in the Maildir, once there are so many."""

    def files() -> list[bytes]:
        found = sorted(site.sent.iterdir()) if site.sent.exists() else []
        return [path.read_bytes() for path in found]

    wait_until(lambda: len(files()) >= count, seconds, f"{count} acknowledgements are sent")
    return [message_from_bytes(data, policy=policy.default) for data in files()]


def logged(site: Site, event: str) -> list[dict[str, Any]]:
    """The lines of the daemon's log that tell of an event, over all its lives."""
    lines = site.log.read_text("utf-8", "replace").splitlines()
    told = (json.loads(line) for line in lines if line.startswith("{"))
    return [line for line in told if line["event"] == event]


def refusal(site: Site, seconds: float = 90) -> int:
    """The exit status of a daemon that is expected not to start."""
    process = launch(site)
    try:
        return process.wait(seconds)
    finally:
        process.kill()
        process.wait()


class Answer(NamedTuple):
    """An HTTP answer; the names of its headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def get(site: Site, path: str, token: str | None = None) -> Answer:
    """Ask the daemon over HTTP."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with closing(http.client.HTTPConnection("127.0.0.1", site.http, timeout=60)) as connection:
        connection.request("GET", path, headers=headers)
        found = connection.getresponse()
        headers = {name.lower(): value for name, value in found.getheaders()}
        return Answer(found.status, headers, found.read())


def api(site: Site, path: str) -> Any:
    """What the API answers to the token of these tests."""
    return get(site, path, API_TOKEN).json


def change(site: Site, *changes: tuple[str, str]) -> None:
    """Replace words in the site's config.toml."""
    text = site.config.read_text("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    site.config.write_text(text, "utf-8")


def holds(site: Site, path: str, status: int) -> Callable[[], bool]:
    """Whether an address answers with a status; for `wait_until`."""

    def asked() -> bool:
        with suppress(OSError):
            return get(site, path).status == status
        return False

    return asked
