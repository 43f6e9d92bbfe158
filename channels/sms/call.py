"""Pure: a call of Twilio's webhook, proved and read."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_plus, urlsplit

from normalizer.sms import DONE, is_report

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
SID = re.compile(r"(?:SM|MM)[0-9a-f]{32}")
_NEEDED = frozenset({"From", "To", "Body"})
_PORTS = {"https": 443, "http": 80}


def form(body: bytes) -> dict[str, str] | None:
    """The fields of a call; None for what Twilio does not write.

    Twilio signs names and values with nothing between them, so that fields which could be parted
    in two ways would both be signed. Here each field has a name, one "=", and is there once.
    """
    fields: dict[str, str] = {}
    try:
        for pair in body.decode("ascii").split("&"):
            name, equals, value = (part for part in pair.partition("="))
            if not equals or "=" in value or not _NAME.fullmatch(name) or name in fields:
                return None
            fields[name] = unquote_plus(value, errors="strict")
    except UnicodeDecodeError:
        return None
    return fields


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """What Twilio writes into X-Twilio-Signature: HMAC-SHA1 of the address and all fields."""
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.digest(token.encode(), signed.encode("utf-8", "replace"), "sha1")
    return base64.b64encode(digest).decode()


def is_signed(
    tokens: Iterable[str], url: str, query: str, fields: Mapping[str, str], claimed: str
) -> bool:
    """Whether Twilio called us there with these fields; every comparison is made, each in constant
    time.

    `url` is our address as the outside knows it: what a proxy made of it is of no account. The
    query counts as it came. With and without the port of its scheme, since Twilio's own libraries
    take both.
    """
    asked = claimed.encode("utf-8", "replace")
    places = [place + (f"?{query}" if query else "") for place in _spellings(url)]
    ours = [signature(token, place, fields).encode() for token in tokens for place in places]
    right = [hmac.compare_digest(one, asked) for one in ours]
    return any(right)


def _spellings(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    port = parts.port or _PORTS[parts.scheme]
    bare = parts.netloc.removesuffix(f":{port}")
    both = (bare, f"{bare}:{port}")
    return parts._replace(netloc=both[0]).geturl(), parts._replace(netloc=both[1]).geturl()


def unit(fields: Mapping[str, str]) -> str | None:
    """The name of what a call brings; "" for a step on the way that nobody needs to know of, None
    for what is neither a message nor a report.
    """
    sid = fields.get("MessageSid", "")
    if not SID.fullmatch(sid):
        return None
    if not is_report(fields):
        return sid if fields.keys() >= _NEEDED else None
    status = fields["MessageStatus"]
    return f"{sid}:{status}" if status in DONE else ""
