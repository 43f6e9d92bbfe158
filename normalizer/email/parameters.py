"""A value with parameters: Content-Type and Content-Disposition (RFC 2045, RFC 2231)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from normalizer.email import charset, words

MAX_PARAMETERS = 200

_PARAMETER = re.compile(
    r";\s*([^\s=;\"]+)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|=\?[^\"\n]{0,1000}?\?=(?=\s*(?:;|$))|\"[^\n]*|[^;]*)"
)
_QUOTED_PAIR = re.compile(r"\\(.)")
_SECTION = re.compile(r"^([^*]+)\*(\d{1,4})(\*?)$")


def parse(value: bytes, hints: Iterable[str] = ()) -> tuple[str, dict[str, str]]:
    """The lower-case main value and its decoded parameters by lower-case name."""
    text = value.decode("ascii") if value.isascii() else charset.decode(value, "utf-8", hints)
    if "\x1b" in text:
        text = charset.decode(value, "iso-2022-jp")
    main, semicolon, _ = text.partition(";")
    main = main.split(None, 1)[0].lower() if main.strip() else ""
    if not semicolon:
        return main, {}
    found = _PARAMETER.findall(text, len(main))[:MAX_PARAMETERS]
    if "*" not in text:
        return main, {name.lower(): _plain(raw, hints) for name, raw in reversed(found)}
    return main, _extended(found, hints)


def _plain(raw: str, hints: Iterable[str]) -> str:
    """A value as written; an encoded word in it (RFC 2047 section 5 forbids it) is decoded."""
    text = _unquote(raw)
    return words.decode(text.encode(), hints) if "=?" in text else text


def _unquote(raw: str) -> str:
    if not raw.startswith('"'):
        return raw.strip()
    inner = raw[1:-1] if len(raw) > 1 and raw.endswith('"') else raw[1:]
    if "\\" not in inner:
        return inner
    # Windows paths are quoted without escaping; a quoted pair protects a quote or a backslash.
    return _QUOTED_PAIR.sub(lambda m: m[1] if m[1] in '"\\' else m[0], inner)


def _extended(found: list[tuple[str, str]], hints: Iterable[str]) -> dict[str, str]:
    """RFC 2231 section 3 and 4: continuations and encoded values; they beat the plain ones."""
    plain: dict[str, str] = {}
    better: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, raw in reversed(found):
        key = name.lower()
        section = _SECTION.match(key)
        if section:
            pieces = sections.setdefault(section[1], {})
            pieces[int(section[2])] = (bool(section[3]), _unquote(raw))
        elif key.endswith("*"):
            better[key[:-1]] = _percent({0: (True, _unquote(raw))}, hints)
        else:
            plain[key] = _plain(raw, hints)
    joined = {name: _percent(pieces, hints) for name, pieces in sections.items()}
    return {**plain, **joined, **better}


def _percent(pieces: dict[int, tuple[bool, str]], hints: Iterable[str]) -> str:
    """Join the sections in their order; the first one names the character set."""
    label = ""
    encoded = False
    out: list[bytes] = []
    for index, number in enumerate(sorted(pieces)):
        extended, value = pieces[number]
        if index == 0 and extended and value.count("'") >= 2:
            label, _, value = value.split("'", 2)
        encoded |= extended
        out.append(unquote_to_bytes(value) if extended else value.encode())
    data = b"".join(out)
    if not encoded and b"=?" in data:
        return words.decode(data, hints)
    return charset.decode(data, label or "utf-8", hints)
