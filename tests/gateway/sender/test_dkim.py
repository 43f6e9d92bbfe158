"""A signature counts when the key that its domain publishes made it."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode

import pytest

from gateway.sender.dkim import Checked, check
from gateway.sender.resolver import Answer, DnsTrouble
from normalizer.message import Seal
from tests.making import mail, read
from tests.signing import key, published, sign

NOW = 1_800_000_000


def checked(raw: bytes, record: str | None = None, now: float = NOW) -> Checked:
    """What the first signature of a mail is worth while its domain publishes `record`."""
    known = {**published(), **published("mail.example.jp")}
    if record is not None:
        known = dict.fromkeys(known, [record] if record else [])

    async def ask(name: str, kind: str) -> Answer:
        return Answer(tuple(known.get((name, kind), ())))

    return asyncio.run(check(ask, read(raw).seals[0], now))


def outcome(raw: bytes, record: str | None = None) -> str:
    return checked(raw, record).outcome


def test_the_right_key_is_a_pass_and_another_is_not() -> None:
    signed = sign(mail())
    assert checked(signed) == Checked("pass", "example.jp")
    assert checked(signed, key(number=1).record).outcome == "fail"


def test_a_bare_key_as_some_publish_it_is_a_key() -> None:
    whole = key().record.partition("p=")[2]
    bare = b64encode(b64decode(whole)[22:]).decode()
    assert outcome(sign(mail()), f"p={bare}") == "pass"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("", "permerror"),
        ("v=DKIM1; p=", "fail"),
        ("v=DKIM2; p=AAAA", "permerror"),
        ("v=DKIM1; k=rsa", "permerror"),
        ("v=DKIM1; p=%%%", "permerror"),
        ("v=DKIM1; p=MAA=", "permerror"),
        ("v=DKIM1; k=ed25519; p=AAAA", "neutral"),
        ("h=sha1; " + key().record.partition("; ")[2], "permerror"),
        (key(512).record, "policy"),
    ],
)
def test_a_key_that_is_none_does_not_count(record: str, expected: str) -> None:
    assert outcome(sign(mail()), record) == expected


def test_a_key_may_be_for_the_domain_itself_only() -> None:
    strict = "t=s; " + key().record.partition("; ")[2]
    assert outcome(sign(mail(), identity=b"yuki@example.jp"), strict) == "pass"
    assert outcome(sign(mail(), identity=b"yuki@mail.example.jp"), strict) == "permerror"
    assert outcome(sign(mail(), identity=b"yuki@mail.example.jp")) == "pass"


def test_a_signature_may_expire() -> None:
    seal = read(sign(mail())).seals[0]._replace(expires=NOW)

    async def ask(name: str, kind: str) -> Answer:
        return Answer((key().record,))

    assert asyncio.run(check(ask, seal, NOW - 1)).outcome == "pass"
    assert asyncio.run(check(ask, seal, NOW + 1)) == Checked(
        "fail", "example.jp", "the signature has expired"
    )


def test_a_dns_that_does_not_answer_is_a_temporary_error() -> None:
    async def ask(name: str, kind: str) -> Answer:
        raise DnsTrouble

    assert asyncio.run(check(ask, Seal("example.jp", "s1"), NOW)).outcome == "temperror"


def test_a_signature_by_2048_bits_is_checked() -> None:
    large = key(2048)
    assert outcome(sign(mail(), by=large), large.record) == "pass"
