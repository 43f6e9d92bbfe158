"""Signatures by Standard Webhooks: what holds, and that nothing near it does."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from channels.standard_webhooks import TOLERANCE, Forged, key_of, signed, verified

# The example of the specification's own libraries.
KEY = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER = key_of("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
ID, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
AT = datetime.fromtimestamp(1614265330, UTC)
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_we_sign_as_the_specification_does() -> None:
    assert signed(KEY, ID, BODY, AT) == {
        "webhook-id": ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def _bent_body(chance: random.Random, body: bytearray) -> None:
    """A bit, a lost end, or an octet more."""
    match chance.randrange(3):
        case 0:
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        case 1:
            del body[chance.randrange(len(body)) :]
        case 2:
            body.insert(chance.randrange(len(body) + 1), chance.randrange(256))


def _bent_header(chance: random.Random, headers: dict[str, str]) -> None:
    """Another character, a lost end, or none at all."""
    name = chance.choice(sorted(headers))
    value = headers[name]
    at = chance.randrange(len(value))
    match chance.randrange(3):
        case 0:
            other = chance.choice([chr(c) for c in range(33, 600) if chr(c) != value[at]])
            headers[name] = value[:at] + other + value[at + 1 :]
        case 1:
            headers[name] = value[:at]
        case 2:
            del headers[name]


ELSEWHERE = [
    SIGNATURE.upper(), SIGNATURE.lower(), f"sha1={SIGNATURE[3:]}", SIGNATURE[3:], "v1,", "v1,= " * 50,
    SIGNATURE.replace("v1,", "v1a,"), SIGNATURE[:-1], signed(OTHER, ID, BODY, AT)["webhook-signature"],
]  # fmt: skip


def test_w01_of_ten_thousand_bent_requests_none_is_taken() -> None:
    """Body, headers, truncations, upper case, other schemes, another's secret."""
    chance = random.Random(5)
    taken = []
    for turn in range(10_000):
        headers, body = signed(KEY, ID, BODY, AT), bytearray(BODY)
        match turn % 3:
            case 0:
                _bent_body(chance, body)
            case 1:
                _bent_header(chance, headers)
            case 2:
                headers["webhook-signature"] = chance.choice(ELSEWHERE)
        try:
            taken.append((verified((KEY,), headers, bytes(body), AT), headers, body))
        except Forged:
            continue
    assert taken == []


def test_what_is_signed_is_taken_by_its_id() -> None:
    assert verified((KEY,), signed(KEY, ID, BODY, AT), BODY, AT) == ID


def test_two_secrets_hold_while_one_is_changed_for_the_other() -> None:
    """On our side two keys, on theirs two signatures in one header."""
    assert verified((OTHER, KEY), signed(KEY, ID, BODY, AT), BODY, AT) == ID
    both = signed(KEY, ID, BODY, AT)
    both["webhook-signature"] += " " + signed(OTHER, ID, BODY, AT)["webhook-signature"]
    assert verified((OTHER,), both, BODY, AT) == ID


@pytest.mark.parametrize("sign", [1, -1])
def test_five_minutes_are_forgiven_and_no_more(sign: int) -> None:
    headers = signed(KEY, ID, BODY, AT)
    assert verified((KEY,), headers, BODY, AT + sign * TOLERANCE) == ID
    with pytest.raises(Forged, match="five minutes"):
        verified((KEY,), headers, BODY, AT + sign * (TOLERANCE + timedelta(seconds=1)))


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "hunter2", "whsec_c2hvcnQ=", "whsec_" + "A" * 200]
)
def test_a_weak_secret_is_none(secret: str) -> None:
    with pytest.raises(ValueError, match="openssl rand"):
        key_of(secret)
