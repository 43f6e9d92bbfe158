"""Signatures by Standard Webhooks 1.0: who sent a body, and that it is fresh."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator

TOLERANCE = timedelta(minutes=5)  # between the sender's clock and ours
_ID = re.compile(r"[!-~]{1,200}")
_TIME = re.compile(r"[0-9]{1,12}")
_PREFIX = "whsec_"
_MOST = 10  # signatures of one body that are looked at


class Forged(Exception):
    """The signature does not hold."""


def key_of(secret: str) -> bytes:
    """The key that a secret stands for: `whsec_` and base64. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not 24 <= len(key) <= 64:
        raise ValueError(
            f'must be "{_PREFIX}" and 24 to 64 octets in base64, as of: '
            f"echo {_PREFIX}$(openssl rand -base64 32)"
        )
    return key


def _secret(value: str) -> str:
    if value:
        key_of(value)
    return value


Secret = Annotated[str, AfterValidator(_secret)]  # "" where there is none


def signed(key: bytes, id_: str, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers of a body."""
    stamp = str(int(now.timestamp()))
    return {
        "webhook-id": id_,
        "webhook-timestamp": stamp,
        "webhook-signature": _signature(key, id_, stamp, body).decode(),
    }


def verified(
    keys: tuple[bytes, ...], headers: Mapping[str, str], body: bytes, now: datetime
) -> str:
    """The id of a body that somebody with one of the keys has signed. Raises Forged."""
    id_, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split(" ")[:_MOST]
    if not _ID.fullmatch(id_):
        raise Forged("The header webhook-id is missing, or not 1 to 200 printable characters.")
    if not _TIME.fullmatch(stamp):
        raise Forged("The header webhook-timestamp is missing, or not in seconds since 1970.")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise Forged("webhook-timestamp is more than five minutes from our clock.")
    ours = [_signature(key, id_, stamp, body) for key in keys]
    # All are compared, and each in constant time: how long it takes tells nothing.
    pairs = [hmac.compare_digest(one, _octets(other)) for one in ours for other in given]
    if not any(pairs):
        raise Forged("webhook-signature is missing, or not of this body with a secret of ours.")
    return id_


def _signature(key: bytes, id_: str, stamp: str, body: bytes) -> bytes:
    digest = hmac.digest(key, f"{id_}.{stamp}.".encode() + body, "sha256")
    return b"v1," + base64.b64encode(digest)


def _octets(header: str) -> bytes:
    return header.encode("utf-8", "replace")
