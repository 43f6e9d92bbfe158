"""Start real servers for a test: PostgreSQL in a folder of its own, and the daemon itself."""

from __future__ import annotations

import http.client
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

DEBIAN = {
    "postgres": "postgresql", "postfix": "postfix", "master": "postfix", "strace": "strace",
    "dovecot": "dovecot-imapd dovecot-lmtpd", "rspamd": "rspamd", "opendkim": "opendkim", "curl": "curl", "faketime": "faketime",
    "chromium": "chromium",
}  # fmt: skip
PLACES = ("/usr/lib/postgresql/*/bin", "/usr/lib/postfix/sbin", "/usr/sbin")
API_TOKEN = "for-tests-only"
CONFIG = """\
[gateway]
name = "Example Support"
timezone = "Asia/Tokyo"
language = "en"
data_dir = "var"

[store]
url = "{store}"

[http]
listen = "127.0.0.1:{http}"

[[channel]]
name = "mail"
type = "smtp"
listen = "127.0.0.1:{smtp}"
addresses = ["support@example.com"]
send = "maildir:sent"

[acknowledge]
enabled = true
reply_within = "4 business hours"

[acknowledge.limits]
per_sender_day = 0
unauthenticated_day = 0
unauthenticated_hour = 0
per_conversation_day = 0
per_domain_hour = 0
global_minute = 0

[calendar]
hours = {{ mon-fri = ["09:00-12:00", "13:00-18:00"] }}
holidays = "JP"
"""


def require(*names: str) -> None:
    """Skip the test that needs these servers where they cannot be had; fail it in CI."""
    try:
        for name in names:
            program(name)
    except LookupError as missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(missing))


def program(name: str) -> Path:
    """Where a server's binary is, installed from Debian if we may; else LookupError."""
    found = _find(name)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(DEBIAN[name])
        found = _find(name)
    if found is None:
        raise LookupError(f"{name} is missing: apt-get install {DEBIAN[name]}")
    return found


def _find(name: str) -> Path | None:
    usual = shutil.which(name)
    places = (path for place in PLACES for path in sorted(Path("/").glob(place[1:])))
    known = (place / name for place in places)
    return next((path for path in known if path.is_file()), Path(usual) if usual else None)


def _install(package: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", *package.split()]):
        subprocess.run(["apt-get", *command], env=environment, check=False, capture_output=True)


def free_port() -> int:
    """A loopback port for a server that starts a moment later, and perhaps starts again.

    None of those that the kernel hands out by itself, for a connection of anybody's or for port 0:
    it would give this one away meanwhile. And each process of a run has a range of its own.
    """
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise LookupError("no port is free")


def _our_ports() -> Iterator[int]:
    """Those of this process, again and again, from one by chance on: another run may be under way."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _PROCESSES
    first = _LOWEST + worker * _EACH
    start = random.randrange(_EACH)
    return (first + (start + n) % _EACH for n in range(100 * _EACH))


# Below 32768, where Linux begins by itself, and above 10080, which browsers refuse.
_LOWEST, _EACH, _PROCESSES = 10_100, 1_375, 16
_ports = _our_ports()


def wait_until(true: Callable[[], bool], seconds: float, what: str) -> None:
    """Return once `true()` holds; raise TimeoutError, saying `what` did not, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes], seconds: float = 30) -> int:
    """End a process that we started, gently first; its exit status."""
    process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


class User(NamedTuple):
    """Whom a process runs as; None leaves it as it is."""

    user: int | None
    group: int | None


def unprivileged() -> User:
    """Whom a server runs as that refuses to be root."""
    if os.geteuid() != 0:
        return User(None, None)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return User(entry.pw_uid, entry.pw_gid)
    raise LookupError("neither postgres nor nobody is a user here")


