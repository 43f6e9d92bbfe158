"""Signatures over a mail (DKIM, RFC 6376), hashed here so that only their keys remain to be asked for.

Linear in the size of the mail, whatever it holds; a mail without signatures costs nothing.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256

from normalizer.email.headers import Headers, unfold
from normalizer.message import Seal

MAX_SEALS = 5  # a mail with more of them is no better known
_MAX_FIELD = 16 * 1024
_CHUNK = 2**20

_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*", re.MULTILINE)
_SIGNATURE = re.compile(rb"([:;][ \t\n]*b[ \t\n]*=)[^;]*")
_TAG = re.compile(r"[a-z][a-z0-9_]*\Z")
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\Z")
_BLANKS = re.compile(rb"[ \t]+")
_KNOWN = frozenset({"rsa-sha256", "ed25519-sha256"})

Tags = dict[str, str]
Fields = list[tuple[bytes, bytes]]


class Flaw(Exception):
    """A signature that does not count: the result that RFC 8601 section 2.7.1 has for it, and why."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


def find(headers: Headers, mail: Mail) -> tuple[Seal, ...]:
    """The signatures of a mail."""
    if "dkim-signature" not in headers:
        return ()
    signatures = [field for name, field in mail.fields if name == b"dkim-signature"]
    return tuple(_seal(mail, field) for field in signatures[:MAX_SEALS])


class Mail:
    """The header fields of `data` as they are, and the hashes of its body, as they are asked for.

    `data` has LF line ends, and its body at `start`.
    """

    def __init__(self, data: bytes, start: int) -> None:
        self._data, self._start = data, start
        self._bodies: dict[bool, bytes] = {}

    @cached_property
    def fields(self) -> Fields:
        found = _FIELD.finditer(self._data, 0, self._start)
        return [(match[1].lower(), match[0]) for match in found]

    def body(self, *, relaxed: bool) -> bytes:
        if relaxed not in self._bodies:
            self._bodies[relaxed] = _body(self._data, self._start, relaxed=relaxed)
        return self._bodies[relaxed]


def _seal(mail: Mail, field: bytes) -> Seal:
    tags: Tags = {}
    try:
        tags = parse_tags(field.partition(b":")[2])
        return hashed(mail, field, tags)
    except Flaw as flaw:
        domain = tags.get("d", "").lower()
        shown = domain if _NAME.match(domain) else ""
        return Seal(shown, outcome=flaw.outcome, reason=str(flaw))


def parse_tags(value: bytes) -> Tags:
    """A tag list (section 3.2); raises Flaw for one that is none."""
    if len(value) > _MAX_FIELD:
        raise Flaw("permerror", "the signature is too large")
    tags: Tags = {}
    for piece in unfold(value).decode("latin-1").split(";"):
        name, equals, text = piece.partition("=")
        name = name.strip()
        if not piece.strip():
            continue
        if not equals or not _TAG.match(name) or name in tags:
            raise Flaw("permerror", "the signature is malformed")
        tags[name] = text.strip()
    return tags


def hashed(mail: Mail, field: bytes, tags: Tags) -> Seal:
    """A signature with everything that can be known before its key; raises Flaw."""
    if missing := {"v", "a", "b", "bh", "d", "h", "s"} - tags.keys():
        raise Flaw("permerror", f"the signature has no {min(missing)}=")
    domain, selector, algorithm = signer(tags)
    if tags["v"] != "1":
        raise Flaw("permerror", "the signature is malformed")
    signed = [name.strip().lower() for name in tags["h"].split(":")]
    if "from" not in signed:
        raise Flaw("permerror", "From is not signed")
    identity = tags.get("i", f"@{domain}").rpartition("@")[2].lower()
    if not f".{identity}".endswith(f".{domain}"):
        raise Flaw("permerror", "it signs for another domain than its own")
    if "l" in tags:
        raise Flaw("policy", "only a part of the body is signed")
    if algorithm not in _KNOWN:
        raise Flaw("policy", "its algorithm is not safe, or not known")
    head, body = _policies(tags.get("c", "simple/simple"))
    if mail.body(relaxed=body) != octets(tags["bh"]):
        raise Flaw("fail", "the body was changed")
    return Seal(
        domain,
        selector,
        algorithm,
        _head(mail.fields, field, signed, relaxed=head),
        octets(tags["b"]),
        exact=identity == domain,
        expires=_number(tags.get("x")),
    )


