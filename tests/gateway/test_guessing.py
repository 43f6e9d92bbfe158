"""A million guessed tokens open nothing, and the real one among them opens its case (S12, S16)."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from gateway.authenticate import Keys, tokens
from gateway.matching.participants import doors
from store.known import Given, Offered, Person, Token
from tests.gateway.matching.test_place import case, known
from tests.making import KEYS, arrival, message

YUKI, KENJI = "yuki@example.jp", "kenji@work.example"
REAL = KEYS.token(4, 40, YUKI)
HEAD, _, SIGNATURE = REAL.rpartition(".")
OTHER_TENANT = Keys(b"x" * 32)
chance = random.Random(4)


def anything() -> Iterator[str]:
    """The right message and case, with a signature made up."""
    while True:
        yield f"{HEAD}.{chance.getrandbits(80):020x}"


def sequential() -> Iterator[str]:
    """A signature that was seen, at all the messages and cases around it."""
    for n in range(1, 10**9):
        yield f"{n:x}.{n % 1000:x}.{SIGNATURE}"


def digests() -> Iterator[str]:
    """What a careless maker of tokens would take: hashes of the ids and the address."""
    makers = (hashlib.md5, hashlib.sha1, hashlib.sha256)
    for n in range(10**9):
        said = (f"{n}", f"{n}.{YUKI}", f"4.{n}.{YUKI}")[n % 3].encode()
        yield f"{HEAD}.{makers[n // 3 % 3](said).hexdigest()[:20]}"


def of_others() -> Iterator[str]:
    """Real tokens for the same message, given to another mailbox."""
    for n in range(10**9):
        yield KEYS.token(4, 40, f"mallory{n}@evil.example")


def of_another_tenant() -> Iterator[str]:
    """S16: whatever another gateway gave to the very same address."""
    for n in range(10**9):
        yield OTHER_TENANT.token(n % 1000, n, YUKI)


def old_formats() -> Iterator[str]:
    """How help desks have named their mails."""
    for n in range(10**9):
        digest = hashlib.md5(f"{n}".encode()).hexdigest()
        yield (
            f"{n}", f"#{n}", f"ticket-{n}", f"reply-{n}-40-{digest}", f"{n}.{4}", f"{digest}",
            f"{n}-{digest[:16]}", f"{n}.4.", f".4.{SIGNATURE}", f"{n}..{SIGNATURE}",
        )[n % 10]  # fmt: skip


def bit_flips() -> Iterator[str]:
    """One bit of the eighty is wrong, or one digit is missing."""
    for n in range(10**9):
        head, _, signature = KEYS.token(4, n, YUKI).rpartition(".")
        number = int(signature, 16)
        for bit in range(80):
            yield f"{head}.{number ^ 1 << bit:020x}"
        for length in range(20):
            yield f"{head}.{signature[:length]}"


Guess = Callable[[], Iterator[str]]
GUESSES: dict[Guess, int] = {
    anything: 300_000, sequential: 200_000, digests: 100_000, of_others: 100_000,
    of_another_tenant: 100_000, old_formats: 100_000, bit_flips: 100_000,
}  # fmt: skip


def test_the_guesses_are_a_million() -> None:
    assert sum(GUESSES.values()) == 1_000_000


@pytest.mark.parametrize("guess", GUESSES, ids=lambda guess: str(guess.__name__))
def test_no_guess_is_taken_and_the_real_one_is_s12_s16(guess: Guess) -> None:
    tried = islice(guess(), GUESSES[guess])
    taken = [text for text in tried if KEYS.check(text, YUKI)]
    assert taken == []
    assert KEYS.check(REAL, YUKI) == Token(4, 40)


@pytest.mark.parametrize("guess", GUESSES, ids=lambda guess: str(guess.__name__))
def test_no_guess_opens_another_s_case_and_the_real_one_does_s12_s16(
    guess: Guess,
) -> None:
    """The same for a thief who signs as himself: the store says whom each message went to."""
    before = known(case())
    person = Person(12, 11, 13, "", failing=False)
    content = message(KENJI)

    def opened(text: str) -> list[int]:
        what = arrival(
            content, known=True, tokens=tokens(KEYS, (), (f"support+{text}@example.com",), KENJI),
            offered=(Offered(text, 40),), author=KENJI,
        )  # fmt: skip
        return [door.case.id for door in doors(before, what, content, person, KEYS.check)]

    before.given[40] = Given(4, "mail", "reply", f"{REAL}@example.com", (YUKI,), "We have it.")
    assert opened(REAL) == [4]
    guesses = islice(guess(), 1_000)
    assert [text for text in guesses if opened(text)] == []
