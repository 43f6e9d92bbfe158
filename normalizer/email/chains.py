"""The chain of hops that sealed a mail (ARC, RFC 8617): judged as it stands, and hashed for its keys.

Linear in the size of the mail, like the signatures; a mail without a chain costs nothing.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from normalizer.email.headers import Headers, unfold
from normalizer.email.seals import (
    Flaw,
    Mail,
    Tags,
    canonical,
    emptied,
    hashed,
    octets,
    parse_tags,
    signer,
)
from normalizer.message import Chain, Hop, Seal

MAX_HOPS = 10  # section 4.2.1 allows 50; no honest way is as long

_RESULTS, _MESSAGE, _SEAL = NAMES = (
    b"arc-authentication-results",
    b"arc-message-signature",
    b"arc-seal",
)
_HEADERS = frozenset(name.decode() for name in NAMES)
_INSTANCE = re.compile(rb"[ \t\n]*i[ \t\n]*=[ \t\n]*(\d{1,3})[ \t\n]*;")
_NUMBER = re.compile(r"[1-9]\d?\Z")


class _Set(NamedTuple):
    """What one hop added: the three fields, and the tags of the two that have tags."""

    results: bytes
    message: bytes
    seal: bytes
    message_tags: Tags
    seal_tags: Tags


def find(headers: Headers, mail: Mail) -> Chain | None:
    """The chain of a mail, with its flaw if no key could mend it; None where there is none."""
    if not headers.first(_HEADERS):
        return None
    try:
        sets = _sets([field for field in mail.fields if field[0] in NAMES])
        _validate(sets)
        return Chain(_hops(sets), _newest(mail, sets[-1]))
    except Flaw as flaw:
        return Chain(flaw=str(flaw))


def _sets(fields: list[tuple[bytes, bytes]]) -> list[_Set]:
    """The hops from the first to the newest, each whole and each once (section 5.2, step 3)."""
    if len(fields) > len(NAMES) * MAX_HOPS:
        raise Flaw("fail", "the chain is too long")
    found: dict[tuple[int, bytes], tuple[bytes, Tags]] = {}
    for name, field in fields:
        value = field.partition(b":")[2]
        tags = {} if name == _RESULTS else parse_tags(value)
        place = _stated(value) if name == _RESULTS else _number(tags.get("i", ""))
        if (place, name) in found:
            raise Flaw("fail", f"hop {place} of the chain stands twice")
        found[place, name] = field, tags
    return [_set(found, place) for place in range(1, 1 + max(place for place, _ in found))]


def _set(found: dict[tuple[int, bytes], tuple[bytes, Tags]], place: int) -> _Set:
    if any((place, name) not in found for name in NAMES):
        raise Flaw("fail", f"hop {place} of the chain is not whole")
    (results, _), message, seal = (found[place, name] for name in NAMES)
    return _Set(results, message[0], seal[0], message[1], seal[1])


def _stated(value: bytes) -> int:
    match = _INSTANCE.match(value)
    return _number(match[1].decode() if match else "")


def _number(text: str) -> int:
    if not _NUMBER.match(text):
        raise Flaw("fail", "a hop of the chain has no number")
    return int(text)


def _validate(sets: list[_Set]) -> None:
    """What each hop says of those before it (section 5.2, steps 2 and 3); raises Flaw."""
    for place, one in enumerate(sets, 1):
        said = one.seal_tags.get("cv", "").lower()
        if said != ("none" if place == 1 else "pass"):
            raise Flaw("fail", f"hop {place} does not say that the chain was whole before it")
        if "h" in one.seal_tags:  # section 4.1.3
            raise Flaw("fail", f"the seal of hop {place} is malformed")


def _hops(sets: list[_Set]) -> tuple[Hop, ...]:
    """Each hop with its seal over all fields of the chain so far (section 5.1.1)."""
    so_far, hops = sha256(), []
    for one in sets:
        for field in (one.results, one.message):
            so_far.update(canonical(field, relaxed=True) + b"\r\n")
        digest = so_far.copy()
        digest.update(canonical(emptied(one.seal), relaxed=True))
        so_far.update(canonical(one.seal, relaxed=True) + b"\r\n")
        domain, selector, algorithm = signer(one.seal_tags)
        signature = octets(one.seal_tags.get("b", ""))
        seal = Seal(domain, selector, algorithm, digest.digest(), signature)
        hops.append(Hop(seal, _text(one.results)))
    return tuple(hops)


def _newest(mail: Mail, one: _Set) -> Seal:
    """The newest signature over the mail itself; those before it need not hold any more."""
    tags = one.message_tags
    if _SEAL.decode() in (name.strip().lower() for name in tags.get("h", "").split(":")):
        raise Flaw("fail", "the chain's signature covers a seal")  # section 4.1.2
    # It is a DKIM signature but for `v`, which it lacks, and `i`, which is the hop's number.
    return hashed(mail, one.message, tags | {"v": "1", "i": f"@{tags.get('d', '')}"})


def _text(field: bytes) -> str:
    """Its value in one line."""
    return " ".join(unfold(field.partition(b":")[2]).decode("utf-8", "replace").split())
