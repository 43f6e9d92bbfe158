"""Telegram on the real daemon: nothing lost, doubled, or confirmed before its commit."""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.daemon.servers import Site, await_ready, daemon, launch, lay_out, wait_until
from tests.soak.given import A_MOMENT, LEFT, silent, told_by_hand
from tests.telegram_server import TOKEN, BotServer, Refusal, bot_server, pressed, update

CHANNEL = """
[[channel]]
name = "tg"
type = "telegram"
token = {{ env = "BOT_TOKEN" }}
api = "{url}"
"""
SECRET = {"BOT_TOKEN": TOKEN}
PATIENCE = 120.0  # seconds for a start: the bot's library alone takes long on a busy machine


def rows(site: Site, query: str) -> list[tuple[object, ...]]:
    where = f"file:{site.database}?mode=ro"
    with closing(sqlite3.connect(where, uri=True, timeout=30)) as connection:
        return connection.execute(query).fetchall()


@contextmanager
def bot_and_site(folder: Path) -> Iterator[tuple[BotServer, Site]]:
    with bot_server() as bot:
        yield bot, lay_out(folder, more=CHANNEL.format(url=bot.url))


class Ended(NamedTuple):
    """What the books say at the end: text → how often it is a message, and what went wrong.

    `twice` are chats with two acknowledgements; `silent` are those that have none, of which we
    are not in doubt either.
    """

    stored: dict[str, int]
    early: list[int]
    twice: list[str]
    silent: list[str]


def killed(folder: Path, updates: int, kills: int, seed: int = 1) -> Ended:
    """So many updates while the daemon is killed so often, each a moment after it was given some."""
    early: list[int] = []
    draw = random.Random(seed)
    with bot_and_site(folder) as (bot, site):

        def look(ids: list[int]) -> None:
            """Telegram forgets these now: each has to be in the ledger already."""
            if ids:
                known = {row[0] for row in rows(site, "SELECT unit FROM ledger WHERE channel='tg'")}
                early.extend(id_ for id_ in ids if str(id_) not in known)

        bot.confirming = look
        people = max(7, updates // 4)
        wanted = [update(n, f"line {n}", who=n % people + 1) for n in range(1, updates + 1)]
        share = updates // (kills + 1)
        for life in range(kills):
            process = launch(site, SECRET)
            try:
                await_ready(site, process, PATIENCE)
                seen = len(bot.given)
                _feed(bot, wanted[life * share : (life + 1) * share])
                wait_until(lambda seen=seen: len(bot.given) > seen, 60, "updates are given out")  # type: ignore[misc]  # bound now
                time.sleep(draw.uniform(0, A_MOMENT))
            finally:
                process.kill()
                process.wait()
        with daemon(site, SECRET, patience=PATIENCE):
            bot.put(*wanted[kills * share :])
            wait_until(lambda: len(bot.confirmed) == updates, 120, "all is confirmed")
            wait_until(lambda: not rows(site, LEFT), 120, "all is read and answered")
        found = rows(
            site,
            "SELECT text, count(*) FROM messages WHERE channel='tg' AND direction='in' GROUP BY text",
        )
        spoken = Counter(said["chat_id"] for said in bot.said())
        twice = [chat for chat, count in spoken.items() if count > 1]
        unheard = (f"telegram:{n}" for n in range(1, people + 1) if str(n) not in spoken)
        unsaid = silent(site.database, unheard)
        return Ended({str(text): int(str(n)) for text, n in found}, early, twice, unsaid)


def _feed(bot: BotServer, updates: list[dict[str, object]]) -> None:
    """Some at once, the others while the daemon is at work."""
    half = len(updates) // 2
    bot.put(*updates[:half])
    threading.Timer(0.02, lambda: bot.put(*updates[half:])).start()


@pytest.mark.daemon
@pytest.mark.timeout(900)
def test_r10_every_update_survives_kill_9(tmp_path: Path) -> None:
    ended = killed(tmp_path, updates=150, kills=3)
    assert ended.early == []
    assert ended.stored == {f"line {n}": 1 for n in range(1, 151)}
    assert ended.twice == []
    assert ended.silent == []


@pytest.mark.daemon
def test_a_customer_is_answered_in_the_chat(tmp_path: Path) -> None:
    with bot_and_site(tmp_path) as (bot, site), daemon(site, SECRET, patience=PATIENCE):
        bot.files["F"] = b"\xff\xd8 a picture"
        photo = [{"file_id": "F", "width": 9, "height": 9, "file_size": 12}]
        bot.put(update(1, "", photo=photo, caption="Where is my parcel?"))
        wait_until(lambda: bool(bot.said()), 90, "an acknowledgement is sent")
        (said,) = bot.said()
        assert said["chat_id"] == "77"
        query = "SELECT b.size FROM parts p JOIN blobs b ON b.sha256 = p.sha256 WHERE p.source = ''"
        wait_until(lambda: rows(site, query) == [(12,)], 90, "the picture is fetched")
        assert TOKEN not in site.log.read_text("utf-8")


@pytest.mark.daemon
def test_i20_a_hundred_calls_with_one_update_make_one_copy(tmp_path: Path) -> None:
    """All at the same moment, each on a connection of its own, and all are told that it is stored."""
    with bot_server() as bot:
        hook = 'mode = "webhook"\npublic_url = "https://desk.example.com"\n'
        site = lay_out(tmp_path, more=CHANNEL.format(url=bot.url) + hook)
        body = json.dumps(update(1, "Where is my parcel?")).encode()
        with daemon(site, SECRET, patience=PATIENCE), ThreadPoolExecutor(100) as pool:
            secret = bot.said("setWebhook")[-1]["secret_token"]
            tries = [pool.submit(called, site, secret, body) for _ in range(100)]
            assert {one.result(60) for one in tries} == {200}
            wait_until(lambda: bool(bot.said()), 90, "it is acknowledged")
        assert rows(site, "SELECT count(*) FROM messages WHERE direction = 'in'") == [(1,)]
        assert rows(site, "SELECT count(*) FROM messages WHERE direction = 'out'") == [(1,)]
        assert len(bot.said()) == 1


def called(site: Site, secret: str, body: bytes) -> int:
    """The status that Telegram hears."""
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret, "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", site.http, timeout=60)) as connection:
        connection.request("POST", "/in/tg", body, headers)
        return connection.getresponse().status


