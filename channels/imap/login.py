"""Logging in to a mailbox."""

from __future__ import annotations

import re
from collections.abc import Callable

from imapclient.exceptions import IMAPClientAbortError, LoginError

from channels.imap.settings import ImapSettings
from channels.imap.wire import Connection
from channels.oauth import Login
from channels.oauth_endpoint import LoginNeeded, NotNow

# RFC 5530 section 3: the server has a trouble of its own; the password may be right.
_PASSING = re.compile(r"\[(UNAVAILABLE|INUSE|SERVERBUG|CONTACTADMIN)\]", re.IGNORECASE)


class Refused(Exception):
    """The server refuses the log-in."""


def log_in(connection: Connection, settings: ImapSettings, login: Login | None = None) -> None:
    """Log in. Raises Refused with the server's words, and whatever a broken connection raises."""
    if login is None:
        _try(settings, lambda: _with_password(connection, settings))
    else:
        _with_token(connection, settings, login)


def _with_password(connection: Connection, settings: ImapSettings) -> None:
    if connection.has_capability("AUTH=PLAIN"):  # it takes passwords beyond ASCII
        connection.plain_login(settings.username, settings.password)
    else:
        connection.login(_quoted(settings.username), settings.password)


def _with_token(connection: Connection, settings: ImapSettings, login: Login) -> None:
    """Providers end tokens early, when a password changes for one; a new one has one go."""
    token = _token(login)
    try:
        _try(settings, lambda: _bear(connection, settings, token))
    except Refused:
        if login.is_replacement(token):
            raise
        fresh = _token(login, refused=token)
        _try(settings, lambda: _bear(connection, settings, fresh))
    login.worked()


def _token(login: Login, refused: str = "") -> str:
    try:
        return login.access(refused)
    except LoginNeeded as error:
        raise Refused(str(error)) from error
    except NotNow as error:
        raise ConnectionError(str(error)) from error


def _bear(connection: Connection, settings: ImapSettings, token: str) -> None:
    """RFC 7628, or what Google and Microsoft had before it."""
    if connection.has_capability("AUTH=XOAUTH2"):
        connection.oauth2_login(settings.username, token)
    elif connection.has_capability("AUTH=OAUTHBEARER"):
        connection.oauthbearer_login(settings.username, token)
    else:
        raise Refused(f"{settings.host} offers no log-in with OAuth2; set a password instead")


def _try(settings: ImapSettings, log_in: Callable[[], None]) -> None:
    try:
        log_in()
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