class Postgres(NamedTuple):
    """A running PostgreSQL: its process, its port, and how to make a fresh database in it."""

    process: subprocess.Popen[bytes]
    port: int

    def dsn(self, database: str = "postgres") -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"

    def create(self, database: str) -> str:
        """Make an empty database; its URL for the `[store]` table."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(f'create database "{database}"'.encode())
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"


@contextmanager
def postgres(settings: Mapping[str, str] | None = None) -> Iterator[Postgres]:
    """PostgreSQL with its default durability, in a folder that goes away with it."""
    binary, who = program("postgres"), unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="madoguchi-pg-"))
    if who.user is not None and who.group is not None:
        os.chown(folder, who.user, who.group)
    port = free_port()
    options = {"port": str(port), "listen_addresses": "127.0.0.1"}
    options |= {"unix_socket_directories": str(folder)} | dict(settings or {})
    try:
        _initdb(binary, folder, who)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(binary), "-D", str(folder / "data"), *_as_flags(options)],
                stdout=log,
                stderr=log,
                user=who.user,
                group=who.group,
            )
        try:
            wait_until(lambda: _answers(port, process), 90, "PostgreSQL answers")
            yield Postgres(process, port)
        finally:
            # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for its clients.
            process.send_signal(signal.SIGINT)
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initdb(binary: Path, folder: Path, who: User) -> None:
    command = [str(binary.with_name("initdb")), "-D", str(folder / "data"), "-U", "postgres"]
    more = ["-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    subprocess.run(
        [*command, *more],
        check=True,
        capture_output=True,
        cwd=folder,
        user=who.user,
        group=who.group,
    )


def _as_flags(options: Mapping[str, str]) -> list[str]:
    return [f"--{key}={value}" for key, value in options.items()]


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise ChildProcessError(f"PostgreSQL ended with {process.returncode}")
    with suppress(psycopg.OperationalError):
        psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres").close()
        return True
    return False


class Site(NamedTuple):
    """A folder with a config.toml, and the ports that the daemon takes from it."""

    folder: Path
    smtp: int
    http: int

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def database(self) -> Path:
        """Where the store is when it is SQLite."""
        return self.folder / "var" / "madoguchi.db"

    @property
    def sent(self) -> Path:
        """Where acknowledgements arrive."""
        return self.folder / "sent" / "new"


def lay_out(folder: Path, store: str = "sqlite:///var/madoguchi.db", more: str = "") -> Site:
    """Write a config.toml without limits, on free ports; `more` is added at its end.

    Senders are not looked up, lest a test depend on the DNS of its machine, unless `more` says so.
    """
    if "[authentication]" not in more:
        more += "\n[authentication]\nenabled = false\n"
    site = Site(folder, free_port(), free_port())
    text = CONFIG.format(store=store, http=site.http, smtp=site.smtp)
    site.config.write_text(text + more, encoding="utf-8")
    return site


def launch(
    site: Site, environment: Mapping[str, str] | None = None, prefix: tuple[str, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start the daemon without waiting; `prefix` may be a tracer and its arguments."""
    command = Path(sys.executable).with_name("madoguchi")
    variables = os.environ | {"MADOGUCHI_API_TOKEN": API_TOKEN} | dict(environment or {})
    with site.log.open("ab") as log:
        return subprocess.Popen(
            [*prefix, str(command), "run", "-c", str(site.config)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=variables,
        )


def ready(site: Site) -> bool:
    """Whether `/readyz` says 200."""
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=30)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def await_ready(site: Site, process: subprocess.Popen[bytes], seconds: float = 90) -> None:
    """Return once the daemon is ready; raise with the end of its log when it ends instead."""

    def up() -> bool:
        if process.poll() is not None:
            raise ChildProcessError(f"ended with {process.returncode}:\n{log_tail(site.log)}")
        return ready(site)

    try:
        wait_until(up, seconds, "/readyz is 200")
    except TimeoutError as error:
        raise TimeoutError(f"{error}\n{log_tail(site.log)}") from error


def log_tail(path: Path, size: int = 3000) -> str:
    return path.read_text("utf-8", "replace")[-size:] if path.exists() else ""


@contextmanager
def daemon(
    site: Site,
    environment: Mapping[str, str] | None = None,
    prefix: tuple[str, ...] = (),
    patience: float = 90,
) -> Iterator[subprocess.Popen[bytes]]:
    """The daemon, ready, and stopped with SIGTERM at the end."""
    process = launch(site, environment, prefix)
    try:
        await_ready(site, process, patience)
        yield process
    finally:
        stop(process)
