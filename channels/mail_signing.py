"""DKIM signatures (RFC 6376) for the mail that we send."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, field_validator
from pydantic_core import to_json

# Each is signed once more than it is there, so that nobody can add a second one above ours
# (RFC 6376 section 8.15).
_SIGNED = (
    *("from", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references"),
    *("reply-to", "auto-submitted", "mime-version", "content-type", "content-transfer-encoding"),
    *("list-unsubscribe", "list-unsubscribe-post"),  # RFC 8058 section 4 wants both signed
)
_LEAST_BITS = 1024  # RFC 8301 section 3.2: verifiers take nothing shorter
_RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")  # RFC 8017 appendix A.1
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ADVICE = 'make one with "openssl genrsa -out dkim.pem 2048"'


class Dkim(BaseModel):
    """A key that signs what we send, and where its public half is published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    domain: str = Field(
        description="Who signs: the domain of an address of this channel, one above or below it.",
        examples=['domain = "example.com"'],
    )
    selector: str = Field(
        description="Which of the domain's keys it is: published as `SELECTOR._domainkey.DOMAIN`.",
        examples=['selector = "desk1"'],
    )
    key: str = Field(
        repr=False,
        description="The RSA key in PEM form, of 2048 bits: `openssl genrsa -out dkim.pem 2048`.",
        examples=['key = { file = "dkim.pem" }'],
    )

    @field_validator("domain", "selector")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(f"{value!r} cannot stand in DNS; use letters, digits, - and dots")
        return value

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        bits = _parsed(_lines(value))["modulus"].bit_length()
        if bits < _LEAST_BITS:
            raise ValueError(f"has {bits} bits, which verifiers refuse; {_ADVICE}")
        return _lines(value)

    def record(self) -> tuple[str, str]:
        """The name and the text of the TXT record that has to be published."""
        return f"{self.selector}._domainkey.{self.domain}", f"v=DKIM1; k=rsa; p={_public(self.key)}"

    def speaks_for(self, domain: str) -> bool:
        """Whether DMARC takes a signature for From's domain: aligned (RFC 7489 section 3.1.1)."""
        ours, theirs = f".{self.domain.lower()}", f".{domain.lower()}"
        return ours.endswith(theirs) or theirs.endswith(ours)


def _tables(value: Any) -> tuple[Dkim, ...]:
    """One table, or a list of them for addresses of several domains."""
    listed = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, dict):
        return (Dkim.model_validate_json(to_json(value), strict=True),)
    return TypeAdapter(tuple[Dkim, ...]).validate_json(to_json(listed), strict=True)


DkimKeys = Annotated[tuple[Dkim, ...], PlainValidator(_tables)]


def key_for(keys: Iterable[Dkim], domain: str) -> Dkim | None:
    """The key that signs for From's domain: its very own, else one that is aligned."""
    aligned = [key for key in keys if key.speaks_for(domain)]
    return max(aligned, key=lambda key: key.domain.lower() == domain.lower(), default=None)


def signed(data: bytes, key: Dkim) -> bytes:
    """The mail under a DKIM-Signature, relaxed/relaxed, over its whole body.

    RSA in Python: about 5 ms for 2048 bits, and the body's hash. Call it in a thread.
    """
    from dkim import DKIM

    signer = DKIM(data)
    present = [name.decode("latin-1").lower() for name, _ in signer.headers]
    oversigned = [name.encode() for name in _SIGNED for _ in range(present.count(name) + 1)]
    header: bytes = signer.sign(
        key.selector.encode(),
        key.domain.encode(),
        key.key.encode(),
        include_headers=oversigned,
        canonicalize=(b"relaxed", b"relaxed"),
    )
    return header + data


@lru_cache(maxsize=8)
def _parsed(pem: str) -> dict[str, int]:
    from dkim.asn1 import ASN1FormatError
    from dkim.crypto import UnparsableKeyError, parse_pem_private_key

    try:
        found: dict[str, int] = parse_pem_private_key(pem.encode())
    except (UnparsableKeyError, ASN1FormatError, ValueError, IndexError):
        if "ENCRYPTED" in pem:
            said = "is encrypted; write it without a passphrase, in a file that only we may read"
            raise ValueError(said) from None
        raise ValueError(f"is no RSA key in PEM form; {_ADVICE}") from None
    return found


def _lines(pem: str) -> str:
    return pem.replace("\r\n", "\n").strip()


def _public(pem: str) -> str:
    """The SubjectPublicKeyInfo (RFC 5280 section 4.1) in base64."""
    key = _parsed(pem)
    numbers = (key["modulus"], key["publicExponent"])
    pair = b"".join(_der(2, n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in numbers)
    info = _RSA_ENCRYPTION + _der(3, b"\0" + _der(0x30, pair))
    return b64encode(_der(0x30, info)).decode()


def _der(tag: int, content: bytes) -> bytes:
    """A value with its tag and length (X.690 section 8.1)."""
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    length = octets if size < 128 else bytes([0x80 | len(octets)]) + octets
    return bytes([tag]) + length + content
