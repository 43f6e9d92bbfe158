"""A secret stands elsewhere than in the file, and in no message about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import ConfigError
from tests.gateway.config.test_errors import CHANNEL, problems


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ('"hunter2"', "does not stand in this file"),
        ("1234567", "does not stand in this file"),
        ('{ env = "A", file = "hunter2" }', 'write password = { env = "MAIL_PASSWORD" }'),
        ('{ envv = "A" }', '{ file = "/run/secrets/mail" }'),
        ('{ env = "A" }', "the environment variable A is not set"),
        ('{ env = "EMPTY" }', "the environment variable EMPTY is empty"),
        ('{ file = "none" }', "No such file"),
    ],
)
def test_a_secret_stands_elsewhere_and_is_there(tmp_path: Path, secret: str, said: str) -> None:
    text = f"{CHANNEL}password = {secret}\n"
    (problem,) = problems(tmp_path, text, {"EMPTY": ""})
    assert (problem.line, problem.key) == (7, "channel[0].password")
    assert said in problem.message


@pytest.mark.parametrize(
    "text",
    [
        CHANNEL.replace("maildir:var/sent", "smtp://desk:hunter2@relay:587"),
        CHANNEL + 'password = "hunter2"\n',
        CHANNEL + 'pasword = "hunter2"\n',
        CHANNEL + 'password = "hunter2\n',
        CHANNEL + 'users = { a = "hunter2" }\n',
        '[store]\nurl = "postgresql+psycopg://m:hunter2@db/m"\n',
        '[store]\nurl = "postgresql+psycopg://db/m?user=m&password=hunter2"\n',
        '[store]\nurl = "mysql://m:hunter2@db/m"\n',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    found = problems(tmp_path, text)
    assert found
    assert "hunter2" not in str(ConfigError(tmp_path, found))


def test_a_resolved_secret_is_in_no_message(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").touch()
    text = f'{CHANNEL}users = {{ a = {{ env = "A" }} }}\nlanguage = 1\n'
    found = problems(tmp_path, text, {"A": "hunter2"})
    assert "hunter2" not in str(ConfigError(tmp_path, found))


def test_a_store_password_needs_a_user(tmp_path: Path) -> None:
    text = '[store]\nurl = "postgresql+psycopg://db/m"\npassword = { env = "A" }\n'
    (problem,) = problems(tmp_path, text, {"A": "x"})
    assert problem.key == "store"
    assert "USER@HOST" in problem.message
