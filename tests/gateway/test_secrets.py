"""What the daemon knows alone stays so, and a damaged key is no key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway import secrets


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_key_is_made_once_and_kept(tmp_path: Path) -> None:
    made = secrets.key(tmp_path / "var")
    assert len(made) == 32
    assert secrets.key(tmp_path / "var") == made
    assert secrets.key(tmp_path / "other") != made


def test_our_name_is_the_same_after_a_restart(tmp_path: Path) -> None:
    assert secrets.instance(tmp_path) == secrets.instance(tmp_path)


def test_only_we_may_read_them(tmp_path: Path) -> None:
    secrets.key(tmp_path)
    secrets.instance(tmp_path)
    secrets.keep_token(tmp_path, "mado_x")
    assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
        "secret.key": 0o600, "instance": 0o600, "api-token": 0o600,
    }  # fmt: skip


def test_a_new_token_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    for token in ("mado_one", "mado_two"):
        secrets.keep_token(tmp_path, token)
    assert (tmp_path / "api-token").read_text() == "mado_two\n"


@pytest.mark.parametrize("content", ["", "\n", "abc", "zz" * 32, "00" * 16, "ü" * 64])
def test_a_damaged_key_is_told_and_never_used(tmp_path: Path, content: str) -> None:
    """An empty key would make tokens that anybody can make."""
    (tmp_path / "secret.key").write_text(content, encoding="utf-8")
    with pytest.raises(secrets.KeyDamaged, match=r"secret\.key"):
        secrets.key(tmp_path)
    assert (tmp_path / "secret.key").read_text(encoding="utf-8") == content
