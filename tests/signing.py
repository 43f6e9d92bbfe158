"""Signed mail for tests: fresh RSA keys, DKIM signatures by dkimpy, and the records that tell of them."""

from __future__ import annotations

import random
from base64 import b64encode
from functools import cache
from typing import NamedTuple

import dkim

SELECTOR = "s1"
SIGNED = (b"from", b"to", b"subject", b"date", b"message-id")


class Key(NamedTuple):
    """A private key as PEM, and the text of the record that publishes its other half."""

    private: bytes
    record: str


@cache
def key(bits: int = 1024, number: int = 0) -> Key:
    """An RSA key; the same for the same arguments, and of no use outside of tests."""
    chance = random.Random(f"{bits}.{number}")
    exponent = 65537
    while True:
        p, q = _prime(bits // 2, chance), _prime(bits // 2, chance)
        modulus, order = p * q, (p - 1) * (q - 1)
        if p != q and order % exponent and modulus.bit_length() == bits:
            break
    secret = pow(exponent, -1, order)
    numbers = (
        0,
        modulus,
        exponent,
        secret,
        p,
        q,
        secret % (p - 1),
        secret % (q - 1),
        pow(q, -1, p),
    )
    inside = _der(0x30, b"".join(map(_integer, numbers)))
    pem = (
        b"-----BEGIN RSA PRIVATE KEY-----\n"
        + b64encode(inside)
        + b"\n-----END RSA PRIVATE KEY-----\n"
    )
    public = _der(0x30, _integer(modulus) + _integer(exponent))
    return Key(pem, f"v=DKIM1; k=rsa; p={b64encode(_public_key_info(public)).decode()}")


def _public_key_info(public: bytes) -> bytes:
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    return _der(0x30, algorithm + _der(0x03, b"\0" + public))


def _der(kind: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((kind, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((kind, 0x80 | len(length))) + length + content


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1))


def _prime(bits: int, chance: random.Random) -> int:
    while True:
        number = chance.getrandbits(bits) | 1 | 3 << (bits - 2)
        if all(number % small for small in (3, 5, 7, 11, 13, 17, 19, 23)) and _is_prime(
            number, chance
        ):
            return number


def _is_prime(number: int, chance: random.Random) -> bool:
    """Miller and Rabin, twelve times."""
    odd, twos = number - 1, 0
    while not odd % 2:
        odd, twos = odd // 2, twos + 1
    for _ in range(12):
        x = pow(chance.randrange(2, number - 1), odd, number)
        if x in {1, number - 1}:
            continue
        for _ in range(twos - 1):
            x = pow(x, 2, number)
            if x == number - 1:
                break
        else:
            return False
    return True


def sign(
    raw: bytes,
    domain: str = "example.jp",
    by: Key | None = None,
    *,
    canonical: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
    headers: tuple[bytes, ...] = SIGNED,
    **more: object,
) -> bytes:
    """The mail with a signature of `domain` on top."""
    private = (by or key()).private
    signature = dkim.sign(
        raw, SELECTOR.encode(), domain.encode(), private,
        canonicalize=canonical, include_headers=list(headers), **more,
    )  # fmt: skip
    assert isinstance(signature, bytes)
    return signature + raw


def seal(raw: bytes, domain: str, by: Key, said: str, arc: str) -> bytes:
    """The mail with an ARC set of `domain` on top, which `said` this and calls the chain `arc`."""
    results = "; ".join(filter(None, [domain, said, arc and f"arc={arc}"]))
    seen = f"Authentication-Results: {results}\r\n".encode() + raw
    added = dkim.arc_sign(
        seen, SELECTOR.encode(), domain.encode(), by.private, domain.encode(),
        include_headers=list(SIGNED),
    )  # fmt: skip
    assert len(added) == 3
    return b"".join(added) + raw


def published(
    domain: str = "example.jp", by: Key | None = None
) -> dict[tuple[str, str], list[str]]:
    """The record where that signature's key is looked for."""
    return {(f"{SELECTOR}._domainkey.{domain}", "TXT"): [(by or key()).record]}
