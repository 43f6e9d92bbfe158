"""What config.toml may say about a bot."""

from __future__ import annotations

from typing import Any

import pytest

from channels.telegram.settings import TelegramSettings
from tests.telegram_server import TOKEN


def _settings(**more: Any) -> TelegramSettings:
    return TelegramSettings(name="tg", type="telegram", **({"token": TOKEN} | more))


@pytest.mark.parametrize(
    ("mode", "url", "speaks", "called"),
    [
        ("poll", "", "live", False),
        ("poll", "https://d.example", "live", False),
        ("webhook", "https://d.example", "live", True),
        ("live", "https://d.example", "live", True),
        ("approve", "https://d.example", "approve", True),
        ("watch", "", "watch", False),
    ],
)
def test_mode_says_how_updates_come_or_how_freely_we_speak(
    mode: str, url: str, speaks: str, called: bool
) -> None:
    settings = _settings(mode=mode, public_url=url)
    assert settings.speaks == speaks
    assert bool(settings.hook) is called


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "webhook"},
        {"public_url": "http://desk.example.com"},
        {"public_url": "https://user:pw@desk.example.com"},
        {"api": "ftp://x"},
        {"token": "no token"},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"public_url|address|pattern"):
        _settings(**wrong)


def test_only_a_number_can_be_written_to() -> None:
    assert not _settings().refuses("77")
    assert _settings().refuses("yuki")
    assert "4242" in str(_settings().own())
