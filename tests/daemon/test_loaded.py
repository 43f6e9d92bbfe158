"""A daemon that has nothing but mail loads nothing that only others need: that is memory and time."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly import WORKERS
from tests.daemon.servers import API_TOKEN, daemon, lay_out
from tests.daemon.window import acknowledgements, get, mail, send

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
    "gateway.api.openapi",
    "channels.imap", "channels.line", "channels.telegram", "channels.matrix", "channels.slack",
    "channels.sms", "channels.whatsapp", "channels.web", "channels.http_channel", "channels.testing",
)  # fmt: skip
# What the first question to the API loads; whoever watches us asks none.
ON_DEMAND = ("litestar", "multipart", "nh3", "yaml", "anyio", "gateway.api.routes")
# A child reads, or writes a Maildir: it has no event loop, no store, no HTTP, no configuration.
NOT_IN_A_CHILD = (
    *UNWANTED, "asyncio", "ssl", "sqlalchemy", "litestar", "pydantic", "uvicorn", "jinja2", "apscheduler", "structlog",
    "typer", "rich", "prometheus_client", "store", "scheduler", "gateway.config", "gateway.api",
)  # fmt: skip


def loaded(folder: Path, *asked: str) -> tuple[set[str], list[set[str]]]:
    """What a daemon had loaded at its end, and its children, after a mail and these questions."""
    site = lay_out(folder)
    (notes := folder / "notes").mkdir()
    (notes / "sitecustomize.py").write_text(NOTES.format(folder=str(notes)), encoding="utf-8")
    with daemon(site, {"PYTHONPATH": str(notes)}):
        assert send(site, mail("warm")).code == 250
        assert acknowledgements(site, 1)
        for path in asked:
            assert get(site, path, API_TOKEN).status == 200
    files = [path for path in notes.iterdir() if path.name.isdecimal()]
    found = [set(path.read_text("utf-8").split()) for path in files]
    (own,) = (one for one in found if "gateway.supervisor" in one)
    return own, [one for one in found if "channels.parent" in one and one is not own]


def having(modules: set[str], unwanted: tuple[str, ...]) -> set[str]:
    return {one for one in unwanted if any(f"{name}.".startswith(f"{one}.") for name in modules)}


def test_a_daemon_with_nothing_but_mail_loads_nothing_that_only_others_need(tmp_path: Path) -> None:
    """Public holidays come from a process that is gone again."""
    own, children = loaded(tmp_path, "/healthz", "/metrics")
    assert {"gateway.supervisor", "channels.smtp", "sqlalchemy"} <= own
    assert having(own, UNWANTED + ON_DEMAND) == set()
    assert sum("normalizer.email" in one for one in children) == WORKERS
    for one in children:
        assert having(one, NOT_IN_A_CHILD) == set()


def test_questions_to_the_api_load_the_api_and_nothing_more(tmp_path: Path) -> None:
    own, _ = loaded(tmp_path, "/v1/conversations", "/v1/cases", "/docs", "/")
    assert having(own, ON_DEMAND) == set(ON_DEMAND)
    assert having(own, UNWANTED) == set()
