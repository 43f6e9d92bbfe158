"""LINE on the whole daemon: a message comes in by its webhook, and is answered for free."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.channels.line_double import HANA, SECRET, TOKEN, YUKI, Platform, call, platform, sign
from tests.daemon.servers import Site, daemon, lay_out, wait_until
from tests.daemon.window import all_read, get, rows

pytestmark = pytest.mark.daemon

CHANNEL = """
[[channel]]
name = "talk"
type = "line"
channel_secret = {{ env = "LINE_SECRET" }}
access_token = {{ env = "LINE_TOKEN" }}
api = "{url}"
data_api = "{url}"
"""
ENVIRONMENT = {"LINE_SECRET": SECRET, "LINE_TOKEN": TOKEN, "NO_PROXY": "127.0.0.1"}
PATIENCE = 90.0  # seconds


def ring(site: Site, body: bytes, signature: str = "") -> int:
    """Call the webhook as LINE does; the status."""
    headers = {"X-Line-Signature": signature or sign(body), "Content-Type": "application/json"}
    url = f"http://127.0.0.1:{site.http}/in/talk"
    return httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False).status_code


def laid_out(folder: Path, line: Platform) -> Site:
    return lay_out(folder, more=CHANNEL.format(url=line.url))


def test_a_message_is_acknowledged_in_japanese_by_its_reply_token(tmp_path: Path) -> None:
    with platform() as line, daemon(site := laid_out(tmp_path, line), ENVIRONMENT):
        lines = [line.event(text) for text in ("こんにちは", "注文が届きません", "いつ届きますか")]
        assert ring(site, call(*lines)) == 200
        wait_until(lambda: bool(line.replied), PATIENCE, "the acknowledgement leaves")
        body = call(line.event("大丈夫です"))
        assert ring(site, body, sign(body, "not the secret")) == 401
        all_read(site)
        (case,) = rows(site, "SELECT reference FROM v_cases")
        said = rows(site, "SELECT direction, text, channel FROM v_messages ORDER BY id")
        settled = "SELECT id FROM v_messages WHERE direction = 'out' AND status = 'sent'"
        wait_until(lambda: len(rows(site, settled)) == 1, PATIENCE, "it counts as sent")
        told = b'madoguchi_channel_month_limit{channel="talk"} 1000.0'
        wait_until(lambda: told in get(site, "/metrics").body, PATIENCE, "the month is shown")
    (reply,) = line.replied
    (words,) = reply["messages"]
    assert reply["to"] == YUKI
    assert "メッセージありがとうございます" in words["text"]
    assert case["reference"] in words["text"]
    assert words["quickReply"]["items"][0]["action"]["label"] == "担当者と話す"
    assert (line.pushed, line.used) == ([], 0)
    assert [row["direction"] for row in said].count("in") == 3, "what is forged is not stored"


def test_a_hundred_deliveries_at_once_are_one_message(tmp_path: Path) -> None:
    with platform() as line, daemon(site := laid_out(tmp_path, line), ENVIRONMENT):
        body = call(line.event("Where is my order?", HANA))
        again = body.replace(b'"isRedelivery": false', b'"isRedelivery": true')
        assert again != body
        with ThreadPoolExecutor(20) as many:
            ends = set(many.map(lambda n: ring(site, again if n % 2 else body), range(100)))
        assert ends == {200}
        all_read(site)
        assert len(rows(site, "SELECT id FROM v_messages WHERE direction = 'in'")) == 1
        assert len(rows(site, "SELECT id FROM v_cases")) == 1
        wait_until(lambda: bool(line.replied), PATIENCE, "the acknowledgement leaves")
        assert b'outcome="accepted"' in get(site, "/metrics").body
    assert len(line.replied) == 1


def test_a_picture_is_fetched(tmp_path: Path) -> None:
    with platform() as line, daemon(site := laid_out(tmp_path, line), ENVIRONMENT):
        line.content["4711"] = b"a small picture"
        image = {"type": "image", "id": "4711", "contentProvider": {"type": "line"}}
        assert ring(site, call(line.event(message=image))) == 200
        size = "SELECT size FROM parts WHERE size = 15 AND sha256 <> ''"
        wait_until(lambda: len(rows(site, size)) == 1, PATIENCE, "the picture is here")
