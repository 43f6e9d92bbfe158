"""Bytes to text: what the label says, what the bytes say, what the neighbours say.

Labels mean what browsers and mail clients take them for (the WHATWG Encoding Standard):
`iso-8859-1` is windows-1252, `gb2312` is GB 18030, `euc-kr` is windows-949, `shift_jis` is cp932.
A label that the bytes contradict loses.
"""

from __future__ import annotations

import re
from codecs import lookup
from collections.abc import Iterable
from functools import lru_cache

from normalizer.email import japanese

_TABLE = {
    "cp1252": "ascii us-ascii ansi_x3.4-1968 iso-8859-1 iso8859-1 iso88591 iso_8859-1 latin1 l1 "
    "latin-1 8859_1 8859-1 windows-1252 cp1252 x-ansi ansi iso-8859-1-windows-3.1-latin-1",
    "cp1254": "iso-8859-9 iso8859-9 latin5 windows-1254",
    "cp874": "tis-620 tis620 iso-8859-11 windows-874 x-windows-874 dos-874",
    "gb18030": "gb2312 gbk gb-2312 gb_2312-80 x-gbk euc-cn gb18030 cp936 csgb2312 chinese gb2312_charset",
    "big5hkscs": "big5 big5-hkscs x-x-big5 cn-big5 cp950 big-5",
    "cp949": "euc-kr euckr ks_c_5601-1987 ks_c_5601 ksc5601 ksc_5601 windows-949 x-windows-949 "
    "cp949 uhc euc_kr ks_c_5601-1989 iso-ir-149 korean",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji windows-31j x-ms-cp932 cp932 cp943c ms932 "
    "shift_jisx0213 shift_jis-2004 shift_jis_2004 sjis-win csshiftjis",
    "euc-jp": "euc-jp x-euc-jp eucjp euc_jp cp51932 eucjp-ms eucjp-win cseucpkdfmtjapanese ujis "
    "euc-jis-2004 euc-jisx0213 euc_jis_2004 euc_jisx0213",
    "iso-2022-jp": "iso-2022-jp iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 iso-2022-jp-ms jis "
    "iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_3 iso2022_jp_2004 iso2022_jp_ext iso-2022-jp-2004 csiso2022jp cp50220 cp50221 cp50222 iso-2022-jp-ext x-iso-2022-jp",
    "utf-8": "utf-8-strict cesu-8 utf-8 utf8 utf8mb4 unicode-1-1-utf-8 x-unicode20utf8 utf-8-mac cp65001 utf_8",
    "utf-7": "utf-7 utf7 unicode-1-1-utf-7 x-unicode-2-0-utf-7",
    "utf-16": "utf-16 utf16 unicode ucs-2 iso-10646-ucs-2",
    "mac_roman": "macintosh mac x-mac-roman macroman",
    "mac_latin2": "x-mac-ce x-mac-centraleurroman",
    "mac_greek": "x-mac-greek",
    "mac_turkish": "x-mac-turkish",
    "iso8859_2": "latin-2",
    "cp866": "x-ibm866",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "iso8859_8": "iso-8859-8-i iso-8859-8-e logical visual iso8859-8",
    "iso8859_16": "iso-8859-16 iso8859-16",
    "hz": "hz-gb-2312 hz",
    "koi8_u": "koi8-u koi8-ru",
    "koi8_r": "koi8-r koi8 koi cskoi8r",
    "": "x-unknown unknown unknown-8bit x-user-defined default none 8bit binary _iso-2022-jp$esc",
}
_LABELS = {label: codec for codec, labels in _TABLE.items() for label in labels.split()}
# Python knows these by the same mechanism, but they are no character sets of mail.
_NEVER = frozenset(
    {
        "idna",
        "punycode",
        "unicode_escape",
        "raw_unicode_escape",
        "unicode-escape",
        "raw-unicode-escape",
        "undefined",
    }
)
_LABEL = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}")
_MULTIBYTE = frozenset({"gb18030", "big5hkscs", "cp949", "cp932", "euc-jp"})
_STATEFUL = frozenset({"utf-7", "hz", "iso2022_kr", "utf-16", "utf_16_le", "utf_16_be"})
_PREAMBLE = re.compile(r"^(?:windows|win|cp|ibm|dos|x-cp)[-_]?(\d{3,5})$")


@lru_cache(maxsize=512)
def codec(label: str) -> str:
    """The codec that a label means; empty when it means nothing."""
    label = label.strip(" \t\r\n'\"").lower()
    if label in _LABELS:
        return _LABELS[label]
    if not _LABEL.fullmatch(label):
        return ""
    numbered = _PREAMBLE.match(label)
    name = "cp" + numbered[1] if numbered else label
    plain = name.replace("-", "_")
    try:
        known = lookup(plain).name
        b"text".decode(plain)
    except UnicodeError:
        # A character set that ASCII text does not fit is one nevertheless.
        return "" if known in _NEVER else plain
    except (LookupError, ValueError):
        return ""
    return "" if known in _NEVER else _LABELS.get(known, plain)


