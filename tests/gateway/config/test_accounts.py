"""One account of a platform is one channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.config.test_errors import problems

SMS = """
[[channel]]
name = "{name}"
type = "sms"
account_sid = "AC00000000000000000000000000000000"
auth_token = {{ env = "TOKEN" }}
sender = "{sender}"
public_url = "https://help.example.com"
"""
BOT = """
[[channel]]
name = "{name}"
type = "telegram"
token = {{ env = "{token}" }}
"""
SECRETS = {"TOKEN": "a-token", "ONE": "1:a", "TWO": "2:b"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (
            SMS.format(name="a", sender="+815012345678")
            + SMS.format(name="b", sender="+815012345678"),
            "channel[1].sender",
        ),
        (
            BOT.format(name="a", token="ONE") + BOT.format(name="b", token="ONE"),
            "channel[1].token",
        ),
    ],
)
def test_two_channels_of_one_account_are_an_error(tmp_path: Path, text: str, key: str) -> None:
    (problem,) = problems(tmp_path, text, SECRETS)
    assert problem.key == key
    assert "channel[0]" in problem.message


def test_each_account_may_have_its_channel(tmp_path: Path) -> None:
    text = (
        SMS.format(name="a", sender="+815012345678")
        + SMS.format(name="b", sender="+815012345679")
        + BOT.format(name="c", token="ONE")
        + BOT.format(name="d", token="TWO")
    )
    assert problems(tmp_path, text, SECRETS) == []
