"""Start a real Postfix on loopback, in a folder of its own, delivering to a Maildir."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.daemon.servers import free_port, log_tail, program, stop, wait_until

# Fair to Postfix: nothing of the defaults that only throttles, nothing that loosens durability.
# in_flow_delay would let a source faster than delivery wait a second at a time.
MAIN = {
    "compatibility_level": "3.6",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "maillog_file_prefixes": "{folder}",
    "maillog_file": "{folder}/log",
    "queue_directory": "{folder}/queue",
    "data_directory": "{folder}/data",
    "myhostname": "postfix.example",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "mynetworks": "127.0.0.0/8",
    "mydestination": "",
    "local_recipient_maps": "",
    "alias_maps": "",
    "alias_database": "",
    "smtp_dns_support_level": "disabled",
    "smtpd_peername_lookup": "no",
    "smtpd_recipient_restrictions": "permit_mynetworks, reject",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_client_connection_rate_limit": "0",
    "smtpd_client_message_rate_limit": "0",
    "in_flow_delay": "0",
    "default_process_limit": "200",
    "message_size_limit": "31457280",
    "mailbox_size_limit": "0",
    "virtual_mailbox_limit": "0",
    "virtual_mailbox_domains": "example.com",
    "virtual_mailbox_maps": "static:mail/",
    "virtual_mailbox_base": "{folder}",
    "virtual_uid_maps": "static:{user}",
    "virtual_gid_maps": "static:{group}",
    "virtual_minimum_uid": "1",
}
# master.cf: name, type, private, unprivileged, chroot, wake-up, processes at most, command
SERVICES = (
    "127.0.0.1:{port} inet n - n - - smtpd",
    "pickup unix n - n 60 1 pickup",
    "cleanup unix n - n - 0 cleanup",
    "qmgr unix n - n 300 1 qmgr",
    "rewrite unix - - n - - trivial-rewrite",
    "bounce unix - - n - 0 bounce",
    "defer unix - - n - 0 bounce",
    "trace unix - - n - 0 bounce",
    "error unix - - n - - error",
    "retry unix - - n - - error",
    "smtp unix - - n - - smtp",
    "virtual unix - n n - - virtual",
    "anvil unix - - n - 1 anvil",
    "postlog unix-dgram n - n - 1 postlogd",
)


class Postfix(NamedTuple):
    """A running Postfix: its master process, its port, and the folder that holds everything."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def delivered(self) -> Path:
        """The Maildir's `new`: one file for each mail delivered."""
        return self.folder / "mail" / "new"

    @property
    def log(self) -> Path:
        return self.folder / "log"


@contextmanager
def start(
    settings: Mapping[str, str] | None = None, services: tuple[str, ...] = ()
) -> Iterator[Postfix]:
    """Postfix for `@example.com`; `settings` are lines of main.cf, `services` of master.cf.

    In both, `{folder}` and `{port}` are replaced. PermissionError unless we are root.
    """
    if os.geteuid() != 0:
        raise PermissionError("Postfix starts as root only; run this as root")
    master = program("master")
    folder = Path(tempfile.mkdtemp(prefix="madoguchi-postfix-"))
    port = free_port()
    try:
        _lay_out(folder, port, MAIN | dict(settings or {}), (*SERVICES, *services))
        _check(folder)
        # Postfix's master signals its whole process group when it ends: it gets one of its own.
        command = [str(master), "-c", str(folder / "etc"), "-s"]
        process = subprocess.Popen(command, start_new_session=True, umask=0o022)
        try:
            wait_until(lambda: _greets(process, port, folder), 90, "Postfix greets")
            yield Postfix(process, port, folder)
        finally:
            stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(folder: Path, port: int, main: Mapping[str, str], services: tuple[str, ...]) -> None:
    owner = pwd.getpwnam("postfix")
    folder.chmod(0o755)
    for name in ("etc", "queue", "data", "mail"):
        (folder / name).mkdir()
        (folder / name).chmod(0o755)  # whatever umask a test before us has set
    for name in ("data", "mail"):
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    words = {"folder": folder, "port": port, "user": owner.pw_uid, "group": owner.pw_gid}
    lines = [f"{key} = {value}".format(**words) for key, value in main.items()]
    (folder / "etc/main.cf").write_text("\n".join(lines) + "\n")
    rows = [line.format(**words) for line in services]
    (folder / "etc/master.cf").write_text("\n".join(rows) + "\n")
    for file in (folder / "etc").iterdir():
        file.chmod(0o644)


def _check(folder: Path) -> None:
    """Let Postfix make the folders of its queue, and say what it does not like."""
    command = [str(program("postfix")), "-c", str(folder / "etc"), "check"]
    made = subprocess.run(command, capture_output=True, text=True, check=False, umask=0o022)
    if made.returncode:
        raise ChildProcessError(f"postfix check: {made.stderr} {log_tail(folder / 'log')}")


def _greets(process: subprocess.Popen[bytes], port: int, folder: Path) -> bool:
    if process.poll() is not None:
        raise ChildProcessError(f"Postfix ended at once: {log_tail(folder / 'log')}")
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            return client.recv(3) == b"220"
    except OSError:
        return False
