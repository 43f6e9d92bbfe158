"""A daemon that has nothing but mail loads nothing that only others need: that is memory and time."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly import WORKERS
from tests.daemon.servers import Site, daemon, lay_out
from tests.daemon.window import acknowledgements, change, mail, send

pytestmark = pytest.mark.daemon

# Python runs such a module at each start: each process leaves the names of what it had loaded.
NOTES = """
import atexit, os, sys
from pathlib import Path
def note():
    Path({folder!r}, str(os.getpid())).write_text("\\n".join(sorted(sys.modules)))
atexit.register(note)
"""
# SDKs and protocols of other channels, what only a migration, a database server, a log-in, a holiday
# or a developer needs, and parts of libraries that nobody here uses.
UNWANTED = (
    "aiogram", "aiohttp", "nio", "slack_sdk", "imapclient", "imaplib",
    "alembic", "mako", "psycopg", "psycopg_binary",
    "httpx", "httpcore", "holidays", "dateutil", "dkim", "cryptography", "aiosmtpd", "aiosmtplib", "attr",
    "rich", "pygments", "sqlalchemy.dialects.postgresql",
    "pytest", "hypothesis", "schemathesis", "jsonschema", "authres",
    "pydantic.v1", "attrs", "litestar.contrib", "litestar.testing", "litestar.cli", "litestar.channels",
    "channels.imap", "channels.line", "channels.telegram", "channels.matrix", "channels.slack",
    "channels.sms", "channels.whatsapp", "channels.web", "channels.http_channel", "channels.testing",
)  # fmt: skip
# A child reads, or writes a Maildir: it has no event loop, no store, no HTTP, no configuration.
NOT_IN_A_CHILD = (
    *UNWANTED, "asyncio", "ssl", "sqlalchemy", "litestar", "pydantic", "uvicorn", "jinja2", "apscheduler", "structlog",
    "typer", "rich", "prometheus_client", "store", "scheduler", "gateway.config", "gateway.api",
)  # fmt: skip


def loaded(site: Site, folder: Path) -> list[set[str]]:
    """What each process of a daemon had loaded at its end, the daemon's own first."""
    (folder / "sitecustomize.py").write_text(NOTES.format(folder=str(folder)), encoding="utf-8")
    with daemon(site, {"PYTHONPATH": str(folder)}):
        assert send(site, mail("warm")).code == 250
        assert acknowledgements(site, 1)
    files = [path for path in folder.iterdir() if path.name.isdecimal()]
    return sorted((set(path.read_text("utf-8").split()) for path in files), key=len, reverse=True)


def having(modules: set[str], unwanted: tuple[str, ...]) -> set[str]:
    return {one for one in unwanted if any(f"{name}.".startswith(f"{one}.") for name in modules)}


def test_a_daemon_with_nothing_but_mail_loads_nothing_that_only_others_need(tmp_path: Path) -> None:
    site = lay_out(tmp_path)
    change(site, ('holidays = "JP"\n', ""))
    (notes := tmp_path / "notes").mkdir()
    own, *children = loaded(site, notes)
    assert {"gateway.supervisor", "channels.smtp", "litestar", "sqlalchemy"} <= own
    assert having(own, UNWANTED) == set()
    assert sum("normalizer.email" in one for one in children) == WORKERS
    for one in children:
        assert having(one, NOT_IN_A_CHILD) == set()
