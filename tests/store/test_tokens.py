"""Tokens let in who has the secret, and the store cannot give it away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from store import schema, tokens
from store.known import Changes

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{tmp_path / 'tokens.db'}")
    schema.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_secret_is_found_again_and_no_other(connection: Connection) -> None:
    changes = Changes(0)
    made = [tokens.create(connection, changes, name, name * 9, NOW) for name in ("one", "two")]
    known = tokens.active(connection)
    assert list(known) == made
    assert tokens.find(known, "two" * 9) == made[1]
    assert tokens.find(known, "two" * 8) is None
    assert tokens.find(known, "") is None
    assert tokens.find((), "two" * 9) is None


def test_the_secret_is_nowhere_in_the_store(connection: Connection) -> None:
    secret = tokens.new_secret()
    tokens.create(connection, Changes(0), "desk", secret, NOW)
    row = connection.execute(schema.tokens.select()).one()
    assert secret not in str(tuple(row))
    assert row.sha256 == tokens.digest(secret)
    assert row.created_at == "2026-11-21T09:00:00.000000Z"


def test_a_revoked_token_is_active_no_more(connection: Connection) -> None:
    token = tokens.create(connection, Changes(0), "desk", "secret", NOW)
    assert tokens.revoke(connection, token.id, NOW)
    assert tokens.active(connection) == ()
    assert not tokens.revoke(connection, token.id, NOW)
    assert not tokens.revoke(connection, token.id + 1, NOW)


def test_a_secret_that_is_given_twice_is_one_token(connection: Connection) -> None:
    changes = Changes(0)
    first = tokens.create(connection, changes, "desk", "secret", NOW)
    assert tokens.create(connection, changes, "again", "secret", NOW) == first
    tokens.revoke(connection, first.id, NOW)
    assert tokens.create(connection, changes, "again", "secret", NOW) == first
    assert tokens.active(connection) == (first,)


def test_a_secret_may_be_any_text(connection: Connection) -> None:
    token = tokens.create(connection, Changes(0), "desk", "パスワード \ud800", NOW)
    assert tokens.find([token], "パスワード \ud800") == token


def test_new_secrets_are_long_and_all_different() -> None:
    made = {tokens.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) >= 43 for secret in made)
    assert all(secret.isascii() and " " not in secret for secret in made)
