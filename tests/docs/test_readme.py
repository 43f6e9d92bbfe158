"""The README's first minute works, word for word, on ports of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.daemon.servers import API_TOKEN, Site, daemon, free_port, wait_until
from tests.docs.pages import blocks, page

# Not every machine has it: `curl -H HEADER URL`.
CURL = f"""curl() {{ {sys.executable} -c '
import sys, urllib.request
header, url = sys.argv[2:]
request = urllib.request.Request(url, headers=dict([header.split(": ")]))
print(urllib.request.urlopen(request).read().decode())' "$@"; }}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The shipped config.toml, running, with the README's mail sent."""
    folder = tmp_path_factory.mktemp("clone")
    site = Site(folder, free_port(), free_port())
    site.config.write_text(_on_our_ports(page("config.toml"), site), "utf-8")
    with daemon(site):
        _run(site, 0)
        wait_until(lambda: any((folder / "var/sent/new").glob("*")), 90, "an acknowledgement")
        yield site


def _on_our_ports(text: str, site: Site) -> str:
    ours = {"2525": str(site.smtp), "8025": str(site.http)}
    return re.sub(
        "|".join(ours), lambda found: ours[found[0]], text
    )  # one of ours may hold an 8025


def _commands() -> list[str]:
    return [code for code in blocks(page("README.md"), "sh") if not code.startswith("make ")]


def _run(site: Site, number: int) -> str:
    """What the README's n-th command prints; `python3` is ours, and so is `curl`."""
    code = _on_our_ports(_commands()[number], site).replace("python3", sys.executable)
    done = subprocess.run(
        ["sh", "-c", CURL + code], cwd=site.folder, capture_output=True, timeout=60, check=True
    )
    return done.stdout.decode()


@pytest.mark.daemon
def test_the_token_is_where_the_readme_says(site: Site) -> None:
    assert (site.folder / "var/api-token").read_text().strip() == API_TOKEN


@pytest.mark.daemon
def test_the_mail_is_a_conversation_over_http(site: Site) -> None:
    (conversation,) = json.loads(_run(site, 1))["items"]
    assert [one["address"] for one in conversation["identities"]] == ["email:yuki@example.jp"]


@pytest.mark.daemon
def test_the_mail_is_in_sql(site: Site) -> None:
    said = _run(site, 3)
    assert "'in', 'message', 'Where is my order?', 'stored'" in said
    assert "'out', 'acknowledgement'" in said


def test_sql_by_sqlite3_and_by_python_is_the_same() -> None:
    by_program, by_python = _commands()[2:4]
    assert by_program.split('"')[1] in by_python


@pytest.mark.daemon
def test_the_acknowledgement_is_in_the_maildir(site: Site) -> None:
    said = _run(site, 4)
    assert said.startswith("Return-Path: <>\n")
    assert "To: yuki@example.jp\n" in said
    assert "In-Reply-To: <1@example.jp>\n" in said
    assert "Auto-Submitted: auto-replied\n" in said
