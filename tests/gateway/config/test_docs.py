"""The documentation says what the models say, and the shipped file is one that works."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

import channels
from gateway.config import Config, load
from gateway.config.docs import document
from gateway.config.shape import Key, inner_model, keys_of

ROOT = Path(__file__).parents[3]
FIXED = {
    "gateway": ["name", "timezone", "language", "data_dir"],
    "store": ["url"],
    "http": ["listen"],
    "channel": ["name", "type", "listen", "addresses", "send", "trusted_relays"],
    "acknowledge": ["enabled", "reply_within"],
    "calendar": ["hours", "holidays"],
    "follow_up": ["name", "when", "after", "send"],
}


def _all_keys(model: type[BaseModel]) -> Iterator[Key]:
    for key in keys_of(model):
        yield key
        if inner := inner_model(key.field.annotation):
            yield from _all_keys(inner)


def _documented() -> list[Key]:
    kinds = [channels.load(kind).Settings for kind in channels.CHANNELS]
    return [key for model in (Config, *kinds) for key in _all_keys(model)]


def _uncommented() -> str:
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    return re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)


def test_the_page_is_up_to_date() -> None:
    """If this fails: python -m gateway.config.docs > docs/configuration.md."""
    assert (ROOT / "docs/configuration.md").read_text(encoding="utf-8") == document()


@pytest.mark.parametrize("name", sorted({key.name for key in _documented()}))
def test_the_page_names_every_key(name: str) -> None:
    assert re.search(rf"[`\[.]{name}[`\].]", document())


def test_every_key_says_what_it_means() -> None:
    silent = [
        k.name for k in _documented() if not k.meaning and not inner_model(k.field.annotation)
    ]
    assert silent == []


@pytest.mark.parametrize("table", FIXED)
def test_the_shipped_file_shows_every_fixed_key(table: str) -> None:
    found = tomllib.loads(_uncommented())[table]
    assert set(FIXED[table]) <= set(found[0] if isinstance(found, list) else found)


def test_the_shipped_file_works_with_its_comments_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(_uncommented(), encoding="utf-8")
    names = [rule.name for rule in load(path, {}).rules()]
    promise = [f"promise.{name}" for name in ("warn", "notice", "update_warn", "update_notice")]
    assert names == [*promise, "nudge"]


def test_the_shipped_file_starts_on_loopback_and_sends_nothing_out() -> None:
    config = load(ROOT / "config.toml", {})
    mail = config.channels[0].model_dump()
    assert mail["listen"] == "127.0.0.1:2525"
    assert mail["send"] == f"maildir:{ROOT / 'var/sent'}"
    assert mail["addresses"] == ("support@example.com",)
    assert str(config.http.listen) == "127.0.0.1:8025"
    assert config.store.url == f"sqlite:///{ROOT / 'var/madoguchi.db'}"
    assert config.gateway.data_dir == ROOT / "var"
