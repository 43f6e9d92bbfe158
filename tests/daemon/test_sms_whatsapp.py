"""Text messages and WhatsApp on the whole daemon: in by their webhooks, out by their APIs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import httpx
import pytest

from tests.channels import graph_double, twilio_double
from tests.channels.api_double import Double
from tests.channels.graph_double import Graph
from tests.channels.twilio_double import Twilio, incoming, sid
from tests.daemon.servers import API_TOKEN, Site, daemon, lay_out, wait_until
from tests.daemon.window import all_read, rows

pytestmark = pytest.mark.daemon

CHANNELS = """
[[channel]]
name = "sms"
type = "sms"
account_sid = "{account}"
auth_token = {{ env = "TWILIO_TOKEN" }}
sender = "{desk}"
public_url = "https://help.example.com"
api = "{twilio}"

[[channel]]
name = "wa"
type = "whatsapp"
phone_number_id = "{number}"
access_token = {{ env = "META_TOKEN" }}
app_secret = {{ env = "META_SECRET" }}
verify_token = {{ env = "META_VERIFY" }}
api = "{graph}"
"""
ENVIRONMENT = {
    "TWILIO_TOKEN": twilio_double.TOKEN,
    "META_TOKEN": graph_double.TOKEN,
    "META_SECRET": graph_double.SECRET,
    "META_VERIFY": graph_double.VERIFY,
    "NO_PROXY": "127.0.0.1",
}
PATIENCE = 60.0  # seconds
SETTLED = "SELECT id FROM v_messages WHERE direction = 'out' AND status = 'sent'"

D = TypeVar("D", bound=Double)


@contextmanager
def beside(double: D) -> Iterator[D]:
    """A double on a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(double.open(), loop).result(PATIENCE)
    try:
        yield double
    finally:
        asyncio.run_coroutine_threadsafe(double.shut(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def laid_out(folder: Path, twilio: Twilio, graph: Graph) -> Site:
    more = CHANNELS.format(
        account=twilio_double.ACCOUNT, desk=twilio_double.DESK, twilio=twilio.url,
        number=graph_double.NUMBER, graph=graph.url,
    )  # fmt: skip
    return lay_out(folder, more=more)


def text(site: Site, fields: dict[str, str], signature: str = "") -> int:
    headers = {
        "X-Twilio-Signature": signature or twilio_double.sign(fields),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return _post(site, "sms", urlencode(fields).encode(), headers)


def whatsapp(site: Site, body: bytes, signature: str = "") -> int:
    headers = {"X-Hub-Signature-256": signature or graph_double.sign(body)}
    return _post(site, "wa", body, headers)


def _post(site: Site, name: str, body: bytes, headers: dict[str, str]) -> int:
    url = f"http://127.0.0.1:{site.http}/in/{name}"
    return httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False).status_code


def reply(site: Site, case: int, words: str) -> int:
    url = f"http://127.0.0.1:{site.http}/v1/cases/{case}/reply"
    headers = {"Authorization": f"Bearer {API_TOKEN}"}
    said = {"text": words}
    return httpx.post(url, json=said, headers=headers, timeout=60, trust_env=False).status_code


def test_a_text_is_acknowledged_and_its_report_comes_back(tmp_path: Path) -> None:
    with (
        beside(Twilio()) as twilio,
        beside(Graph()) as graph,
        daemon(site := laid_out(tmp_path, twilio, graph), ENVIRONMENT),
    ):
        assert text(site, incoming("注文が届きません")) == 200
        assert text(site, incoming("forged", 5), "bm90IHRoZSBzaWduYXR1cmU=") == 401
        wait_until(lambda: len(rows(site, SETTLED)) == 1, PATIENCE, "it counts as sent")
        (sent,) = twilio.sent
        report = twilio_double.status("undelivered", ErrorCode="30006")
        report |= {"MessageSid": sent["sid"], "SmsSid": sent["sid"]}
        assert text(site, report) == 200
        failed = "SELECT id FROM v_messages WHERE direction = 'out' AND status = 'failed'"
        wait_until(lambda: len(rows(site, failed)) == 1, PATIENCE, "the report is known")
        said = rows(site, "SELECT text FROM v_messages WHERE direction = 'in'")
    assert sent["To"] == twilio_double.YUKI
    assert "メッセージありがとうございます" in sent["Body"]
    assert [row["text"] for row in said] == ["注文が届きません"]


def test_what_came_while_the_daemon_was_away_is_found(tmp_path: Path) -> None:
    with beside(Twilio()) as twilio, beside(Graph()) as graph:
        site = laid_out(tmp_path, twilio, graph)
        incoming_texts = "SELECT text FROM v_messages WHERE direction = 'in' ORDER BY id"
        with daemon(site, ENVIRONMENT):
            assert text(site, incoming("first", 1)) == 200
            noted = "SELECT name FROM notes WHERE name LIKE '%looked'"
            wait_until(lambda: len(rows(site, noted)) == 1, PATIENCE, "it has looked, and when")
        twilio.keep(2, "while you were away", datetime.now(UTC))
        with daemon(site, ENVIRONMENT):
            wait_until(lambda: len(rows(site, incoming_texts)) == 2, PATIENCE, "it is found")
            assert text(site, incoming("while you were away", 2)) == 200
            all_read(site)
            found = rows(site, incoming_texts)
    assert [row["text"] for row in found] == ["first", "while you were away"]
    assert rows(site, f"SELECT id FROM ledger WHERE unit = '{sid(2)}' AND outcome = 'accepted'")


def test_one_message_many_times_is_one_and_is_answered_after_a_crash(tmp_path: Path) -> None:
    """I20, and the window is known to the next process."""
    with beside(Twilio()) as twilio, beside(Graph()) as graph:
        site = laid_out(tmp_path, twilio, graph)
        body = graph_double.body(graph_double.message(1, graph_double.HANA))
        with daemon(site, ENVIRONMENT) as process:
            with ThreadPoolExecutor(10) as many:
                ends = set(many.map(lambda _: whatsapp(site, body), range(50)))
            assert ends == {200}
            assert whatsapp(site, body, graph_double.sign(b"another body")) == 401
            wait_until(lambda: len(rows(site, SETTLED)) == 1, PATIENCE, "it counts as sent")
            (case,) = rows(site, "SELECT id FROM v_cases")
            process.kill()
            process.wait(PATIENCE)
        with daemon(site, ENVIRONMENT):
            assert whatsapp(site, body) == 200
            assert reply(site, case["id"], "お調べしました。") in {200, 201, 202}
            wait_until(lambda: len(graph.sent) == 2, PATIENCE, "the answer leaves")
            incoming_ones = rows(site, "SELECT id FROM v_messages WHERE direction = 'in'")
    assert len(incoming_ones) == 1
    acknowledged, answered = graph.sent
    assert acknowledged["recipient"] == answered["recipient"] == graph_double.HANA
    assert answered["text"]["body"] == "お調べしました。"