def signer(tags: Tags) -> tuple[str, str, str]:
    """Domain, selector and algorithm of a signature; raises Flaw where its key has no place."""
    domain, selector = tags.get("d", "").lower(), tags.get("s", "").lower()
    if not (_NAME.match(domain) and _NAME.match(selector)):
        raise Flaw("permerror", "the signature is malformed")
    return domain, selector, tags.get("a", "").lower()


def _policies(text: str) -> tuple[bool, bool]:
    """Whether header and body are relaxed (section 3.5, `c=`)."""
    head, _, body = text.lower().partition("/")
    known = {"simple": False, "relaxed": True, "": False}
    if head not in known or body not in known:
        raise Flaw("permerror", "its canonicalization is not known")
    return known[head], known[body]


def octets(text: str) -> bytes:
    """What a tag holds in Base64; raises Flaw."""
    try:
        return b64decode("".join(text.split()), validate=True)
    except (Error, ValueError) as error:
        raise Flaw("permerror", "the signature is malformed") from error


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 13):
        raise Flaw("permerror", "the signature is malformed")
    return int(text)


def _head(fields: Fields, own: bytes, signed: list[str], *, relaxed: bool) -> bytes:
    """Section 3.7: the named fields, each from the bottom up, then the signature without its value."""
    left: dict[bytes, list[bytes]] = {}
    for name, field in fields:
        left.setdefault(name, []).append(field)
    digest = sha256()
    for wanted in signed:
        if found := left.get(wanted.encode("latin-1")):
            digest.update(canonical(found.pop(), relaxed=relaxed) + b"\r\n")
    digest.update(canonical(emptied(own), relaxed=relaxed))
    return digest.digest()


def emptied(field: bytes) -> bytes:
    """A signature without its value, as it is itself signed."""
    return _SIGNATURE.sub(rb"\1", field, count=1)


def canonical(field: bytes, *, relaxed: bool) -> bytes:
    """A field without its end of line (sections 3.4.1 and 3.4.2)."""
    if not relaxed:
        return field.replace(b"\n", b"\r\n")
    name, _, value = field.partition(b":")
    value = _BLANKS.sub(b" ", value.replace(b"\n", b"")).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + value


def _body(data: bytes, start: int, *, relaxed: bool) -> bytes:
    """The hash of the body (sections 3.4.3 and 3.4.4), without a copy of all of it."""
    digest = sha256()
    held, is_empty = 0, True
    for chunk in _chunks(data, start):
        lines = _without_blanks(chunk) if relaxed else chunk
        text = lines.rstrip(b"\n")
        if text:
            digest.update(b"\r\n" * held)
            digest.update(text.replace(b"\n", b"\r\n"))
            held, is_empty = 0, False
        held += len(lines) - len(text)
    if not (relaxed and is_empty):
        digest.update(b"\r\n")
    return digest.digest()


def _chunks(data: bytes, begin: int) -> Iterator[bytes]:
    while begin < len(data):
        end = data.find(b"\n", min(begin + _CHUNK, len(data))) + 1 or len(data)
        yield data[begin:end]
        begin = end


def _without_blanks(lines: bytes) -> bytes:
    """Runs of white space become one space, and none ends a line."""
    if b"  " in lines or b"\t" in lines:
        lines = _BLANKS.sub(b" ", lines)
    return lines.replace(b" \n", b"\n").removesuffix(b" ")
