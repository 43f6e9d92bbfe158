"""Ten thousand bent calls of each channel that is called over HTTP: none is taken (W01).

Another channel is another row in HOOKS.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from channels.base import Request
from channels.http_channel import Http
from channels.line import Line
from channels.slack import Slack
from channels.sms import Sms
from channels.sms.call import form
from channels.whatsapp import WhatsApp
from tests.channels import (
    graph_double,
    http_peer,
    line_channel,
    line_double,
    slack_double,
    telegram_channel,
    twilio_double,
)
from tests.channels.hooked import Hooked, running
from tests.channels.line_channel import Gateway
from tests.telegram_server import bot_server, update

_COUNT = 10_000
_LETTERS = "abcXYZ0189+/=-"
_TEXT = "Where is my order? 注文はどこですか"


class Called(NamedTuple):
    """A channel that runs, the calls that it was given by, and one that is right."""

    channel: Hooked
    taken: Callable[[], list[str]]
    right: Request


class Hook(NamedTuple):
    """One kind of channel: what of a call its platform proves.

    `headers` hold the proof. Where `body` is false, the body is not part of it. `means` is what a
    body says as far as it is signed: a change that changes nothing of it is no forgery. `stale` is
    a call that was right once, and is refused today; where there is none, a second call brings the
    same unit, which the ledger knows.
    """

    open: Callable[[Path], AbstractAsyncContextManager[Called]]
    headers: tuple[str, ...]
    body: bool = True
    means: Callable[[bytes], object] = bytes
    stale: Callable[[], Request] | None = None


def _units(gateway: Gateway) -> Callable[[], list[str]]:
    return lambda: [envelope.unit for envelope in gateway.taken]


@asynccontextmanager
async def _line(folder: Path) -> AsyncIterator[Called]:
    with line_double.platform() as line:
        right = line_channel.request(line_double.call(line.event(_TEXT)))
        settings = line_channel.settings(line)
        async with running(lambda host: Line(settings, host), folder) as (channel, gateway):
            yield Called(channel, _units(gateway), right)


@asynccontextmanager
async def _telegram(folder: Path) -> AsyncIterator[Called]:
    hook = {"mode": "webhook", "public_url": "https://desk.example.com"}
    desk = telegram_channel.Desk()
    with bot_server() as bot:
        async with telegram_channel.running(bot, folder, desk, **hook) as (channel, _):
            await telegram_channel.until(lambda: bool(bot.said("setWebhook")))
            secret = bot.said("setWebhook")[0]["secret_token"]
            headers = {"x-telegram-bot-api-secret-token": secret}
            body = json.dumps(update(5)).encode()
            right = Request("POST", "", "", headers, body, "192.0.2.1")
            yield Called(channel, lambda: desk.units, right)


@asynccontextmanager
async def _http(folder: Path) -> AsyncIterator[Called]:
    right = http_peer.request("evt-1", http_peer.event(_TEXT))
    settings = http_peer.http_settings()
    async with running(lambda host: Http(settings, host), folder) as (channel, gateway):
        yield Called(channel, _units(gateway), right)


def _an_hour_ago() -> Request:
    then = datetime.now(UTC) - timedelta(hours=1)
    return http_peer.request("evt-2", http_peer.event(_TEXT), at=then)


@asynccontextmanager
async def _sms(folder: Path) -> AsyncIterator[Called]:
    right = twilio_double.request(twilio_double.incoming(_TEXT))
    settings = twilio_double.sms_settings()
    async with running(lambda host: Sms(settings, host), folder) as (channel, gateway):
        yield Called(channel, _units(gateway), right)


@asynccontextmanager
async def _whatsapp(folder: Path) -> AsyncIterator[Called]:
    said = graph_double.body(graph_double.message(text={"body": _TEXT}))
    settings = graph_double.whatsapp_settings()
    async with running(lambda host: WhatsApp(settings, host), folder) as (channel, gateway):
        yield Called(channel, _units(gateway), graph_double.request(said))


@asynccontextmanager
async def _slack(folder: Path) -> AsyncIterator[Called]:
    right = slack_double.request(slack_double.event_call(slack_double.said(_TEXT)))
    async with slack_double.workspace() as slack:
        settings = slack_double.settings(slack)
        async with running(lambda host: Slack(settings, host), folder) as (channel, gateway):
            yield Called(channel, _units(gateway), right)


def _old_slack() -> Request:
    body = slack_double.event_call(slack_double.said(_TEXT))
    return slack_double.request(body, datetime.now(UTC).timestamp() - 301)


HOOKS = {
    "line": Hook(_line, ("x-line-signature",)),
    # Telegram proves itself by a word of ours, and signs no body.
    "telegram": Hook(_telegram, ("x-telegram-bot-api-secret-token",), body=False),
    "http": Hook(
        _http, ("webhook-id", "webhook-timestamp", "webhook-signature"), stale=_an_hour_ago
    ),
    "slack": Hook(_slack, ("x-slack-signature", "x-slack-request-timestamp"), stale=_old_slack),
    "sms": Hook(_sms, ("x-twilio-signature",), means=form),
    "whatsapp": Hook(_whatsapp, ("x-hub-signature-256",)),
}


@pytest.mark.parametrize("name", HOOKS)
async def test_no_bent_call_is_taken_and_the_right_one_is_w01(name: str, tmp_path: Path) -> None:
    hook, chance = HOOKS[name], random.Random(5)
    async with hook.open(tmp_path) as called:
        for _ in range(_COUNT):
            bent = _bent(chance, hook, called.right)
            answer = await called.channel.answer(bent)
            assert answer.status in {401, 403}, bent
        assert called.taken() == []
        assert (await called.channel.answer(called.right)).status == 200
        assert len(called.taken()) == 1


@pytest.mark.parametrize("name", HOOKS)
async def test_a_call_that_is_made_again_is_refused_or_known(name: str, tmp_path: Path) -> None:
    hook = HOOKS[name]
    async with hook.open(tmp_path) as called:
        for _ in range(2):
            assert (await called.channel.answer(called.right)).status == 200
        assert len(set(called.taken())) == 1, "the ledger has it once"
        if hook.stale:
            assert (await called.channel.answer(hook.stale())).status == 401


def _bent(chance: random.Random, hook: Hook, right: Request) -> Request:
    """The call with one thing changed that its platform has proved."""
    if hook.body and chance.random() < 0.5:
        return right._replace(body=_bent_body(chance, hook, right.body))
    name = chance.choice(hook.headers)
    return right._replace(headers=_bent_headers(chance, right.headers, name))


def _bent_body(chance: random.Random, hook: Hook, right: bytes) -> bytes:
    while True:
        at = chance.randrange(len(right))
        bent = chance.choice(
            [
                right[:at] + bytes([right[at] ^ 1 << chance.randrange(8)]) + right[at + 1 :],
                right[:at],
                right[:at] + right[at + 1 :],
                right[:at] + bytes([chance.randrange(256)]) + right[at:],
                right + chance.choice([b" ", b"\n", b"&", b"}", b"\0"]),
                right[:at] + right[at : at + 20].swapcase() + right[at + 20 :],
                b"",
            ]
        )
        if hook.means(bent) != hook.means(right):
            return bent


def _bent_headers(chance: random.Random, right: Mapping[str, str], name: str) -> dict[str, str]:
    value = right[name]
    others = {one: text for one, text in right.items() if one != name}
    while True:
        at = chance.randrange(len(value))
        bent = chance.choice(
            [
                value[:at] + chance.choice(_LETTERS) + value[at + 1 :],
                value[:at],
                value + chance.choice(_LETTERS),
                value.swapcase(),
                value[:at] + value[at].swapcase() + value[at + 1 :],
                f"é{value}",
                f"sha1={value}",
                None,
            ]
        )
        if bent is None:
            return others
        if bent != value:
            return others | {name: bent}
