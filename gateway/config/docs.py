"""Writes docs/configuration.md from the models: `python -m gateway.config.docs > FILE`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

import channels
from channels import base
from gateway.config.models import Config
from gateway.config.shape import Key, inner_model, keys_of

_INTRODUCTION = """\
# config.toml

One file says everything: whom customers write to, what we promise, where things are kept.
The shipped [config.toml](../config.toml) is a working example; a file may leave out any table.

* `madoguchi check -c config.toml` tells every error at once, each with its line, its key and what would be right.
* Paths count from the file's folder.
* Durations: `"3 seconds"`, `"10 minutes"`, `"4 hours"`, `"2 days"`, `"4 business hours"`, `"2 business days"`, `"next business day 10:00"`.
* Sizes: octets, or a text such as `"25 MiB"`.
* A secret never stands in the file. Write `password = { env = "MAIL_PASSWORD" }` or
  `password = { file = "/run/secrets/mail" }`; it is read at start, and a missing one is an error.
* An address may stand in two channels when exactly one of them says `primary = true`.

<!-- Made by `python -m gateway.config.docs > docs/configuration.md`; change the models instead. -->
"""


def document() -> str:
    """The whole page."""
    return "\n".join((_INTRODUCTION, *_tables(), *_channels()))


def _tables() -> Iterator[str]:
    for key in keys_of(Config):
        model = inner_model(key.field.annotation)
        if model and model is not base.Settings:
            is_list = isinstance(key.field.default, tuple)
            yield from _section(f"[[{key.name}]]" if is_list else f"[{key.name}]", model)
            for inner in keys_of(model):
                if nested := inner_model(inner.field.annotation):
                    yield from _section(f"[{key.name}.{inner.name}]", nested)


def _channels() -> Iterator[str]:
    yield from _section("[[channel]]", base.Settings)
    kinds: dict[type[BaseModel], list[str]] = {}
    for kind in channels.CHANNELS:
        kinds.setdefault(channels.load(kind).Settings, []).append(kind)
    for model, names in kinds.items():
        titles = (f'`type = "{name}"`' for name in names)
        yield f"### {' and '.join(titles)}\n"
        yield _table(key for key in keys_of(model) if _is_own(key))
    nested = {
        key.name: inner
        for model in kinds
        for key in keys_of(model)
        if (inner := inner_model(key.field.annotation))
    }
    for name, inner in nested.items():
        yield from _section(f"[channel.{name}]", inner)


def _is_own(key: Key) -> bool:
    """Whether a kind of channel has the key for itself, or another meaning of a common one."""
    common = base.Settings.model_fields.get(key.name)
    return common is None or common.description != key.field.description


def _section(title: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"## `{title}`\n"
    yield f"{model.__doc__}\n"
    yield _table(key for key in keys_of(model) if not inner_model(key.field.annotation))


def _table(keys: Iterable[Key]) -> str:
    rows = (f"| `{key.name}` | {_default(key)} | {key.meaning} |" for key in keys)
    return "\n".join(("| key | default | meaning |", "|---|---|---|", *rows, ""))


def _default(key: Key) -> str:
    if key.field.is_required():
        return "*required*"
    value = key.field.get_default(call_default_factory=True)
    if value in (None, "", (), {}):
        return "a secret" if key.is_secret else ""
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    match value:
        case bool() | float():
            return json.dumps(value)
        case int():
            return f'"{value >> 20} MiB"' if value and value % 2**20 == 0 else str(value)
        case Mapping():
            return f"{{ {', '.join(f'{key} = {_toml(one)}' for key, one in value.items())} }}"
        case tuple() if type(value) is tuple:
            return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value), ensure_ascii=False)


if __name__ == "__main__":
    sys.stdout.write(document())
