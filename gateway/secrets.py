"""What the daemon knows alone: its key, its name among others, its first API token."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_KEY_SIZE = 32  # octets


class KeyDamaged(Exception):
    """The key file holds no key; put its copy back, or delete it and lose the tokens given out."""


def key(data_dir: Path) -> bytes:
    """The key of our tokens; made at first start, never shown. Raises KeyDamaged."""
    path = data_dir / "secret.key"
    try:
        found = bytes.fromhex(_kept(path, secrets.token_hex(_KEY_SIZE)))
    except ValueError:
        found = b""
    if len(found) < _KEY_SIZE:
        raise KeyDamaged(f"{path}: {KeyDamaged.__doc__}")
    return found


def instance(data_dir: Path) -> str:
    """Our own name in the outbox's leases: the same after a restart, so we know our own rows."""
    return _kept(data_dir / "instance", secrets.token_hex(8))


def keep_token(data_dir: Path, token: str) -> None:
    """Write the API token where only we may read it."""
    _write(data_dir / "api-token", token)


def _kept(path: Path, fresh: str) -> str:
    if not path.exists():
        _write(path, fresh)
    return path.read_text(encoding="ascii").strip()


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
