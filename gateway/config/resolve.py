"""What the file only points to: secrets from the environment or a file, paths from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel

from channels import base
from gateway.config.channels import settings_of
from gateway.config.errors import Finding
from gateway.config.lines import KeyPath
from gateway.config.models import Config
from gateway.config.shape import Key, inner_model, keys_of

# Stands for a secret that could not be found, so that only that is reported.
_NOT_FOUND = "-"


@dataclass(frozen=True)
class Resolver:
    """Makes each table ready to be read; collects what could not be found."""

    folder: Path
    env: Mapping[str, str]
    findings: list[Finding] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    def file(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The whole file; tables that are not there are added where they hold a path."""
        return self._table(Config, {"gateway": {}, "store": {}, **data}, ())

    def _table(
        self, model: type[BaseModel], table: Mapping[str, Any], at: KeyPath
    ) -> dict[str, Any]:
        ready = dict(table)
        for key in keys_of(model):
            value = table.get(key.name, _default_place(key))
            if value is not None:
                ready[key.name] = self._value(key, value, (*at, key.name))
        return ready

    def _value(self, key: Key, value: Any, at: KeyPath) -> Any:
        if key.is_secret:
            return self._secrets(key, value, at)
        if key.name in {"url", "send"} and isinstance(value, str):
            return self._place(value, at)
        if key.is_path and isinstance(value, str):
            return self._path(key, value, at)
        model = inner_model(key.field.annotation)
        return self._tables(model, value, at) if model else value

    def _tables(self, model: type[BaseModel], value: Any, at: KeyPath) -> Any:
        if isinstance(value, list):
            return [self._tables(model, one, (*at, index)) for index, one in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if model is base.Settings:
            model = settings_of(value) or model
        return self._table(model, value, at)

    def _path(self, key: Key, value: str, at: KeyPath) -> str:
        path = self.folder / value
        if key.name != "data_dir" and not path.exists():
            self.findings.append(Finding(at, f"there is no {path}"))
        return str(path)

    def _place(self, value: str, at: KeyPath) -> str:
        """A URL with its path made absolute; it may hold no password."""
        for start in ("maildir:", "sqlite:///"):
            if value.startswith(start) and len(value) > len(start):
                return f"{start}{self.folder / value.removeprefix(start)}"
        if _holds_password(value):
            said = f"holds a password; write {at[-1]} without it, and {_advice('password')}"
            self.findings.append(Finding(at, said))
        return value

    def _secrets(self, key: Key, value: Any, at: KeyPath) -> Any:
        """One secret, or a table of them such as the users of a listener."""
        if not isinstance(value, dict) or get_origin(key.field.annotation) is not dict:
            return self._secret(value, at)
        return {name: self._secret(one, (*at, name)) for name, one in value.items()}

    def _secret(self, value: Any, at: KeyPath) -> str:
        try:
            secret = self._found(value, str(at[-1]))
        except ValueError as error:
            self.findings.append(Finding(at, str(error)))
            return _NOT_FOUND
        self.secrets.append(secret)
        return secret

    def _found(self, value: Any, name: str) -> str:
        match value:
            case {"env": str(variable)} if len(value) == 1:
                secret, place = self.env.get(variable), f"the environment variable {variable}"
                secret = secret and secret.rstrip("\r\n")
            case {"file": str(file)} if len(value) == 1:
                secret, place = _content(self.folder / file), f"{file}"
            case _:
                raise ValueError(f"a secret does not stand in this file; write {_advice(name)}")
        if not secret:
            raise ValueError(f"{place} is {'not set' if secret is None else 'empty'}")
        return secret


def _advice(name: str) -> str:
    return f'{name} = {{ env = "MAIL_PASSWORD" }} or {name} = {{ file = "/run/secrets/mail" }}'


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None


def _default_place(key: Key) -> str | None:
    """The default of a key that counts from the file's folder, although nobody wrote it."""
    is_place = isinstance(key.field.default, Path) or key.name == "url"
    return str(key.field.default) if is_place else None


def _holds_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.password is not None or "password=" in parts.query