@pytest.mark.daemon
def test_who_has_blocked_the_bot_is_failing_until_they_write(tmp_path: Path) -> None:
    with bot_and_site(tmp_path) as (bot, site), daemon(site, SECRET, patience=PATIENCE):
        bot.refusals["sendMessage"] = Refusal(403, "Forbidden: bot was blocked by the user")
        bot.put(update(1, "Where is my parcel?"))
        query = "SELECT state FROM outbox WHERE channel = 'tg'"
        wait_until(lambda: rows(site, query) == [("failed",)], 90, "the delivery has failed")
        failing = "SELECT failing_since IS NOT NULL FROM identities WHERE address = 'telegram:77'"
        assert rows(site, failing) == [(1,)]
        del bot.refusals["sendMessage"]
        bot.put(update(2, "Hello?"))
        wait_until(lambda: rows(site, failing) == [(0,)], 90, "the address is alive")


@pytest.mark.daemon
def test_a_button_is_pressed_on_what_was_really_sent(tmp_path: Path) -> None:
    with bot_and_site(tmp_path) as (bot, site), daemon(site, SECRET, patience=PATIENCE):
        bot.put(update(1, "Where is my parcel?"))
        wait_until(lambda: bool(bot.said()), 90, "an acknowledgement is sent")
        ((button,),) = json.loads(bot.said()[0]["reply_markup"])["inline_keyboard"]
        assert button == {"text": "Talk to a person", "callback_data": "person"}
        sent = "SELECT 1 FROM outbox WHERE state = 'sent' AND peer_id = 'telegram:77:1001'"
        wait_until(lambda: bool(rows(site, sent)), 90, "its number is known")
        bot.put(pressed(2, "person", button["text"], on=1001))
        tagged = "SELECT tags FROM cases"
        wait_until(lambda: rows(site, tagged) == [('["person"]',)], 90, "the case is flagged")
        wait_until(lambda: bool(bot.said("answerCallbackQuery")), 90, "the button stops turning")
        assert rows(site, "SELECT count(*) FROM cases") == [(1,)]


@pytest.mark.daemon
def test_a_daemon_for_mail_alone_does_not_load_the_bot_s_library(tmp_path: Path) -> None:
    site = lay_out(tmp_path)
    with daemon(site) as process:
        maps = Path(f"/proc/{process.pid}/maps").read_text("utf-8")
    assert "pydantic_core" in maps, "compiled modules are seen here"
    assert "aiohttp" not in maps, "aiogram does not come without aiohttp, which is compiled"


def main() -> None:
    """`python -m tests.daemon.test_telegram`: the long form, which `make soak` runs."""
    import tempfile

    updates, kills, seed = told_by_hand("tests.daemon.test_telegram", updates=1000, kills=20)
    with tempfile.TemporaryDirectory(prefix="madoguchi-telegram-") as folder:
        ended = killed(Path(folder), updates, kills, seed)
    lost = [n for n in range(1, updates + 1) if f"line {n}" not in ended.stored]
    doubled = [text for text, count in ended.stored.items() if count > 1]
    print(  # noqa: T201
        f"telegram: {updates} updates under {kills} kills, seed {seed}: {len(lost)} lost {lost},"
        f" {len(doubled)} doubled {doubled}, {len(ended.early)} confirmed before commit"
        f" {ended.early}, {len(ended.twice)} acknowledged twice {ended.twice},"
        f" {len(ended.silent)} silent {ended.silent}"
    )
    raise SystemExit(bool(lost or doubled or ended.early or ended.twice or ended.silent))


if __name__ == "__main__":
    main()
