"""Filters fail, sleep and come back, and no mail waits for them or is lost with them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest
from prometheus_client import generate_latest

from gateway.config.spam import Spam
from gateway.metrics import Metrics
from gateway.spam.filters import Ask, Filters, Undecided, asks
from normalizer.message import Envelope, Transport
from tests.making import envelope, mail


async def load() -> bytes:
    return b"raw"


def answering(*answers: str | Exception) -> tuple[Ask, list[bytes]]:
    """A filter that gives these answers in turn, and what it was shown."""
    left, shown = list(answers), list[bytes]()

    async def ask(_: Envelope, raw: bytes) -> str:
        shown.append(raw)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask, shown


def counted(metrics: Metrics, outcome: str) -> float:
    found = metrics.registry.get_sample_value(
        "madoguchi_spam_checks_total", {"by": "rspamd", "outcome": outcome}
    )
    return found or 0.0


async def test_the_first_that_calls_it_spam_is_named() -> None:
    first, second = answering("")[0], answering("reject")[0]
    filters = Filters({"rspamd": first, "milter": second}, Metrics())
    ruling = await filters.verdict(envelope(b"raw"), load, None)
    assert (ruling.spam, ruling.by, ruling.reason) == (True, "milter", "reject")


async def test_a_filter_that_fails_is_no_word_against_the_mail_and_rests() -> None:
    now = [0.0]
    ask, shown = answering(OSError("refused"), "reject")
    metrics = Metrics()
    filters = Filters({"rspamd": ask}, metrics, lambda: now[0])
    for _ in range(2):
        assert not (await filters.verdict(envelope(b"raw"), load, None)).spam
    assert len(shown) == 1
    assert (counted(metrics, "failed"), counted(metrics, "skipped")) == (1, 1)
    now[0] = 31.0
    assert (await filters.verdict(envelope(b"raw"), load, None)).spam
    assert counted(metrics, "spam") == 1
    assert b"raw" not in generate_latest(metrics.registry)


async def test_a_filter_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.spam.filters.PATIENCE", 0.01)

    async def never(_: Envelope, __: bytes) -> str:
        await asyncio.Event().wait()
        return "never"

    metrics = Metrics()
    filters = Filters({"rspamd": never}, metrics)
    assert not (await filters.verdict(envelope(b"raw"), load, None)).spam
    assert counted(metrics, "failed") == 1


async def test_who_asks_again_gets_the_answer_of_the_first_question() -> None:
    go = asyncio.Event()

    async def slow(_: Envelope, __: bytes) -> str:
        await go.wait()
        return "reject"

    filters, one = Filters({"rspamd": slow}, Metrics()), envelope(b"raw")
    with pytest.raises(Undecided):
        await filters.verdict(one, load, 0.0)
    go.set()
    assert (await filters.verdict(one, load, None)).spam


async def test_few_are_asked_about_at_a_time_and_the_next_pass_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.spam.filters._AT_ONCE", 1)

    async def never(_: Envelope, __: bytes) -> str:
        await asyncio.Event().wait()
        return "never"

    metrics = Metrics()
    filters = Filters({"rspamd": never}, metrics)
    with pytest.raises(Undecided):
        await filters.verdict(envelope(b"raw"), load, 0.0)
    assert not (await filters.verdict(envelope(b"raw"), load, 0.0)).final
    assert counted(metrics, "skipped") == 1
    await filters.close()


async def test_answers_that_nobody_asks_for_again_do_not_use_up_the_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.spam.filters._AT_ONCE", 1)
    now, go = [0.0], asyncio.Event()

    async def slow(_: Envelope, __: bytes) -> str:
        await go.wait()
        return "reject"

    filters = Filters({"rspamd": slow}, Metrics(), lambda: now[0])
    with pytest.raises(Undecided):
        await filters.verdict(envelope(b"raw"), load, 0.0)
    go.set()
    now[0] = 61.0
    assert (await filters.verdict(envelope(b"raw"), load, None)).spam


async def test_bytes_that_cannot_be_read_are_no_word_against_a_mail() -> None:
    async def gone() -> bytes:
        raise FileNotFoundError

    filters = Filters({"rspamd": answering("reject")[0]}, Metrics())
    assert not (await filters.verdict(envelope(b"raw"), gone, None)).final


def rspamd(
    answer: Callable[[httpx.Request], httpx.Response],
) -> Callable[[Envelope, bytes], Awaitable[str]]:
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return asks(Spam(rspamd="http://127.0.0.1:11333/"), "mx.example", client)["rspamd"]


async def test_rspamd_is_told_what_the_wire_knew() -> None:
    told: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        told.append(request)
        return httpx.Response(200, json={"action": "no action", "score": 0.1})

    wire = Transport(
        peer="192.0.2.9", helo="mx.example", sender="<>", recipients=("a@x.jp", "b@x.jp")
    )
    one = envelope(mail(), transport=wire, unit="unit-é\n")
    assert await rspamd(answer)(one, b"the mail") == ""
    (request,) = told
    assert request.url == "http://127.0.0.1:11333/checkv2"
    assert request.content == b"the mail"
    assert request.headers["IP"] == "192.0.2.9"
    assert request.headers.get_list("Rcpt") == ["a@x.jp", "b@x.jp"]
    assert "From" not in request.headers
    assert "Queue-Id" not in request.headers


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, text="no json"),
        httpx.Response(200, json={"error": "too large"}),
    ],
)
async def test_an_answer_that_is_none_is_a_failure(answer: httpx.Response) -> None:
    with pytest.raises((httpx.HTTPError, json.JSONDecodeError, KeyError)):
        await rspamd(lambda _: answer)(envelope(mail()), b"the mail")
