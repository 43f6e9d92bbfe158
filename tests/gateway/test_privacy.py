"""No customer's word and no secret in logs, replies, metrics or errors."""

from __future__ import annotations

import io
import json
import smtplib
from asyncio import CancelledError, create_task, to_thread
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import generate_latest

from channels.base import Host, Rejected
from channels.smtp import Smtp
from gateway.api.app import Door, Readiness
from gateway.config import load
from gateway.ingest import Ingest
from gateway.readers import TooSlow
from store.engine import StoreUnavailable
from tests.gateway.api.seed import state as fresh
from tests.gateway.delivering import deliver_all
from tests.making import CONFIG, DESK, KEYS, Desk, configure, envelope, mail, read, until

BODY, SUBJECT, NAME, FILE = (f"canary-{what}" for what in ("body", "subject", "name", "file"))
KEY = (b"k" * 32).hex()
CANARIES = (BODY, SUBJECT, NAME, FILE, KEY, "kkkkkkkk", "canary-password")


def letter(n: int = 0) -> bytes:
    parts = f'--b\r\n\r\n{BODY}\r\n--b\r\nContent-Disposition: attachment; filename="{FILE}"\r\n\r\n{BODY}\r\n--b--'
    return mail(
        f"{NAME} <c{n}@x{n}.example>", SUBJECT, parts, Content_Type="multipart/mixed; boundary=b"
    )


def clean(text: str) -> bool:
    return not [canary for canary in CANARIES if canary in text]


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    """Each line is one JSON object: nothing that came in has broken one (G02)."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Refuses(Exception):
    """A defect that carries what it fell over."""


async def test_a_mail_s_whole_life_leaves_no_word_of_it_in_the_log_g01(
    desk: Desk, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.accept(letter(1))
    desk.inline.troubles = [TooSlow()]
    await desk.accept(letter(2))
    desk.inline.unreadable = BODY.encode()
    await desk.accept(letter(3))
    (kept,) = await desk.backlog.waiting("unread")
    await desk.backlog.reread(kept)
    with monkeypatch.context() as patch, suppress(Exception):
        patch.setattr(Ingest, "arrival", _unavailable)
        await desk.accept(letter(4))
    desk.wire.answers = [Rejected("no such user"), Refuses(BODY)]
    await deliver_all(desk, None, "failed", "in_doubt", "sent")
    found = {event["event"] for event in events(logged)}
    assert found >= {
        "message.accepted", "message.quarantined", "message.read_later", "message.deferred",
        "delivery.failed",
    }  # fmt: skip
    assert clean(logged.getvalue())


async def _unavailable(*_: Any, **__: Any) -> Any:
    raise StoreUnavailable("locked")


async def _defect(*_: Any, **__: Any) -> Any:
    raise Refuses(f"{BODY} {KEY}")


def converse(port: int) -> list[tuple[int, bytes]]:
    """One mail with everything that a client may say, and all replies to it."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        replies = [
            client.docmd("EHLO", "a\x1b[31mb"),
            client.docmd("EHLO", "client"),
            client.docmd("MAIL", "FROM:<yuki@example.jp>"),
            client.docmd("RCPT", f"TO:<{DESK}>"),
            client.docmd("DATA"),
        ]
        client.send(letter().replace(b"\n.", b"\n..") + b".\r\n")
        return [*replies, client.getreply()]


TROUBLES: dict[str, tuple[str, Any, int]] = {
    "our rules fall over it": ("arrival", _defect, 250),
    "a defect": ("_admitted", _defect, 451),
    "the store": ("arrival", _unavailable, 451),
}


@pytest.mark.parametrize(("where", "trouble", "code"), TROUBLES.values(), ids=TROUBLES)
async def test_a_peer_learns_nothing_from_our_trouble_g01(
    tmp_path: Path, desk: Desk, logged: io.StringIO, where: str, trouble: Any, code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(Ingest, where, trouble)
    settings = configure(tmp_path, CONFIG.replace(":2525", ":0")).channels[0]
    channel = Smtp(settings, Host("mx.example.com", tmp_path))  # type: ignore[arg-type]  # this channel's own
    task = create_task(channel.receive(desk.ingest.accept))

    async def ready() -> bool:
        return channel.ready

    await until(ready)
    replies = await to_thread(converse, channel.bound[0][1])
    task.cancel()
    with suppress(CancelledError):
        await task
    assert replies[-1][0] == code
    assert clean(repr(replies))
    assert "Refuses" not in repr(replies)
    assert clean(logged.getvalue())
    assert events(logged)


def application(desk: Desk, registry: Any) -> Door:
    return Door(fresh(desk.store, lambda: Readiness(ready=True), registry, "Example Support"))


async def test_metrics_and_errors_of_the_api_hold_no_word_g01(
    desk: Desk, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.accept(letter())
    assert clean(generate_latest(desk.ingest.metrics.registry).decode())
    app = application(desk, desk.ingest.metrics.registry)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://window.test") as client:
        for path in ("/metrics", "/healthz", "/v1/messages/1", f"/v1/{BODY}?token={KEY}"):
            answer = await client.get(path)
            assert SUBJECT not in answer.text
            assert KEY not in answer.text
        monkeypatch.setattr(desk.store, "read", _defect)
        answer = await client.get("/v1/messages/1", headers={"Authorization": "Bearer x"})
    assert answer.status_code >= 500
    assert clean(answer.text)
    assert clean(logged.getvalue())


async def test_what_people_print_of_us_shows_no_words(desk: Desk) -> None:
    """An envelope, a message or a configuration in an error holds neither bodies nor secrets."""
    assert clean(repr(envelope(letter())).replace(SUBJECT, ""))
    assert BODY not in repr(read(letter()))
    assert "kkkk" not in repr(KEYS)


def test_a_configured_password_is_never_printed(tmp_path: Path) -> None:
    text = CONFIG.replace("maildir:sent", "smtp://desk@relay.example:587")
    path = tmp_path / "config.toml"
    path.write_text(text + 'password = { env = "P" }\n', encoding="utf-8")
    config = load(path, {"P": "canary-password"})
    assert "canary-password" not in repr(config)
