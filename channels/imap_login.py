"""Logging in to a mailbox."""

from __future__ import annotations

import re

from imapclient.exceptions import IMAPClientAbortError, LoginError

from channels.imap_settings import ImapSettings
from channels.imap_wire import Connection

# RFC 5530 section 3: the server has a trouble of its own; the password may be right.
_PASSING = re.compile(r"\[(UNAVAILABLE|INUSE|SERVERBUG|CONTACTADMIN)\]", re.IGNORECASE)


class Refused(Exception):
    """The server refuses the log-in."""


def log_in(connection: Connection, settings: ImapSettings) -> None:
    """Log in. Raises Refused with the server's words, and whatever a broken connection raises."""
    try:
        if connection.has_capability("AUTH=PLAIN"):  # it takes passwords beyond ASCII
            connection.plain_login(settings.username, settings.password)
        else:
            connection.login(_quoted(settings.username), settings.password)
    except LoginError as error:
        if isinstance(error.__context__, IMAPClientAbortError) or _PASSING.search(str(error)):
            raise ConnectionError(f"the log-in was cut off: {_plain(error)}") from error
        raise Refused(
            f"{settings.host} refuses the log-in of {settings.username}: {_plain(error)}"
        ) from error


def _quoted(name: str) -> str:
    """The library quotes the password only."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(error: Exception) -> str:
    """What the server said, without Python's marks."""
    words = re.sub(r"^b(['\"])(.*)\1$", r"\2", str(error))
    return words[:200]
