"""Slack on the whole daemon: a message comes in by a signed call, and is answered in its place."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.base import Request
from tests.channels.slack_double import (
    BOT,
    LOBBY,
    SECRET,
    TALK,
    TOKEN,
    Workspace,
    event_call,
    request,
    said,
    workspace,
)
from tests.daemon.servers import Site, daemon, lay_out, wait_until
from tests.daemon.window import rows

pytestmark = pytest.mark.daemon

CHANNEL = """
[[channel]]
name = "slack"
type = "slack"
bot_token = {{ env = "SLACK_TOKEN" }}
signing_secret = {{ env = "SLACK_SECRET" }}
api = "{url}/api"
files = "{url}/files"
"""
ENVIRONMENT = {"SLACK_TOKEN": TOKEN, "SLACK_SECRET": SECRET, "NO_PROXY": "127.0.0.1"}
PATIENCE = 60.0


def ring(site: Site, call: Request) -> int:
    """Call the webhook as Slack does; the status."""
    url = f"http://127.0.0.1:{site.http}/in/slack"
    headers = dict(call.headers)
    return httpx.post(
        url, content=call.body, headers=headers, timeout=60, trust_env=False
    ).status_code


def talked(site: Site, slack: Workspace, events: list[dict[str, Any]]) -> None:
    with daemon(site, ENVIRONMENT):
        for event in events:
            call = request(event_call(event))
            assert [ring(site, call), ring(site, call)] == [200, 200]
            assert ring(site, call._replace(body=call.body + b" ")) == 401
        wait_until(lambda: len(slack.posted) == 2, PATIENCE, "both are acknowledged")
        fetched = "SELECT size FROM parts WHERE size = 7 AND sha256 <> ''"
        wait_until(lambda: len(rows(site, fetched)) == 1, PATIENCE, "the file is here")
        sent = "SELECT id FROM v_messages WHERE direction = 'out' AND status = 'sent'"
        wait_until(lambda: len(rows(site, sent)) == 2, PATIENCE, "both count as sent")


async def test_a_talk_and_a_thread_are_answered_each_in_its_place(tmp_path: Path) -> None:
    async with workspace() as slack:
        slack.files["F1"] = b"a photo"
        file = {"id": "F1", "name": "a.jpg", "mimetype": "image/jpeg", "mode": "hosted"}
        talk = said("Where is my parcel?", subtype="file_share", files=[file])
        mention = said(f"<@{BOT}> another thing", "U0HANA", LOBBY, type="app_mention")
        site = lay_out(tmp_path, more=CHANNEL.format(url=slack.url))
        await asyncio.to_thread(talked, site, slack, [talk, mention])
    placed = {post["channel"]: post for post in slack.posted}
    assert "thread_ts" not in placed[TALK]
    assert placed[LOBBY]["thread_ts"] == mention["ts"]
    assert len(rows(site, "SELECT id FROM v_messages WHERE direction = 'in'")) == 2
    for case in rows(site, "SELECT reference FROM v_cases"):
        assert any(case["reference"] in post["text"] for post in slack.posted)
