"""Our tokens cannot be guessed, and each is good for one address."""

from __future__ import annotations

import secrets

import pytest

from gateway.authenticate import Keys, tokens
from store.known import Token
from tests.making import KEYS

YUKI = "yuki@example.jp"
GIVEN = KEYS.token(7, 41, YUKI)


def test_a_token_leads_back_to_its_case_and_message() -> None:
    assert KEYS.check(GIVEN, YUKI) == Token(7, 41)
    assert KEYS.check(GIVEN.upper(), YUKI) == Token(7, 41)  # some servers change the case


FORGED = {
    "another address (S16)": (GIVEN, "mallory@example.jp"),
    "truncated": (GIVEN[:-1], YUKI),
    "longer": (GIVEN + "0", YUKI),
    "another case": (KEYS.token(8, 41, YUKI).rpartition(".")[0] + GIVEN[-21:], YUKI),
    "another message": (KEYS.token(7, 42, YUKI).rpartition(".")[0] + GIVEN[-21:], YUKI),
    "another key": (Keys(b"x" * 32).token(7, 41, YUKI), YUKI),
    "digits run together": (GIVEN.replace(".", ""), YUKI),
    "a bare number": ("41", YUKI),
    "empty": ("", YUKI),
    "a line end behind it": (GIVEN + "\n", YUKI),
}


@pytest.mark.parametrize(("text", "address"), FORGED.values(), ids=FORGED)
def test_what_is_not_exactly_the_token_is_none_s12(text: str, address: str) -> None:
    assert KEYS.check(text, address) is None


def test_a_hundred_thousand_guesses_never_match_s12() -> None:
    head = GIVEN.rpartition(".")[0]
    hits = sum(
        KEYS.check(f"{head}.{secrets.token_hex(10)}", YUKI) is not None for _ in range(100_000)
    )
    assert hits == 0


def test_tokens_come_from_reply_addresses_and_message_ids_each_once() -> None:
    other = KEYS.token(9, 50, YUKI)
    recipients = (f"support+{GIVEN}@example.com", "help+jp@example.com")
    found = tokens(KEYS, (f"{GIVEN}@example.com", f"{other}@example.com", ""), recipients, YUKI)
    assert found == (Token(7, 41), Token(9, 50))


def test_a_tag_behind_an_address_that_has_a_plus_of_its_own_counts() -> None:
    assert tokens(KEYS, (), (f"help+jp+{GIVEN}@example.com",), YUKI) == (Token(7, 41),)
