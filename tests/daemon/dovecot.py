"""A real Dovecot in a folder of its own: mailboxes over IMAP, mail into them over LMTP."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from imapclient import IMAPClient

from tests.daemon.servers import User, free_port, log_tail, program, unprivileged, wait_until

USER = "support"
PASSWORD = "secret"
PASSDB = f"""\
passdb {{
  driver = static
  args = password={PASSWORD}
}}
"""
_CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
auth_username_format = %n
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
mailbox_idle_check_interval = 1 secs
mail_max_userip_connections = 100
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
}}
"""


@dataclass
class Dovecot:
    """One server on free ports; it can be stopped and started again on the same mails.

    `config` is everything in dovecot.conf. Any user name has a mailbox; PASSWORD opens it unless
    another passdb was given.
    """

    folder: Path
    imap: int
    lmtp: int
    config: str
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start, and return once it answers on both ports."""
        path = self.folder / "dovecot.conf"
        path.write_text(self.config, "utf-8")
        self.process = subprocess.Popen(
            [str(program("dovecot")), "-F", "-c", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            umask=0o022,
        )
        wait_until(self._answers, 90, f"Dovecot answers\n{log_tail(self.folder / 'log')}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and all its children; every connection breaks."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def connect(self, user: str = USER, password: str = PASSWORD) -> IMAPClient:
        """A logged-in client, for what people do to their mailbox."""
        client = IMAPClient("127.0.0.1", self.imap, ssl=False, timeout=60)
        client.login(user, password)
        return client

    def deliver(self, *mails: bytes, user: str = USER, sender: str = "yuki@example.jp") -> None:
        """Mails as they come from the internet, into INBOX."""
        with closing(smtplib.LMTP("127.0.0.1", self.lmtp)) as line:
            line.ehlo("mx.example.jp")
            for mail in mails:
                line.sendmail(sender, [f"{user}@example.com"], mail)

    def append(self, folder: str, *mails: bytes, user: str = USER) -> None:
        """Mails as a mail program puts them there; the folder is made if need be."""
        with self.connect(user) as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            for mail in mails:
                client.append(folder, mail)

    def renumber(self, folder: str = "INBOX", user: str = USER) -> None:
        """Give a folder a new UIDVALIDITY and its mails new UIDs, as a restored backup has."""
        place = self.folder / "mail" / user
        place = place if folder == "INBOX" else place / f".{folder}"
        for index in ("dovecot-uidlist", *(path.name for path in place.glob("dovecot.index*"))):
            (place / index).unlink(missing_ok=True)

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise ChildProcessError(f"Dovecot ended\n{log_tail(self.folder / 'log')}")
        with suppress(OSError, smtplib.SMTPException):
            smtplib.LMTP("127.0.0.1", self.lmtp, timeout=30).close()
            IMAPClient("127.0.0.1", self.imap, ssl=False, timeout=30).shutdown()
            return True
        return False


@contextmanager
def dovecot(more: str = "", passdb: str = PASSDB) -> Iterator[Dovecot]:
    """A running Dovecot; `more` is added to its configuration, `passdb` says who may log in."""
    folder = Path(tempfile.mkdtemp(prefix="madoguchi-dovecot-"))
    folder.chmod(0o755)  # its processes have users of their own
    server = _laid_out(folder, more + passdb)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _laid_out(folder: Path, more: str) -> Dovecot:
    who, imap, lmtp = unprivileged(), free_port(), free_port()
    for name in ("run", "state", "mail"):
        (folder / name).mkdir(mode=0o755)
    config = _CONFIG.format(folder=folder, imap=imap, lmtp=lmtp, **_users(folder, who))
    return Dovecot(folder, imap, lmtp, config + more)


def _users(folder: Path, who: User) -> dict[str, str | int]:
    """As root, Dovecot's own users and somebody for the mails; else ourselves for everything."""
    if who.user is None or who.group is None:
        me, mine = pwd.getpwuid(os.geteuid()).pw_name, os.getegid()
        names = {"internal": me, "login": me, "group": grp.getgrgid(mine).gr_name}
        return names | {"uid": os.geteuid(), "gid": mine}
    os.chown(folder / "mail", who.user, who.group)
    names = {"internal": "dovecot", "login": "dovenull", "group": "dovecot"}
    return names | {"uid": who.user, "gid": who.group}
