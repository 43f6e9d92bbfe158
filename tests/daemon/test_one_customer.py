"""One customer on a web page, by mail, in Telegram and in LINE: one conversation, by proofs alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.channels import line_double
from tests.daemon.servers import API_TOKEN, Site, daemon, lay_out, wait_until
from tests.daemon.window import all_read, change, mail, rows, send
from tests.telegram_server import TOKEN, BotServer, bot_server, update

pytestmark = pytest.mark.daemon

PATIENCE = 120.0
VISITOR = "for-tests-only-".ljust(43, "_")
CHANNELS = """
[[channel]]
name = "web"
type = "web"
[[channel]]
name = "tg"
type = "telegram"
token = {{ env = "BOT_TOKEN" }}
api = "{bot}"
username = "@example_bot"
[[channel]]
name = "talk"
type = "line"
channel_secret = {{ env = "LINE_SECRET" }}
access_token = {{ env = "LINE_TOKEN" }}
api = "{line}"
data_api = "{line}"
basic_id = "@example"
"""
SECRETS = {
    "BOT_TOKEN": TOKEN, "LINE_SECRET": line_double.SECRET, "LINE_TOKEN": line_double.TOKEN,
    "NO_PROXY": "127.0.0.1",
}  # fmt: skip
VOUCHED = "mx.example.com; dmarc=pass header.from=example.jp"


class Shop(NamedTuple):
    """A daemon with four ways in, and the platforms behind two of them."""

    site: Site
    bot: BotServer
    line: line_double.Platform

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        url = f"http://127.0.0.1:{self.site.http}{path}"
        answer = httpx.request(method, url, json=body, headers=headers, timeout=60, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json()

    def api(self, method: str, path: str, body: Any = None) -> Any:
        return self.ask(method, path, body, Authorization=f"Bearer {API_TOKEN}")

    def visits(self, name: str, text: str) -> Any:
        """What the visitor's page shows once a message is stored."""
        said = {"id": name, "text": text}
        return self.ask("POST", "/in/web/messages", said, **{"X-Visitor": VISITOR})

    def mails(self, subject: str, body: str) -> None:
        letter = mail(re.sub(r"\W", "", subject).lower())
        letter.replace_header("Subject", subject)
        letter.set_content(body)
        letter["Authentication-Results"] = VOUCHED
        assert send(self.site, letter).code == 250
        all_read(self.site)

    def chats(self, number: int, text: str) -> None:
        self.bot.put(update(number, text))
        self.until(f"SELECT 1 FROM ledger WHERE channel = 'tg' AND unit = '{number}'")
        all_read(self.site)

    def lines(self, text: str) -> None:
        body = line_double.call(self.line.event(text))
        headers = {"X-Line-Signature": line_double.sign(body), "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.site.http}/in/talk"
        answer = httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False)
        assert answer.status_code == 200
        all_read(self.site)

    def until(self, query: str) -> list[dict[str, Any]]:
        wait_until(lambda: bool(rows(self.site, query)), PATIENCE, query)
        return rows(self.site, query)

    def code(self, text: str, way: str) -> str:
        """The code that the newest acknowledgement offers for a way, once it is written."""
        words = f"SELECT text FROM messages WHERE kind = 'acknowledgement' AND subject || text LIKE '%{text}%'"
        (said, *_) = self.until(f"{words} ORDER BY id DESC")
        assert way in said["text"]
        found = re.search(r"MG(?:-\w{5}){3}", said["text"])
        assert found
        return found[0]

    def is_one(self, *addresses: str) -> bool:
        found = {row["address"]: row["customer_id"] for row in rows(self.site, _IDENTITIES)}
        return len({found.get(one) for one in addresses}) == 1


_IDENTITIES = "SELECT address, customer_id FROM v_identities"
# Every message of a customer's, where it stands, and where it belongs: with who wrote or got it.
_HOMES = """
    SELECT i.address, m.id, m.conversation_id, c.id AS own, k.conversation_id AS of_case
    FROM messages m JOIN identities i ON i.id = m.identity_id
    JOIN conversations c ON c.customer_id = i.customer_id LEFT JOIN cases k ON k.id = m.case_id"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with ExitStack() as stack:
        bot, line = stack.enter_context(bot_server()), stack.enter_context(line_double.platform())
        site = lay_out(tmp_path, more=CHANNELS.format(bot=bot.url, line=line.url))
        change(site, ('addresses = ["s', 'trusted_relays = ["127.0.0.1"]\naddresses = ["s'))
        change(site, ("enabled = true\n", 'enabled = true\noffer = ["mail", "tg", "talk"]\n'))
        stack.enter_context(daemon(site, SECRETS, patience=PATIENCE))
        yield Shop(site, bot, line)


def test_four_ways_become_one_conversation_and_are_taken_apart_again(shop: Shop) -> None:
    shop.visits("first-message-1", "Hello, does the lamp come in blue?")
    (visitor,) = (row["address"] for row in rows(shop.site, _IDENTITIES))
    letter, chat = "email:yuki@example.jp", "telegram:77"
    friend = f"line:{line_double.YUKI}"

    shop.mails("My code", shop.code("connects that account", "mailto:"))
    assert shop.is_one(visitor, letter)
    shop.mails("Invoice", "I need the invoice, please.")
    shop.chats(1, f"/start {shop.code('Invoice', 'https://t.me/example_bot')}")
    assert shop.is_one(visitor, letter, chat)
    shop.chats(2, "The one for the lamp.")
    shop.mails("Parcel", "And where is my parcel?")
    shop.lines(shop.code("Parcel", "https://line.me/R/oaMessage/%40example"))
    assert shop.is_one(visitor, letter, chat, friend)
    shop.lines("It should be here by now.")
    (customer, *others) = {row["customer_id"] for row in rows(shop.site, _IDENTITIES)}
    assert others == []
    known = shop.api("GET", f"/v1/customers/{customer}/identities")
    assert {one["address"] for one in known["identities"]} == {visitor, letter, chat, friend}
    stand = rows(shop.site, _HOMES)
    assert {(row["conversation_id"], row["own"]) for row in stand} == {
        (stand[0]["own"], stand[0]["own"])
    }
    assert len({row["id"] for row in stand}) == len(stand) > 8

    for one in (visitor, chat, friend):
        shop.api("POST", f"/v1/customers/{customer}/split", {"identities": [one]})
    apart = rows(shop.site, _HOMES)
    assert {row["id"] for row in apart} == {row["id"] for row in stand}
    assert [row for row in apart if row["conversation_id"] != row["own"]] == []
    assert [row for row in apart if row["of_case"] not in {None, row["own"]}] == []
    assert len({row["own"] for row in apart}) == 4
    kinds = rows(shop.site, "SELECT type, data FROM v_events WHERE type LIKE 'customer.%'")
    assert [row["type"] for row in kinds] == ["customer.merged"] * 3 + ["customer.split"] * 3
    assert {json.loads(row["data"])["evidence"] for row in kinds[:3]} == {"proof"}
