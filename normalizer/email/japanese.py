"""The Japanese encodings of mail, with the characters that Python's codecs lack.

Mailers write NEC row 13 (①, ㈱) and the IBM extensions (髙, 﨑) inside ISO-2022-JP and EUC-JP;
Python's codecs refuse them. Both are rows of the same table as cp932, so they are shifted there.
"""

from __future__ import annotations

import re

# Where JIS tables disagree with what everybody's mail program shows (WHATWG index jis0208).
_DIFFERENT = "〜‖−¢£¬—"
_TO_WINDOWS = str.maketrans(_DIFFERENT, "～∥－￠￡￢―")
_ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\([DOPQ]|\([BJIH])")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HALF_WIDTH = re.compile(r"[\uff61-\uff9f]")


def from_jis(data: bytes) -> str:
    """ISO-2022-JP in all its dialects; never fails."""
    try:
        return _as_windows(data.decode("iso2022_jp"))
    except UnicodeDecodeError:
        pieces = _ESCAPE.split(data)
    text = [_plain(pieces[0])]
    for escape, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if escape.startswith(b"$("):
            text.append(_supplement(piece))
        elif escape.startswith(b"$"):
            text.append(_double_byte(piece))
        elif escape == b"(I":
            text.append(
                bytes(b | 0x80 if b > 0x20 else b for b in piece).decode("cp932", "replace")
            )
        else:
            text.append(_plain(piece))
    return "".join(text)


def _as_windows(text: str) -> str:
    return text.translate(_TO_WINDOWS) if any(c in text for c in _DIFFERENT) else text


def _plain(piece: bytes) -> str:
    """Between the escapes: ASCII, or 8-bit Shift_JIS of a mailer that mixed both."""
    return piece.decode("ascii") if piece.isascii() else piece.decode("cp932", "replace")


def _double_byte(piece: bytes) -> str:
    shifted = bytearray()
    position, end = 0, len(piece)
    while position < end:
        first = piece[position]
        if first < 0x21 or position + 1 == end:
            shifted.append(first)
            position += 1
            continue
        shifted += _to_shift_jis(first & 0x7F, piece[position + 1] & 0x7F)
        position += 2
    return shifted.decode("cp932", "replace")


def _to_shift_jis(first: int, second: int) -> bytes:
    """JIS X 0208 row and cell to the two bytes of Shift_JIS."""
    lead = (first - 0x21) // 2 + (0x81 if first < 0x5F else 0xC1)
    odd = second + (0x1F if second < 0x60 else 0x20)
    trail = odd if first & 1 else second + 0x7E
    return bytes((lead & 0xFF, trail & 0xFF))


def _supplement(piece: bytes) -> str:
    """JIS X 0212, as EUC-JP writes it."""
    pairs = (piece[i : i + 2] for i in range(0, len(piece) - 1, 2))
    euc = b"".join(b"\x8f" + bytes(b | 0x80 for b in pair) for pair in pairs)
    return euc.decode("euc_jp", "replace")


def from_euc_strict(data: bytes) -> str:
    """EUC-JP; raises UnicodeDecodeError where it is not."""
    return _as_windows(data.decode("euc_jp"))


_EUC = re.compile(rb"\x8f[\xa1-\xfe]{2}|\x8e[\xa1-\xdf]|[\xa1-\xfe]{2}|[\x00-\x7f]+|.", re.DOTALL)


def from_euc(data: bytes) -> str:
    """EUC-JP with the extended rows; never fails."""
    try:
        return from_euc_strict(data)
    except UnicodeDecodeError:
        return "".join(map(_euc_character, _EUC.findall(data))).translate(_TO_WINDOWS)


def _euc_character(piece: bytes) -> str:
    if len(piece) == 2 and piece[0] >= 0xA1:
        return _to_shift_jis(piece[0] & 0x7F, piece[1] & 0x7F).decode("cp932", "replace")
    return piece.decode("euc_jp", "replace")


def guess(data: bytes) -> str | None:
    """Unlabelled Shift_JIS or EUC-JP, recognised by its kana; nothing when it is neither."""
    high = len(data) - len(data.translate(None, _HIGH))
    candidates = []
    # Hiragana and katakana are rows 82 and 83 in Shift_JIS, A4 and A5 in EUC-JP.
    if 8 * (data.count(b"\x82") + data.count(b"\x83")) > high:
        candidates.append(_try(data, "cp932"))
    if 8 * (data.count(b"\xa4") + data.count(b"\xa5")) > high:
        candidates.append(_try(data, "euc_jp"))
    texts = [text for text in candidates if text is not None and _likely(text)]
    return max(texts, key=_weight, default=None)


def from_kanji(data: bytes) -> str | None:
    """Shift_JIS without any kana, such as a name: lead bytes that Western text uses for dashes."""
    leads = len(data) - len(data.translate(None, _LEADS))
    high = len(data) - len(data.translate(None, _HIGH))
    text = _try(data, "cp932") if high >= 3 and leads * 3 >= high else None
    return text if text and not _NO_KANJI.search(text) else None


_LEADS = bytes(range(0x81, 0xA0))
_NO_KANJI = re.compile(r"[^\x00-\x7f\u3000-\u30ff\u4e00-\u9fff\uff01-\uff5e]")
_HIGH = bytes(range(0x80, 0x100))


def _try(data: bytes, codec: str) -> str | None:
    try:
        return data.decode("cp932") if codec == "cp932" else _euc_or_fail(data)
    except UnicodeDecodeError:
        return None


def _euc_or_fail(data: bytes) -> str | None:
    text = from_euc(data)
    return None if "\ufffd" in text else text


def _weight(text: str) -> int:
    return len(_KANA.findall(text)) - len(_HALF_WIDTH.findall(text))


def _likely(text: str) -> bool:
    return _weight(text) * 8 > sum(c > "\x7f" for c in text)
