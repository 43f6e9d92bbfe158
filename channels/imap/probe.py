"""Short visits to a mailbox, on a connection of their own: try it, list it, put a copy into it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from imapclient.exceptions import IMAPClientError

from channels.base import ChannelDown
from channels.imap import fetch
from channels.imap.folder import Folder, known_places
from channels.imap.login import Refused, log_in
from channels.imap.mailbox import criteria, no_folder, sent_folder
from channels.imap.settings import INBOX, ImapSettings
from channels.imap.wire import Connection
from channels.oauth import Login

_PATIENCE = 10.0  # seconds for each answer; whoever asks is waiting
_YOUNGEST = 200  # so many of the newest mails are asked when they came


def look(settings: ImapSettings, login: Login | None) -> str:
    """What works, in words. Raises ChannelDown, saying what does not."""
    with _visit(settings, login) as connection:
        names = {name: flags for flags, _, name in connection.list_folders()}
        missing = [name for name in settings.folders if name not in names and name != INBOX]
        if missing:
            raise ChannelDown(no_folder(missing, names))
        sent = sent_folder(connection, settings, names)
        said = [_count(connection, name) for name in settings.folders]
        said += [f"sent mail: {_count(connection, sent)}"] if sent else []
        said += [] if sent or not settings.sent else ["there is no Sent folder to read"]
        said += [] if connection.has_capability("IDLE") else ["no IDLE: new mail comes by `poll`"]
    return f"logged in as {settings.username}; {', '.join(said)}"


def _count(connection: Connection, name: str) -> str:
    found = connection.select_folder(name, readonly=True)[b"EXISTS"]
    return f"{name} with {found} mail{'' if found == 1 else 's'}"


def listing(
    settings: ImapSettings, login: Login | None, now: datetime, note: str
) -> frozenset[str]:
    """The unit of each mail that should be in the ledger by now. Raises ChannelDown.

    `note` names the mailboxes that the channel has read.
    """
    place = known_places(note, settings.place).index(settings.place)
    since = now - timedelta(seconds=2 * (settings.poll + settings.timeout))
    with _visit(settings, login) as connection:
        names = {name: flags for flags, _, name in connection.list_folders()}
        sent = sent_folder(connection, settings, names)
        wanted = (*settings.folders, *((sent,) if sent else ()))
        folders = [Folder(name, place=place) for name in wanted]
        return frozenset(
            unit for folder in folders for unit in _units(connection, settings, folder, since)
        )


def _units(
    connection: Connection, settings: ImapSettings, folder: Folder, since: datetime
) -> Iterator[str]:
    said = connection.select_folder(folder.name, readonly=True)
    folder.renumber(said[b"UIDVALIDITY"])
    connection.expect(12 * said[b"EXISTS"])
    uids = sorted(connection.search(criteria(settings, 1)))
    facts = fetch.facts(connection, uids[-_YOUNGEST:])
    young = {mail.uid for mail in facts if mail.came and mail.came > since}
    return (folder.unit(uid) for uid in uids if uid not in young)


def keep(settings: ImapSettings, login: Login | None, mail: bytes) -> None:
    """Put a copy into the Sent folder, marked as read. Raises ChannelDown."""
    with _visit(settings, login) as connection:
        names = {name: flags for flags, _, name in connection.list_folders()}
        sent = sent_folder(connection, settings, names) or settings.sent
        connection.append(sent, mail, [b"\\Seen"])


@contextmanager
def _visit(settings: ImapSettings, login: Login | None) -> Iterator[Connection]:
    """A logged-in connection. Raises ChannelDown in words for the admin."""
    brief = settings.model_copy(update={"timeout": min(settings.timeout, _PATIENCE)})
    where = f"{settings.host}:{settings.port}"
    try:
        connection = Connection(brief)
    except ssl.SSLCertVerificationError as error:
        said = (
            f"{where}: its certificate does not hold: {error.verify_message};"
            " write the host name that the certificate is for"
        )
        raise ChannelDown(said) from error
    except ssl.SSLError as error:
        said = f'{where}: no encryption there: {error.reason}; tls = "starttls" goes with port 143'
        raise ChannelDown(said) from error
    except OSError as error:
        said = f"{where} cannot be reached: {error.strerror or error}; {_remedy(error)}"
        raise ChannelDown(said) from error
    except IMAPClientError as error:
        raise ChannelDown(f"{where} does not speak IMAP as it should: {error}") from error
    try:
        log_in(connection, settings, login)
        yield connection
    except Refused as error:
        raise ChannelDown(str(error)) from error
    except (IMAPClientError, OSError) as error:
        raise ChannelDown(f"{where} broke off: {error}") from error
    finally:
        connection.leave()


def _remedy(error: OSError) -> str:
    match error:
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return "look at this machine's resolver"
        case socket.gaierror():
            return "look for a typing error in host"
        case ConnectionRefusedError():
            return "nothing listens there, so look at host and port (993 or 143)"
        case TimeoutError():
            return "look at the port, and for a firewall between here and there"
    return "look at this machine's network"
