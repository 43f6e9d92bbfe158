"""DKIM: whether the key of a domain made a signature (RFC 6376, RFC 8301)."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.sender.resolver import Answer, DnsTrouble
from normalizer.message import Seal

Ask = Callable[[str, str], Awaitable[Answer]]

_SHORTEST, _LONGEST = 1024, 4096  # bits of a key; RFC 8301 section 3.2
# RFC 8017 section 9.2: the DER of `DigestInfo` for SHA-256, without the digest itself.
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


class Checked(NamedTuple):
    """What became of one signature, by the words of RFC 8601 section 2.7.1."""

    outcome: str
    domain: str
    reason: str = ""


class _Flaw(Exception):
    """A key that cannot be used."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


def key_name(seal: Seal) -> str:
    """Where the key of a signature stands."""
    return f"{seal.selector}._domainkey.{seal.domain}"


async def check(ask: Ask, seal: Seal, now: float) -> Checked:
    """Check one signature; `now` in seconds since 1970. Never raises."""
    if seal.outcome:
        return Checked(seal.outcome, seal.domain, seal.reason)
    if seal.expires is not None and seal.expires < now:
        return Checked("fail", seal.domain, "the signature has expired")
    try:
        answer = await ask(key_name(seal), "TXT")
    except DnsTrouble:
        return Checked("temperror", seal.domain, "its key cannot be had now")
    flaws = []
    for record in answer.records[:3]:  # more than one key is undefined; each may be the one
        try:
            modulus, exponent = _key(record, seal)
        except _Flaw as flaw:
            flaws.append(Checked(flaw.outcome, seal.domain, str(flaw)))
            continue
        if _is_signed(seal, modulus, exponent):
            return Checked("pass", seal.domain)
        flaws.append(Checked("fail", seal.domain, "the signature is not of this mail"))
    return flaws[0] if flaws else Checked("permerror", seal.domain, "there is no such key")


def _key(record: str, seal: Seal) -> tuple[int, int]:
    """Modulus and exponent of a key record (section 3.6.1); raises _Flaw."""
    pairs = [piece.partition("=") for piece in record.split(";") if piece.strip()]
    tags = {name.strip(): "".join(text.split()) for name, _, text in pairs}
    kind = tags.get("k", "rsa").lower()
    if tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        raise _Flaw("permerror", "its key is malformed")
    if not tags["p"]:
        raise _Flaw("fail", "its key was withdrawn")
    if kind != "rsa" or seal.algorithm != "rsa-sha256":
        raise _Flaw("neutral", f"signatures by {kind[:20]} are not checked")
    if "sha256" not in tags.get("h", "sha256").lower().split(":"):
        raise _Flaw("permerror", "its key is not for such signatures")
    if "s" in tags.get("t", "").lower().split(":") and not seal.exact:
        raise _Flaw("permerror", "its key is not for names below the domain")
    try:
        modulus, exponent = _rsa(b64decode(tags["p"], validate=True))
    except (Error, ValueError, IndexError) as error:
        raise _Flaw("permerror", "its key is malformed") from error
    if not _SHORTEST <= modulus.bit_length() <= _LONGEST or not 3 <= exponent < 2**32:
        raise _Flaw("policy", f"its key of {modulus.bit_length()} bits is not safe")
    return modulus, exponent


def _rsa(der: bytes) -> tuple[int, int]:
    """A SubjectPublicKeyInfo (RFC 5280) or a bare RSAPublicKey (RFC 8017), as both are published."""
    outer = _field(der, 0x30)[0]
    if outer[:1] == b"\x30":
        _, rest = _field(outer, 0x30)
        outer = _field(_field(rest, 0x03)[0][1:], 0x30)[0]
    modulus, rest = _field(outer, 0x02)
    return int.from_bytes(modulus), int.from_bytes(_field(rest, 0x02)[0])


def _field(der: bytes, kind: int) -> tuple[bytes, bytes]:
    """The content of the DER field at the front, and what follows it; raises ValueError, IndexError."""
    length, begin = der[1], 2
    if length & 0x80:
        begin = 2 + (length & 0x7F)
        length = int.from_bytes(der[2:begin])
    if der[0] != kind or not 0 < length <= len(der) - begin:
        raise ValueError("not such a field")
    return der[begin : begin + length], der[begin + length :]


def _is_signed(seal: Seal, modulus: int, exponent: int) -> bool:
    """RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2): what was signed is built and compared whole."""
    size = (modulus.bit_length() + 7) // 8
    if len(seal.signature) != size:
        return False
    opened = pow(int.from_bytes(seal.signature), exponent, modulus).to_bytes(size)
    end = b"\0" + _DIGEST_INFO + seal.digest
    return opened == b"\0\1" + b"\xff" * (size - len(end) - 2) + end
