"""The first API token: made once, shown once, replaced by a command."""

from __future__ import annotations

from pathlib import Path

from gateway.api import bearer
from store import tokens
from tests.making import NOON, Desk


async def lets_in(desk: Desk, secret: str) -> bool:
    return tokens.find(await desk.store.read(tokens.active), secret) is not None


def kept(folder: Path) -> str:
    return (folder / "api-token").read_text(encoding="ascii").strip()


async def test_the_first_token_is_made_once_and_returned_once(desk: Desk, tmp_path: Path) -> None:
    made = await bearer.first(desk.store, tmp_path, NOON, {})
    assert made
    assert await lets_in(desk, made)
    assert kept(tmp_path) == made
    assert await bearer.first(desk.store, tmp_path, NOON, {}) is None
    assert len(await desk.store.read(tokens.active)) == 1


async def test_the_environment_s_token_is_taken_and_not_printed(desk: Desk, tmp_path: Path) -> None:
    given = {"MADOGUCHI_API_TOKEN": "chosen by the admin"}
    assert await bearer.first(desk.store, tmp_path, NOON, given) is None
    assert await lets_in(desk, "chosen by the admin")
    assert not await lets_in(desk, "")


async def test_later_the_environment_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    made = await bearer.first(desk.store, tmp_path, NOON, {})
    await bearer.first(desk.store, tmp_path, NOON, {"MADOGUCHI_API_TOKEN": "late"})
    assert made
    assert await lets_in(desk, made)
    assert not await lets_in(desk, "late")


async def test_a_replaced_token_lets_nobody_in(desk: Desk, tmp_path: Path) -> None:
    made = await bearer.first(desk.store, tmp_path, NOON, {})
    new = await bearer.replace(desk.store, tmp_path, NOON)
    assert made
    assert new != made
    assert not await lets_in(desk, made)
    assert await lets_in(desk, new)
    assert kept(tmp_path) == new


async def test_the_store_holds_no_secret(desk: Desk, tmp_path: Path) -> None:
    made = await bearer.first(desk.store, tmp_path, NOON, {})
    assert made
    assert made not in str(await desk.rows("SELECT * FROM tokens"))
