"""What config.toml may say about a Matrix account, and what a refusal of a homeserver's means."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import ChannelDown, Rejected, Retry
from channels.matrix.api import MatrixApi, TokenRefused, refusal
from channels.matrix.settings import MatrixSettings
from tests.channels.smtp_peer import certificate


def _settings(**more: Any) -> MatrixSettings:
    facts = {"homeserver": "https://m.example", "user": "@us:example.org", "access_token": "t"}
    return MatrixSettings(name="mx", type="matrix", **(facts | more))


@pytest.mark.parametrize(
    "wrong",
    [
        {"homeserver": "http://m.example"},
        {"homeserver": "m.example"},
        {"homeserver": "https://us:pw@m.example"},
        {"user": "us"},
        {"user": "@us"},
        {"user": f"@{'u' * 250}:example.org"},
        {"access_token": "two words"},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"address such as|account such as|one word"):
        _settings(**wrong)


def test_only_an_account_can_be_written_to() -> None:
    assert not _settings().refuses("@yuki:example.jp")
    assert _settings().refuses("yuki@example.jp")
    assert "@us:example.org" in str(_settings().own())


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "M_UNKNOWN_TOKEN", TokenRefused),
        (403, "M_FORBIDDEN", Rejected),
        (404, "M_NOT_FOUND", Rejected),
        (404, "M_UNRECOGNIZED", ChannelDown),
        (404, "", ChannelDown),
        (413, "M_TOO_LARGE", Rejected),
        (502, "", Retry),
    ],
)
def test_each_refusal_has_its_end(status: int, code: str, expected: type[Exception]) -> None:
    assert type(refusal(status, {"errcode": code})) is expected


@pytest.mark.parametrize(
    ("said", "header", "after"),
    [
        ({"retry_after_ms": 1500}, "2", timedelta(seconds=1.5)),
        ({}, "2", timedelta(seconds=2)),
        ({"retry_after_ms": -1}, "x", None),
        ({"retry_after_ms": 10**12}, "", timedelta(hours=1)),
    ],
    ids=str,
)
def test_a_wish_to_wait_is_kept(said: dict[str, int], header: str, after: timedelta | None) -> None:
    error = refusal(429, said, header)
    assert isinstance(error, Retry)
    assert error.after == after


async def test_only_a_homeserver_that_proves_its_name_is_talked_to(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(files["certificate"], files["key"])
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        api = MatrixApi(_settings(homeserver=f"https://localhost:{port}"))
        with pytest.raises(ChannelDown, match="Certificate"):
            await api.whoami()
        await api.close()
    assert not any(heard)
