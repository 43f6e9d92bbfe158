"""docs/http-channel.md: its table, its curl example and its lists are true."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from channels.http_out import _written
from gateway.config import load
from normalizer.generic import Fared, Said
from normalizer.message import Address, Message
from tests.channels.http_peer import SECRET
from tests.daemon.servers import daemon, lay_out, require, wait_until
from tests.docs.pages import blocks, page, section
from tests.soak.posts import stored

PAGE = page("docs/http-channel.md")
TABLE = blocks(PAGE, "toml")[0]


def test_its_table_is_a_channel(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(TABLE, "utf-8")
    assert load(path, {"SHOP_SECRET": SECRET}).channels[0].name == "shop"


def test_every_field_of_an_event_is_told_and_no_other() -> None:
    told = {name for row in _rows("What you post: a message") for name in row}
    assert told == {"type", *(f.encode_name for f in msgspec.structs.fields(Said))}
    report = section(PAGE, "What you post: a report")
    for field in msgspec.structs.fields(Fared):
        assert f"`{field.encode_name}" in report


def _rows(title: str) -> list[list[str]]:
    table = section(PAGE, title)
    lines = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [[name.strip(" `") for name in line.split(",")] for line in lines]


def test_what_we_post_looks_as_the_page_says() -> None:
    shown = msgspec.json.decode(blocks(PAGE, "json")[0])
    sent = msgspec.json.decode(_written(Message(to=(Address("", "u-17"),)), "key"))
    assert list(sent) == list(shown)
    assert list(sent["to"]) == list(shown["to"])


@pytest.mark.daemon
def test_its_curl_example_is_taken_by_the_daemon(tmp_path: Path) -> None:
    require("curl")
    site = lay_out(tmp_path, more=TABLE.replace("https://shop.example", "http://127.0.0.1:1"))
    script = blocks(PAGE, "sh")[0].replace("127.0.0.1:8025", f"127.0.0.1:{site.http}")
    environment = {"SHOP_SECRET": SECRET}
    with daemon(site, environment):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env=os.environ | environment | {"NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.startswith('{"outcome": "accepted", "message": '), done
        wait_until(lambda: stored(site) == {"Where is my parcel?": 1}, 60, "it is read")
