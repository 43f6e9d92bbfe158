"""Content-Transfer-Encoding undone (RFC 2045 section 6), and uuencode; broken input gives what it can."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, a2b_qp, a2b_uu
from contextlib import suppress
from itertools import islice

_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\n]*)\n", re.MULTILINE)
MAX_UU_FILES = 50
MAX_UU_TRIES = 1000
MAX_PIECES = 1000


def decode(data: bytes, encoding: str) -> bytes:
    """The bytes of a body; an encoding that nobody knows leaves them as they are."""
    encoding = encoding.strip(" \t\"';")
    if encoding == "base64":
        return base64(data)
    if encoding.startswith("quoted"):
        return a2b_qp(data)
    if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        _, files = uuencoded(data)
        return files[0][1] if files else data
    return data


def base64(data: bytes) -> bytes:
    """Base64 with line breaks, stray characters, wrong padding, or several pieces joined."""
    padding = data.find(b"=")
    if padding >= 0 and data[padding:].strip(b"= \t\r\n") and data.count(b"=") < MAX_PIECES:
        # A list's footer was encoded by itself and appended: padding stands in the middle.
        pieces = re.split(rb"=+", _NO_BASE64.sub(b"", data))
        return b"".join(map(_base64_piece, pieces))
    try:
        return a2b_base64(data)
    except Error:
        return _base64_piece(_NO_BASE64.sub(b"", data))


def _base64_piece(data: bytes) -> bytes:
    """One run of base64 with whatever padding; a last character that says nothing is left out."""
    clean = data.replace(b"=", b"")
    whole = len(clean) - (len(clean) % 4 == 1)
    return a2b_base64(clean[:whole] + b"=" * (-whole % 4))


def uuencoded(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Files that stand uuencoded in a text, with their names, and the text without them."""
    files: list[tuple[bytes, bytes]] = []
    rest: list[bytes] = []
    position = 0
    for begin in islice(_UU_BEGIN.finditer(data), MAX_UU_TRIES):
        if len(files) == MAX_UU_FILES:
            break
        if begin.start() < position or not _is_uu(data, begin.end()):
            continue
        end = data.find(b"\nend", begin.end() - 1)
        stop = len(data) if end < 0 else end
        rest.append(data[position : begin.start()])
        files.append((begin[1].strip(), _uu_lines(data[begin.end() : stop])))
        position = min(stop + 5, len(data))
    rest.append(data[position:])
    return b"".join(rest), files


def _is_uu(data: bytes, start: int) -> bool:
    """Whether a line of data follows: its first character counts the octets of the rest."""
    end = data.find(b"\n", start, start + 100)
    line = data[start:end].rstrip(b"\r") if end >= 0 else b""
    if line in {b"", b"`"}:
        return data.startswith(b"end", end + 1)
    octets = (line[0] - 32) & 63
    return 32 <= line[0] <= 96 and 0 <= len(line) - 1 - (octets + 2) // 3 * 4 <= 2


def _uu_lines(data: bytes) -> bytes:
    """The decoded lines; one that is broken is passed over."""
    out: list[bytes] = []
    for line in data.split(b"\n"):
        if not line or line == b"`":
            continue
        try:
            out.append(a2b_uu(line))
        except Error:
            # Some encoders pad the line with garbage; the length is what counts.
            length = (((line[0] - 32) & 63) * 4 + 5) // 3
            with suppress(Error):
                out.append(a2b_uu(line[:length]))
    return b"".join(out)
