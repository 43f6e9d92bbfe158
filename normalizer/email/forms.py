"""What a web form's mail says of the customer: address, name, subject and fields, where a rule looks.

A place is `("header", NAME)` or `("body", LABEL)`. What is not there, or has two answers where one
is needed, is not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from normalizer.email import address, words
from normalizer.email.headers import MAX_BLOCK, Headers, split, unfold
from normalizer.message import Address

MAX_LINES = 5000
MAX_VALUE = 1000

_Place = tuple[str, str]
# What forms draw around a label: 【お名前】, ■お名前：, * Name:, [Name].
_OPENING = " \t\u3000【[「『<＜(（■□◆◇●○▼▽・*＊#-–—>"
_CLOSING = "】]」』>＞)）*＊"
_BLANKS = " \t\u3000\xa0"


class Places(NamedTuple):
    """Where a rule looks for each thing."""

    author: _Place
    name: _Place | None = None
    subject: _Place | None = None
    fields: Mapping[str, _Place] = {}


class Found(NamedTuple):
    """What stood there; an author that nobody can be sure of is None, a value that is not there empty."""

    author: Address | None
    subject: str
    fields: dict[str, str]


def head_of(raw: bytes) -> bytes:
    """The header block of a mail, up to its bound, with LF line ends: all that `find` needs of it."""
    return raw[:MAX_BLOCK].replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n\n"


def find(places: Places, head: bytes, text: str) -> Found:
    """Look everything up in a header block (`head_of`) and in the text of the body."""
    fields, _, _ = split(head)
    named = (places.author, places.name, places.subject, *places.fields.values())
    labels = frozenset(place[1] for place in named if place and place[0] == "body")
    body = _labelled(text, labels) if labels else {}
    author = _author(places.author, fields, body)
    name = _value(places.name, fields, body)
    if author and name:
        author = author._replace(name=name)
    return Found(
        author,
        _value(places.subject, fields, body),
        {key: _value(place, fields, body) for key, place in places.fields.items()},
    )


def _author(place: _Place, headers: Headers, body: Mapping[str, list[str]]) -> Address | None:
    """The one mailbox of the one value; two values are two stories, and anybody types the second."""
    where, name = place
    values = (
        [unfold(value) for value in headers.all(name.lower())]
        if where == "header"
        else [value.encode("utf-8", "replace") for value in dict.fromkeys(body[name])]
    )
    return address.sole(values[0]) if len(values) == 1 else None


def _value(place: _Place | None, headers: Headers, body: Mapping[str, list[str]]) -> str:
    """The first value: a form writes what it knows above what the customer typed at length."""
    if place is None:
        return ""
    where, name = place
    if where == "header":
        return words.decode(headers.raw(name.lower()))[:MAX_VALUE]
    return next(iter(body[name]), "")


def _labelled(text: str, labels: frozenset[str]) -> dict[str, list[str]]:
    """For each label its values, in their order: behind it, or on the next line that is not empty."""
    found: dict[str, list[str]] = {label: [] for label in labels}
    bare = {label: label.strip(_OPENING + _CLOSING + _BLANKS + ":：") for label in labels}
    waiting = ""
    for line in text.split("\n", MAX_LINES)[:MAX_LINES]:
        plain = line.strip(_BLANKS + "\r")[:MAX_VALUE]
        if not plain:
            continue
        label, value = _split(plain, bare)
        if value or (waiting and not label):
            found[label or waiting].append(value or plain)
        waiting = label if label and not value else ""
    return found


def _split(line: str, bare: Mapping[str, str]) -> tuple[str, str]:
    """The label that a line begins with and what stands behind it; two empty texts when none does."""
    start = line.lstrip(_OPENING)
    for label, word in bare.items():
        if word and start[: len(word)].lower() == word.lower():
            rest = start[len(word) :]
            value = rest.lstrip(_CLOSING + _BLANKS).lstrip(":：=＝").strip(_BLANKS)
            if not rest or rest[0] in _CLOSING + ":：=＝\t\u3000" or _is_apart(rest):
                return label, value
    return "", ""


def _is_apart(rest: str) -> bool:
    """`Name : Ann` and `Name   Ann`, but not `Name of the product`."""
    return rest.startswith("  ") or rest.lstrip(_BLANKS)[:1] in {":", "：", "=", "＝"}
