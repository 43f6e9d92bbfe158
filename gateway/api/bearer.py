"""API tokens: the first one, made at first start, and the one that replaces it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway import secrets
from store import tokens
from store.known import Changes
from store.store import Store

NAME = "first"


async def first(
    store: Store, data_dir: Path, now: datetime, env: Mapping[str, str] = os.environ
) -> str | None:
    """Make the first token, if there is none: the environment's, or a random one.

    Returns it only when it was made up here: nobody else has seen it yet.
    """
    given = env.get("MADOGUCHI_API_TOKEN", "")
    secret = given or tokens.new_secret()

    def work(connection: Connection, changes: Changes) -> bool:
        if tokens.active(connection):
            return False
        tokens.create(connection, changes, NAME, secret, now)
        return True

    if not await store.write(work):
        return None
    secrets.keep_token(data_dir, secret)
    return None if given else secret


async def replace(store: Store, data_dir: Path, now: datetime) -> str:
    """A new token in the place of the first one."""
    secret = tokens.new_secret()

    def work(connection: Connection, changes: Changes) -> Any:
        for token in tokens.active(connection):
            if token.name == NAME:
                tokens.revoke(connection, token.id, now)
        tokens.create(connection, changes, NAME, secret, now)

    await store.write(work)
    secrets.keep_token(data_dir, secret)
    return secret
