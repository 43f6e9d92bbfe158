"""How fast a mailbox full of old mail is read, in what memory, beside a help desk's own fetcher.

Both read the same mails from the same Dovecot. django-helpdesk deletes what it has read, so it
has a mailbox of its own; it goes into a virtual environment apart, since it is no part of ours.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import NamedTuple

from tests.bench.host import MB, cpu, footprint
from tests.bench.mails import Series
from tests.daemon.dovecot import PASSWORD, USER, Dovecot, dovecot
from tests.daemon.mailbox import lay_out_mailbox
from tests.daemon.servers import daemon
from tests.daemon.window import rows

PATIENCE = 1200.0
THEIRS = "django-helpdesk==2.6.1"
_STORED = "SELECT count(*) AS n FROM v_messages WHERE direction = 'in'"
_GET_EMAIL = """
import sys, time
import django
from django.conf import settings
port, user, password = sys.argv[1:]
settings.configure(
    SECRET_KEY="bench", USE_TZ=True, SITE_ID=1, MEDIA_ROOT="media", STATIC_URL="/static/",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField", ROOT_URLCONF="__main__",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "helpdesk.db"}},
    EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
    INSTALLED_APPS=["django.contrib." + name for name in (
        "admin", "auth", "contenttypes", "humanize", "messages", "sessions", "sites", "staticfiles",
    )] + ["helpdesk", "rest_framework"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    HELPDESK_TEAMS_MODE_ENABLED=False,
)
django.setup()
from django.core.management import call_command
from django.urls import include, path
urlpatterns = [path("", include("helpdesk.urls"))]
call_command("migrate", verbosity=0)
from helpdesk.models import Queue, Ticket
Queue.objects.create(
    title="Support", slug="support", email_address="support@example.com",
    allow_email_submission=True, email_box_type="imap", email_box_host="127.0.0.1",
    email_box_port=int(port), email_box_user=user, email_box_pass=password,
    email_box_imap_folder="INBOX", email_box_interval=0, logging_type="none",
)
began = time.perf_counter()
call_command("get_email", quiet=True)
print(Ticket.objects.count(), time.perf_counter() - began)
"""


class Ours(NamedTuple):
    """Mails a second, processor time a mail, and the daemon's memory over time, in MB."""

    mails: int
    seconds: float
    processor: float
    memory: list[float]
    family: float

    @property
    def rate(self) -> float:
        return self.mails / self.seconds

    @property
    def slope(self) -> float:
        """MB for 10,000 mails, over the second half."""
        half = self.memory[len(self.memory) // 2 :]
        return (half[-1] - half[0]) / (self.mails / 2) * 10_000

    def __str__(self) -> str:
        return (
            f"ours: {self.mails} mails at {self.rate:.0f} a second,"
            f" {self.processor / self.mails * 1e6:.0f} µs of processor time each;"
            f" the daemon at most {max(self.memory):.0f} MB ({self.slope:+.1f} MB for 10,000 mails"
            f" in the second half), with its readers {self.family:.0f} MB"
        )


class Theirs(NamedTuple):
    """What the other one made of its mailbox."""

    mails: int
    tickets: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.mails / self.seconds

    def __str__(self) -> str:
        return f"{THEIRS}: {self.tickets} tickets of {self.mails} mails at {self.rate:.0f} a second"


def fill(server: Dovecot, user: str, mails: int) -> None:
    """Put mails into a user's Maildir as files: IMAP would take longer than reading them."""
    server.deliver(b"Subject: the folder is made\r\n\r\n", user=user)
    place = server.folder / "mail" / user
    owner, series = place.stat(), Series("4k", "old")
    for number in range(mails - 1):
        path = place / "cur" / f"{1_700_000_000 + number}.M{number}P1.bench:2,S"
        path.write_bytes(series.mail(number).data.removesuffix(b".\r\n").replace(b"\r\n", b"\n"))
        os.chown(path, owner.st_uid, owner.st_gid)


def ours(server: Dovecot, folder: Path, mails: int) -> Ours:
    """The daemon, from its start until everything is stored."""
    site = lay_out_mailbox(folder, server)
    memory: list[float] = []
    with daemon(site) as process:
        began, spent = time.perf_counter(), cpu(process.pid)
        while rows(site, _STORED)[0]["n"] < mails:
            if time.perf_counter() - began > PATIENCE:
                raise TimeoutError(f"not all stored within {PATIENCE:.0f} s")
            time.sleep(0.2)
            memory.append(footprint(process.pid)[0] / MB)
        seconds = time.perf_counter() - began
        family = sum(footprint(process.pid)) / MB
        return Ours(mails, seconds, cpu(process.pid) - spent, memory, family)


def theirs(server: Dovecot, folder: Path, user: str, mails: int) -> Theirs:
    """One `get_email` over its whole mailbox."""
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, THEIRS, "setuptools"], check=True, stderr=subprocess.DEVNULL)
    command = [python, "-c", _GET_EMAIL, str(server.imap), user, PASSWORD]
    said = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    tickets, seconds = said.stdout.split()[-2:]
    return Theirs(mails, int(tickets), float(seconds))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.mailbox", description=__doc__)
    parser.add_argument("--mails", type=int, default=100_000)
    parser.add_argument("--theirs", type=int, default=3000, help="0 leaves the other one out")
    given = parser.parse_args()
    with dovecot() as server, tempfile.TemporaryDirectory(prefix="madoguchi-bench-") as place:
        folder = Path(place)
        fill(server, USER, given.mails)
        mine = ours(server, folder, given.mails)
        sys.stdout.write(f"{mine}\n")
        if given.theirs:
            fill(server, "theirs", given.theirs)
            other = theirs(server, folder, "theirs", given.theirs)
            sys.stdout.write(f"{other}\nratio: {mine.rate / other.rate:.0f}\n")


if __name__ == "__main__":
    main()
