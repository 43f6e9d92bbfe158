"""Reads config.toml: every error at once, each with its line, its key and what would be right."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, to_json

from gateway.config import never
from gateway.config.checks import across
from gateway.config.errors import ConfigError, Finding, Problem, close_to, explain
from gateway.config.lines import KeyPath
from gateway.config.models import Config
from gateway.config.resolve import Resolver
from gateway.config.shape import keys_of, model_at
from gateway.config.source import Source, read

__all__ = ["Config", "ConfigError", "Problem", "load"]


def load(path: Path, env: Mapping[str, str] = os.environ) -> Config:
    """Read the file; relative paths count from its folder, secrets come from `env` or from files.

    Raises ConfigError, whose `problems` are all that is wrong.
    """
    source = read(path)
    resolver = Resolver(path.absolute().parent, env)
    data = resolver.file(source.data)
    findings = [*across(data), *resolver.findings]
    try:
        # As JSON, because strict reading of JSON takes a list for a tuple but no "5" for a 5.
        config = Config.model_validate_json(to_json(data), strict=True)
        findings += never.check(config)
    except ValidationError as error:
        missing = {finding.path for finding in resolver.findings}
        findings += (one for one in _findings(error, data) if one.path not in missing)
    if findings or source.problems:
        raise ConfigError(path, _problems(source, findings, resolver.secrets))
    return config


def _findings(error: ValidationError, data: Mapping[str, Any]) -> Iterator[Finding]:
    found = {_written(one["loc"], data): one for one in reversed(error.errors(include_url=False))}
    unknown = [path for path, one in found.items() if one["type"] == "extra_forbidden"]
    for path, one in found.items():
        beside = [str(other[-1]) for other in unknown if other[:-1] == path[:-1]]
        # A misspelt key is one error, not also a missing one.
        if not (one["type"] == "missing" and close_to(str(path[-1]), beside)):
            yield Finding(path, _said(path, one, data))


def _said(path: KeyPath, error: ErrorDetails, data: Mapping[str, Any]) -> str:
    model = model_at(path[:-1], data)
    keys = {key.name: key for key in keys_of(model)} if model else {}
    key = keys.get(str(path[-1])) if path else None
    said = explain(error, keys, secret=bool(key and key.is_secret))
    if error["type"] == "string_pattern_mismatch" and key:
        said = f"does not look right: {key.meaning.rstrip('.')}"
    if error["type"] in {"missing", "string_pattern_mismatch"} and key and key.example:
        said += f"; write for example {key.example}"
    return said


def _written(loc: KeyPath, data: Any) -> KeyPath:
    """The part of pydantic's location that stands in the file, or is missing from a table there."""
    path: KeyPath = ()
    for step in loc:
        if isinstance(data, dict):
            if step not in data:
                return (*path, step)
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int):
            data = data[step]
        else:
            break
        path = (*path, step)
    return path


def _problems(source: Source, findings: Iterable[Finding], secrets: Iterable[str]) -> list[Problem]:
    """All problems in the order of the lines, without any secret's value."""
    found = {
        source.problem(finding.path, _hidden(finding.message, secrets))
        for finding in findings
        if finding.path not in source.broken
    }
    return sorted({*found, *source.problems})


def _hidden(said: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        said = said.replace(secret, "…")
    return said