def decode(data: bytes, label: str = "", hints: Iterable[str] = ()) -> str:
    """Text of `data`; never fails. `hints` are codecs of the neighbours, likeliest first."""
    name = codec(label)
    if data.isascii():
        return _seven_bit(data, name)
    if name in _STATEFUL:
        return _stateful(data, name)
    if name == "utf-8":
        return _labelled_utf8(data, hints)
    if name == "iso-2022-jp":
        return japanese.from_jis(data) if b"\x1b" in data else guess(data, ("cp932", *hints))
    if not name:
        return guess(data, hints)
    return _labelled(data, name, hints)


def _seven_bit(data: bytes, name: str) -> str:
    if b"\x1b" in data and (b"\x1b$" in data or b"\x1b(" in data) and name != "iso2022_kr":
        return japanese.from_jis(data)
    if name in _STATEFUL:
        return _stateful(data, name)
    return data.decode("ascii")


def _stateful(data: bytes, name: str) -> str:
    try:
        text = data.decode(name)
    except (UnicodeError, LookupError):
        text = data.decode("utf-8" if name == "utf-7" else name, "replace")
    # UTF-7 can write half of a pair; nobody else could store it.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _labelled_utf8(data: bytes, hints: Iterable[str]) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "replace")
        if error.reason == "unexpected end of data":
            return text
    # A character cut in two is a small wound; text in another character set is all wounds.
    wounds = text.count("\ufffd")
    good = sum(map(len, _NON_ASCII.findall(text))) - wounds
    return text if good > 2 * wounds else guess(data, hints)


_NON_ASCII = re.compile(r"[^\x00-\x7f]+")


def _labelled(data: bytes, name: str, hints: Iterable[str]) -> str:
    unicode = _as_utf8(data)
    if name in _MULTIBYTE:
        # Two legacy bytes can look like one UTF-8 character; several three-byte ones cannot.
        if unicode is not None and sum(c > "\u07ff" for c in unicode) >= 3:
            return unicode
        text = _strict(data, name)
        return text if text is not None else _repaired(data, name, hints)
    if unicode is not None:
        return unicode
    kana = japanese.guess(data)
    return kana if kana is not None else _single_byte(data, name)


def _repaired(data: bytes, name: str, hints: Iterable[str]) -> str:
    """A multi-byte label that the bytes break here and there, or altogether."""
    text = japanese.from_euc(data) if name == "euc-jp" else data.decode(name, "replace")
    wounds = text.count("\ufffd")
    good = sum(map(len, _NON_ASCII.findall(text))) - wounds
    return text if good > 2 * wounds else guess(data, hints, worst=text)


def guess(data: bytes, hints: Iterable[str] = (), worst: str | None = None) -> str:
    """Text without a label that can be believed."""
    unicode = _as_utf8(data)
    if unicode is not None:
        return unicode
    if b"\x1b$" in data:
        return japanese.from_jis(data)
    kana = japanese.guess(data)
    if kana is not None:
        return kana
    for hint in hints:
        text = _strict(data, hint) if hint not in {"", "utf-8", "iso-2022-jp", "cp1252"} else None
        if text is not None:
            return text
    if worst is not None:
        return worst
    kanji = japanese.from_kanji(data)
    if kanji is not None:
        return kanji
    return _single_byte(data, _cyrillic(data) or "cp1252")


def _cyrillic(data: bytes) -> str:
    """KOI8-R or windows-1251, when nearly all letters are beyond ASCII; else nothing."""
    high = data.translate(None, _ASCII_BYTES)
    if len(high) < 6 or len(high) * 2 < len(data.translate(None, _NO_LETTERS)):
        return ""
    # Most letters are lower case: 0xE0-0xFF in windows-1251, 0xC0-0xDF in KOI8-R.
    lower = len(high.translate(None, bytes(range(0x80, 0xE0))))
    if len(high.translate(None, bytes(range(0x80, 0xC0)))) < 0.9 * len(high):
        return ""
    return "cp1251" if lower * 2 > len(high) else "koi8_r"


_ASCII_BYTES = bytes(range(0x80))
_NO_LETTERS = bytes(b for b in range(0x80) if not chr(b).isalpha())


def _as_utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _strict(data: bytes, name: str) -> str | None:
    try:
        return japanese.from_euc_strict(data) if name == "euc-jp" else data.decode(name)
    except (UnicodeError, LookupError):
        return None


def _single_byte(data: bytes, name: str) -> str:
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        # WHATWG: a byte that windows-125x leaves empty is the control of that number.
        text = data.decode(name, "surrogateescape")
        return _ESCAPED.sub(lambda m: chr(ord(m[0]) - 0xDC00), text)


_ESCAPED = re.compile("[\udc80-\udcff]")
