"""A dead recipient, a real Postfix, its own delivery report, and the message that it is about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text as sql

from channels import load
from channels.base import Host
from tests.bench import postfix
from tests.daemon.servers import free_port, require
from tests.making import CONFIG, Desk, mail, opened, until

pytestmark = pytest.mark.daemon

# A relay that takes any mail from us, knows one mailbox at dead.example, and brings what is for
# example.com, its own reports included, to our listener.
RELAY = {
    "virtual_mailbox_domains": "dead.example",
    "virtual_mailbox_maps": "inline:{{alive@dead.example=mail/}}",
    "smtpd_reject_unlisted_recipient": "no",
}


class Relay(NamedTuple):
    """A running Postfix, and the port where it looks for us."""

    postfix: postfix.Postfix
    ours: int


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    require("master", "postfix")
    ours = free_port()
    back = {"transport_maps": f"inline:{{{{example.com=smtp:[127.0.0.1]:{ours}}}}}"}
    with postfix.start(RELAY | back) as running:
        yield Relay(running, ours)


@asynccontextmanager
async def house(relay: Relay, folder: Path, return_path: str) -> AsyncIterator[Desk]:
    """A desk whose channel listens where Postfix returns mail, and sends through it."""
    send = f'send = "smtp://127.0.0.1:{relay.postfix.port}?tls=none"\nreturn_path = "{return_path}"'
    text = CONFIG.replace('send = "maildir:sent"', send)
    text = text.replace("127.0.0.1:2525", f"127.0.0.1:{relay.ours}")
    async with opened(folder, text) as desk:
        (settings,) = desk.config.channels
        channel = load(settings.type)(settings, Host("mx.example.com", folder))
        deliver = desk.deliver(channels={"mail": channel})
        tasks = [
            asyncio.create_task(channel.receive(desk.ingest.accept)),
            asyncio.create_task(deliver.run("mail")),
        ]
        try:
            yield desk
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await channel.close()


async def wrote(desk: Desk, address: str) -> int:
    """The message that is queued for a customer who wrote."""
    await desk.accept(mail(address, vouched="dead.example"), address)
    query = "SELECT max(message_id) AS id FROM outbox"
    return int((await desk.one(query))["id"])


async def ends(desk: Desk, message: int, state: str) -> None:
    async def holds() -> bool:
        query = "SELECT status FROM v_messages WHERE id = :id"
        return bool((await desk.one(query, id=message))["status"] == state)

    await until(holds)


async def failing(desk: Desk) -> list[str]:
    query = "SELECT address FROM v_identities WHERE failing_since IS NOT NULL"
    return [row["address"] for row in await desk.rows(query)]


@pytest.mark.parametrize("kind", ["acknowledgement", "reply"])
async def test_the_report_ends_on_the_very_message(relay: Relay, tmp_path: Path, kind: str) -> None:
    """An acknowledgement by its keyed return path, a person's reply by what the report quotes."""
    async with house(relay, tmp_path, "bounce") as desk:
        if kind == "reply":
            await desk.store.write(_as_replies)
        alive = await wrote(desk, "alive@dead.example")
        dead = await wrote(desk, "nobody@dead.example")
        await ends(desk, dead, "failed")
        await ends(desk, alive, "sent")
        assert await failing(desk) == ["email:nobody@dead.example"]
        reports = await desk.rows(
            "SELECT m.case_id, o.case_id AS ours FROM v_messages m, v_messages o"
            " WHERE m.direction = 'in' AND m.subject LIKE 'Undelivered%' AND o.id = :id", id=dead
        )  # fmt: skip
        assert [row["case_id"] == row["ours"] for row in reports] == [True]
        assert await events(desk) == ["address.failing", "delivery.failed"]
        await desk.accept(mail("nobody@dead.example", "I moved back", vouched="dead.example"))
        assert await failing(desk) == []


async def events(desk: Desk) -> list[str]:
    query = (
        "SELECT type FROM v_events WHERE type IN ('delivery.failed', 'address.failing',"
        " 'address.alive') ORDER BY type"
    )
    return [row["type"] for row in await desk.rows(query)]


def _as_replies(connection: Any, _: Any) -> None:
    """From now on whatever is queued is what a person wrote."""
    connection.execute(
        sql(
            "CREATE TRIGGER people AFTER INSERT ON outbox BEGIN"
            " UPDATE messages SET kind = 'reply' WHERE id = NEW.message_id;"
            " UPDATE outbox SET automatic = 0 WHERE id = NEW.id; END"
        )
    )
