"""Signatures are hashed as their signers hashed them, in time that grows with the mail only."""

from __future__ import annotations

import random
import re
import time

import pytest

from normalizer.message import Seal
from tests.gateway.sender.test_dkim import outcome
from tests.making import mail, read
from tests.signing import sign

BODIES = (
    "",
    "one line",
    "a line \t with  blanks \r\n\r\n  and\tmore\t\r\n \r\n\r\n\r\n",
    "\r\n\r\n\r\n",
    " \r\n \r\n",
    "x" * 3_000_000 + "  y\r\n" + "\r\n" * 1000 + "z ",
)
CANONICAL = [(a, b) for a in (b"simple", b"relaxed") for b in (b"simple", b"relaxed")]


def sole(raw: bytes) -> Seal:
    (seal,) = read(raw).seals
    return seal


@pytest.mark.parametrize("canonical", CANONICAL)
@pytest.mark.parametrize("body", BODIES)
def test_what_dkimpy_signs_we_find_signed(canonical: tuple[bytes, bytes], body: str) -> None:
    raw = mail(subject="  a  folded\r\n\t subject ", body=body)
    signed = sign(raw, canonical=canonical)
    assert outcome(signed) == "pass"
    assert outcome(signed.replace(b"\r\n", b"\n")) == "pass"  # however it was carried
    assert outcome(signed.replace(b"Yuki", b"Yuko")) == "fail"
    assert outcome(signed + b"more") == "fail"


def test_random_bodies_are_hashed_as_dkimpy_does() -> None:
    chance = random.Random(4)
    for _ in range(300):
        body = "".join(chance.choices(["\r\n", " ", "\t", "a", "bc"], k=chance.randrange(12)))
        assert outcome(sign(mail(body=body), canonical=chance.choice(CANONICAL))) == "pass", body


def test_a_mail_without_signatures_has_no_seals() -> None:
    assert read(mail()).seals == ()


def test_a_relaxed_signature_outlives_new_folds_and_blanks() -> None:
    signed = sign(mail(body="a b\r\n"))
    changed = signed.replace(b"Subject: Where is", b"SUBJECT:  Where\r\n\tis").replace(
        b"a b\r\n", b"a \t b \r\n\r\n"
    )
    assert outcome(changed) == "pass"


def test_a_field_signed_twice_lets_nobody_add_another() -> None:
    signed = sign(mail(), headers=(b"from", b"from", b"subject", b"subject"))
    assert outcome(signed) == "pass"
    assert outcome(b"Subject: another\r\n" + signed) == "fail"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (rb"v=1;", rb"", ("permerror", "the signature has no v=")),
        (rb"v=1;", rb"v=2;", ("permerror", "the signature is malformed")),
        (rb"d=example.jp", rb"d=", ("permerror", "the signature is malformed")),
        (rb"d=example.jp", rb"d=a..b", ("permerror", "the signature is malformed")),
        (rb"h=from : ", rb"h=", ("permerror", "From is not signed")),
        (rb"i=@example.jp", rb"i=@example.com", ("permerror", "it signs for another domain than its own")),
        (rb"i=@example.jp", rb"i=@badexample.jp", ("permerror", "it signs for another domain than its own")),
        (rb"v=1;", rb"v=1; l=3;", ("policy", "only a part of the body is signed")),
        (rb"rsa-sha256", rb"rsa-sha1", ("policy", "its algorithm is not safe, or not known")),
        (rb"c=relaxed/relaxed", rb"c=nowsp", ("permerror", "its canonicalization is not known")),
        (rb"bh=", rb"bh=!", ("permerror", "the signature is malformed")),
        (rb"v=1;", rb"v=1; x=-3;", ("permerror", "the signature is malformed")),
        (rb"v=1;", rb"v=1; v=1;", ("permerror", "the signature is malformed")),
        (rb"v=1;", rb"v=1; nonsense;", ("permerror", "the signature is malformed")),
        (rb"v=1;", rb"v=1; n=" + b"x" * 20_000 + b";", ("permerror", "the signature is too large")),
    ],
)  # fmt: skip
def test_what_does_not_count_says_why(old: bytes, new: bytes, expected: tuple[str, str]) -> None:
    signed = sign(mail())
    assert re.search(re.escape(old), signed)
    seal = sole(signed.replace(old, new, 1))
    assert (seal.outcome, seal.reason) == expected


def test_more_signatures_than_anybody_makes_are_left_alone() -> None:
    raw = mail()
    for _ in range(20):
        raw = sign(raw)
    assert len(read(raw).seals) == 5


@pytest.mark.parametrize(
    "body", [" " * 2_000_000 + "x", "\r\n" * 1_000_000 + "x", " \t" * 500_000, "\t\r\n" * 700_000]
)
def test_a_mail_made_to_be_hashed_for_ever_is_not(body: str) -> None:
    """White space in bulk makes backtracking canonicalizers quadratic."""
    head = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.jp; s=s; h=from; bh=AA==; b=AA==\r\n"
    raw = head * 5 + mail(body=body)
    began = time.process_time()
    read(raw)
    with_seals = time.process_time() - began
    began = time.process_time()
    read(raw[len(head) * 5 :])
    assert with_seals - (time.process_time() - began) < 0.5
