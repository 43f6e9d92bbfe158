"""Mailboxes in From, To, Cc and their kin (RFC 5322 section 3.4), kept as they were written.

Names are decoded only after the header is cut into mailboxes, so that a comma or an address inside
an encoded name can never become another mailbox. Addresses that the RFC forbids but carriers gave
out (`foo..bar@docomo.ne.jp`) stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from normalizer.email import words
from normalizer.message import Address

MAX_MAILBOXES = 1000

_TOKEN = re.compile(
    rb"=\?[^?\s]{1,60}\?[bBqQ]\?[^?]*\?="  # an encoded word, whatever stands in it
    rb"|\"(?:[^\"\\]|\\.)*\"?"  # a quoted string, closed or not
    rb"|[ \t\r]+|[<>,;:()]|[^\s<>,;:()\"=]+|=",
    re.DOTALL,
)
# Well-formed enough to be somebody: RFC 5321 lengths, one @, no white space, no controls.
_MAILBOX = re.compile(
    r"[^\s@<>\"(),:;\\\x00-\x1f\x7f]{1,128}@[^\s@<>\"(),:;\\\x00-\x1f\x7f]{1,255}"
)
_QUOTED_LOCAL = re.compile(r"\"[^\"\\\x00-\x1f\x7f]{1,64}\"@[^\s@<>\"(),:;\\\x00-\x1f\x7f]{1,255}")
# Without any of these a header needs no grammar.
_SPECIAL = re.compile(rb"[\"(),;:\\=\x00-\x1f\x7f-\xff]|<[^<]*<|>.")
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)


def parse(value: bytes, hints: Iterable[str] = ()) -> tuple[Address, ...]:
    """All mailboxes of an unfolded header; groups give their members."""
    if not _SPECIAL.search(value):
        name, angle, rest = value.partition(b"<")
        if not angle and b"@" in value and len(value.split()) == 1:
            return (Address("", value.strip().decode()),)
        if angle and rest.endswith(b">") and b"@" in rest and b"@" not in name:
            return (Address(" ".join(name.decode().split()), rest[:-1].strip().decode()),)
    return tuple(_mailboxes(value, hints))


def well_formed(address: str) -> bool:
    return bool(_MAILBOX.fullmatch(address) or _QUOTED_LOCAL.fullmatch(address))


class _Mailbox:
    """What has been read of one mailbox so far."""

    __slots__ = ("address", "comments", "in_angle", "phrase", "seen_angle")

    def __init__(self) -> None:
        self.phrase: list[bytes] = []
        self.address: list[bytes] = []
        self.comments: list[bytes] = []
        self.in_angle = False
        self.seen_angle = False


def _mailboxes(value: bytes, hints: Iterable[str]) -> list[Address]:
    found: list[Address] = []
    current = _Mailbox()
    comment = 0
    for token in _TOKEN.findall(value):
        if len(found) >= MAX_MAILBOXES:
            return found
        if comment:
            comment += (token == b"(") - (token == b")")
            if comment:
                current.comments.append(token)
        elif token == b"(":
            comment = 1
        elif token in (b",", b";") and not (current.in_angle and current.address):
            _finish(current, found, hints)
            current = _Mailbox()
        elif token == b":" and not current.in_angle and not _looks_like_address(current.phrase):
            current = _Mailbox()
        else:
            _add(current, token)
    _finish(current, found, hints)
    return found


def _looks_like_address(phrase: list[bytes]) -> bool:
    return any(b"@" in token and not token.startswith(b'"') for token in phrase)


def _add(current: _Mailbox, token: bytes) -> None:
    if token == b"<":
        if current.seen_angle and current.address:
            current.phrase += [b"<", *current.address]
        current.in_angle = current.seen_angle = True
        current.address = []
    elif token == b">" and current.in_angle:
        current.in_angle = False
    elif current.in_angle:
        current.address.append(token)
    else:
        current.phrase.append(token)


def _finish(current: _Mailbox, found: list[Address], hints: Iterable[str]) -> None:
    if current.seen_angle:
        address = b"".join(t for t in current.address if t.strip())
        if not address and not current.phrase:
            return
        # RFC 5322 section 4.4: a route before the address is obsolete and ignored.
        if address.startswith(b"@") and b":" in address:
            address = address.rpartition(b":")[2]
        name = _name(current.phrase, hints)
    else:
        address, name = _bare(current, hints)
        if not address and not name:
            return
    text = words.decode(address, hints)
    if not name and "@" not in text and not current.seen_angle:
        name, text = text, ""
    found.append(Address(name, text))


def _bare(current: _Mailbox, hints: Iterable[str]) -> tuple[bytes, str]:
    """A mailbox without angle brackets; a comment is its name, as old mailers wrote it."""
    tokens = [t for t in current.phrase if t.strip()]
    at = [t for t in tokens if b"@" in t and not t.startswith((b'"', b"=?"))]
    if len(at) == 1 and len(tokens) > 1 and at[0].strip(b"@") and b"@" in at[0][1:-1]:
        rest = [t for t in current.phrase if t is not at[0]]
        return at[0], _name(rest, hints)
    address = b"".join(tokens)
    if b"@" not in address:
        return b"", _name(current.phrase, hints) or _name(current.comments, hints)
    return address, _name(current.comments, hints)


def _name(tokens: list[bytes], hints: Iterable[str]) -> str:
    """A display name: quotes off, quoted pairs resolved, encoded words decoded and joined."""
    raw = b"".join(_unquote(token) if token.startswith(b'"') else token for token in tokens)
    return " ".join(words.decode(raw.strip(), hints).split())


def _unquote(token: bytes) -> bytes:
    inner = token[1:-1] if len(token) > 1 and token.endswith(b'"') else token[1:]
    return _QUOTED_PAIR.sub(rb"\1", inner) if b"\\" in inner else inner


def sole(value: bytes, hints: Iterable[str] = ()) -> Address | None:
    """The mailbox of a header that names exactly one, well-formed and readable in one way only."""
    if (b"<" not in value or _SPECIAL.search(value)) and _ambiguous(value):
        return None
    mailboxes = parse(value, hints)
    if len(mailboxes) != 1 or not well_formed(mailboxes[0].address):
        return None
    return mailboxes[0]


def _ambiguous(value: bytes) -> bool:
    """Two angle brackets, a group, loose words, or a quotation or comment that never ends."""
    if _CONTROL.search(value):
        return True
    depth = angles = words_before = 0
    apart = True
    for token in _TOKEN.findall(value):
        if token.startswith(b'"') and (len(token) == 1 or not token.endswith(b'"')):
            return True
        depth += (token == b"(") - (token == b")" and depth > 0)
        if depth == 0 and token not in {b"(", b")"}:
            angles += token == b"<"
            if angles == 0:
                words_before += apart and bool(token.strip())
                apart = not token.strip()
            if token in (b":", b";") or angles > 1:
                return True
    return depth > 0 or (angles == 0 and words_before > 1)
