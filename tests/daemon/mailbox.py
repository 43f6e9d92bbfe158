"""The daemon on a real mailbox: its configuration, its mails, and what its log says of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import get_args

from channels.base import Outcome
from tests.daemon.dovecot import PASSWORD, USER, Dovecot
from tests.daemon.servers import CONFIG, Site, free_port

_TAKEN = {f"message.{outcome}" for outcome in get_args(Outcome)}
_SMTP = 'type = "smtp"\nlisten = "127.0.0.1:{smtp}"\n'
_IMAP = f"""\
type = "imap"
host = "127.0.0.1"
port = {{imap}}
username = "{USER}"
password = {{{{ file = "password" }}}}
tls = "none"
"""


def lay_out_mailbox(folder: Path, server: Dovecot, more: str = "", end: str = "") -> Site:
    """A config.toml without limits that reads this server's mailbox; `more` goes into its table."""
    assert _SMTP in CONFIG
    site = Site(folder, 0, free_port())
    table = _IMAP.format(imap=server.imap) + more
    text = CONFIG.replace(_SMTP, table.replace("{", "{{").replace("}", "}}"))
    text = text.format(store="sqlite:///var/madoguchi.db", http=site.http, smtp=0)
    site.config.write_text(text + end, encoding="utf-8")
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    return site


def handed_over(site: Site) -> Counter[str]:
    """How often each unit was taken in, over all lives of the daemon, by its log."""
    lines = site.log.read_text("utf-8", "replace").splitlines()
    said = (json.loads(line) for line in lines if '"message.' in line)
    return Counter(line["unit"] for line in said if line["event"] in _TAKEN)
