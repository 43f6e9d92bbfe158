"""Message to octets: a mail as RFC 5322 and MIME want it, whatever its values contain."""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from channels.base import Rejected
from normalizer.message import Address, Kind, Message, Part

_AUTOMATIC: frozenset[Kind] = frozenset({"acknowledgement", "follow_up", "notice", "survey"})
NAME_LIMIT = 250  # characters of a subject, display name or file name

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ASCII = bytes(range(128))
_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_PHRASE = re.compile(rf"[{_ATEXT}]+(?: [{_ATEXT}]+)*")
_LOCAL = re.compile(rf"[\x80-\U0010ffff.{_ATEXT}]+|\"(?:[!#-\[\]-~]|\\[!-~])+\"")
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_HOST}|\[[0-9A-Za-z.:]+\]")
_PLAIN = re.compile(rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*@{_HOST}")
_MSG_ID = re.compile(r"[!-;=?-~]{1,900}")
_MEDIA_TYPE = re.compile(r"(?!message|multipart)[a-z0-9.+-]+/[a-z0-9.+-]+", re.IGNORECASE)
_URL = re.compile(r"https?://[!-;=?-~]{1,900}")
_TOKENS = re.compile(r" *[^ ]+")
# Line and paragraph separators break headers in careless readers, and direction overrides show an
# address or a file name as another one.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")
_BODY_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


class Mail(NamedTuple):
    """A mail with its SMTP envelope; `sender` is "" for the null reverse-path.

    `name` is what the mail is called where it needs a name: the same whenever it is tried again.
    """

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    name: str


def compose(message: Message, sender: Address, date: datetime, hostname: str) -> bytes:
    """The whole mail in octets, CRLF between lines, 7-bit but for the headers of RFC 6532 mails.

    `hostname` completes the Message-ID of a message that has none. Raises Rejected for an address
    that cannot stand in a mail.
    """
    head = _header(message, sender, date, hostname)
    shown, attached = _pictures(message), _attached(message)
    if not message.html and not attached:
        return f"{head}MIME-Version: 1.0\r\n{_text('plain', message.text)}".encode()
    said = f"{head}\0{message.text}\0{message.html}".encode(errors="replace")
    boundary = f"=_{sha256(said).hexdigest()[:32]}"
    body = _text("plain", message.text).encode()
    if message.html:
        html = _text("html", message.html).encode()
        if shown:
            html = _multipart("related", f"{boundary}r", (html, *map(_attachment, shown)))
        body = _multipart("alternative", f"{boundary}a", (body, html))
    if attached:
        body = _multipart("mixed", boundary, (body, *map(_attachment, attached)))
    return f"{head}MIME-Version: 1.0\r\n".encode() + body


def _pictures(message: Message) -> list[Part]:
    """What the HTML shows by its Content-ID (RFC 2392): it travels with the HTML."""
    inline = (part for part in message.parts if part.role == "inline")
    return [part for part in inline if part.content_id and f"cid:{part.content_id}" in message.html]


def _attached(message: Message) -> list[Part]:
    """Everything else that has a file's bytes; a picture that nothing shows is one, too."""
    files = [part for part in message.parts if part.role in ("inline", "attachment")]
    shown = _pictures(message)
    return [part for part in files if part not in shown]


def wire(address: str) -> str:
    """The address as SMTP and headers want it: a quoted local part where needed, an ASCII domain.

    Some carriers gave out local parts such as `a..b`; RFC 5321 section 4.1.2 has them quoted.
    Raises Rejected for what could break a command line (CR, LF, blanks, controls, brackets).
    """
    if _PLAIN.fullmatch(address) and len(address) <= 254:
        return address
    local, _, domain = address.rpartition("@")
    domain = domain if domain.isascii() else _to_ascii(domain)
    well_formed = _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)
    if not (well_formed and address.isprintable() and len(address) <= 254):
        raise Rejected(f"{address[:80]!r} is not a mail address", "address_dead", address)
    dotted = local[0] != '"' and (local[0] == "." or local[-1] == "." or ".." in local)
    return f'"{local}"@{domain}' if dotted else f"{local}@{domain}"


def clean(value: str, limit: int = NAME_LIMIT) -> str:
    """A value for one line that people read: no controls, no overrides, at most `limit` long."""
    if len(value) <= limit and value.isprintable():
        return value.strip(" ")
    value = _CONTROLS.sub(" ", _OVERRIDES.sub("", value[: 8 * limit]))
    value = _LONE_SURROGATES.sub("\ufffd", value).strip(" ")
    return value if len(value) <= limit else value[: limit - 1] + "…"


def _to_ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def _header(message: Message, sender: Address, date: datetime, hostname: str) -> str:
    lines = [
        f"Date: {_date(date)}",
        _addresses("From", (sender,)),
        _addresses("To", message.to),
        _addresses("Cc", message.cc),
        _unstructured("Subject", message.subject),
        f"Message-ID: <{_message_id(message, date, hostname)}>",
        *_threading(message),
        _addresses("Reply-To", message.reply_to),
        *_automatic(message),
        *_opt_out(message),
    ]
    return "\r\n".join(filter(None, lines)) + "\r\n"


def _date(date: datetime) -> str:
    day = f"{_DAYS[date.weekday()]}, {date.day:02} {_MONTHS[date.month - 1]} {date.year:04}"
    return f"{day} {date:%H:%M:%S} {date.strftime('%z')[:5] or '-0000'}"


def _message_id(message: Message, date: datetime, hostname: str) -> str:
    if _MSG_ID.fullmatch(message.message_id):
        return message.message_id
    said = f"{date.timestamp()}\0{message.to}\0{message.subject}\0{message.text}"
    return f"{sha256(said.encode(errors='replace')).hexdigest()[:32]}@{hostname}"


def is_automatic(message: Message) -> bool:
    """Whether nobody wrote this: most kinds say so themselves, a note may be a robot's or a person's."""
    return message.kind in _AUTOMATIC or message.automatic.is_auto


def _automatic(message: Message) -> tuple[str, ...]:
    """RFC 3834 section 5, and the header by which Exchange keeps its own robots quiet."""
    if not is_automatic(message):
        return ()
    word = "auto-replied" if message.kind == "acknowledgement" else "auto-generated"
    return f"Auto-Submitted: {word}", "X-Auto-Response-Suppress: All"


def _opt_out(message: Message) -> tuple[str, ...]:
    """RFC 2369 section 3.2; RFC 8058 section 3.1 wants HTTPS for the one click."""
    url = message.unsubscribe
    if not url or not _URL.fullmatch(url):
        return ()
    one_click = "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
    return f"List-Unsubscribe: <{url}>", one_click if url.startswith("https:") else ""


def _threading(message: Message) -> tuple[str, ...]:
    """RFC 5322 section 3.6.4; a thread that grew too long keeps its root and its latest mails."""
    parent = message.in_reply_to if _MSG_ID.fullmatch(message.in_reply_to) else ""
    chain = [id_ for id_ in message.references if id_ != parent and _MSG_ID.fullmatch(id_)]
    chain = [*chain[:1], *chain[1:][-19:], *filter(None, [parent])]
    line = _fold("References:", [f" <{id_}>" for id_ in chain]) if chain else ""
    return f"In-Reply-To: <{parent}>" if parent else "", line


def _unstructured(name: str, value: str) -> str:
    value = clean(value)
    if not value:
        return ""
    if not value.isascii() or "=?" in value:
        return f"{name}: {_encoded_words(value, len(name) + 2)}"
    if len(name) + 2 + len(value) <= 78:
        return f"{name}: {value}"
    return _fold(f"{name}:", _TOKENS.findall(f" {value}"))


def _fold(name: str, tokens: list[str]) -> str:
    """Lines of at most 78 characters where the blanks allow (RFC 5322 section 2.2.3)."""
    lines = [name + tokens[0]]
    for token in tokens[1:]:
        if len(lines[-1]) + len(token) <= 78:
            lines[-1] += token
        else:
            lines.append(token)
    return "\r\n".join(lines)


def _encoded_words(value: str, column: int) -> str:
    """RFC 2047: words of whole characters, lines of at most 76; `column` is where the first begins."""
    octets = value.encode()
    words = []
    start = 0
    room = max(76 - column - 12, 16) // 4 * 3
    while start < len(octets):
        end = min(start + min(room, 45), len(octets))
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        words.append(f"=?utf-8?B?{b2a_base64(octets[start:end], newline=False).decode()}?=")
        start, room = end, 45
    return "\r\n ".join(words)


def _addresses(name: str, addresses: tuple[Address, ...]) -> str:
    if not addresses:
        return ""
    mailboxes = [_mailbox(address, len(name) + 2) for address in addresses]
    line = f"{name}: {', '.join(mailboxes)}"
    return line if len(line) <= 78 else f"{name}: " + ",\r\n ".join(mailboxes)


def _mailbox(address: Address, column: int) -> str:
    angle = f"<{wire(address.address)}>"
    name = _phrase(clean(address.name), column)
    if not name:
        return angle[1:-1]
    last_line = len(name) - name.rfind("\n") + (0 if "\n" in name else column)
    return f"{name} {angle}" if last_line + len(angle) < 76 else f"{name}\r\n {angle}"


def _phrase(name: str, column: int) -> str:
    if not name.isascii() or "=?" in name:
        return _encoded_words(name, column)
    if not name or _PHRASE.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(subtype: str, text: str) -> str:
    """One text as a MIME entity in whichever encoding reads best and cannot be damaged."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _BODY_CONTROLS.sub("", text).rstrip("\n").replace("\n", "\r\n") + "\r\n"
    octets = text.encode(errors="replace")
    foreign = len(octets.translate(None, _ASCII))
    if not foreign and max(map(len, octets.split(b"\r\n"))) <= 78:
        encoding, body = "7bit", octets.decode()
    elif foreign * 6 < len(octets):
        encoding, body = "quoted-printable", b2a_qp(octets).decode()
    else:
        encoding, body = "base64", _base64(octets).decode()
    return (
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n{body}"
    )


def _base64(octets: bytes) -> bytes:
    coded = b2a_base64(octets, newline=False)
    return b"\r\n".join([coded[at : at + 76] for at in range(0, len(coded), 76)]) + b"\r\n"


def _multipart(subtype: str, boundary: str, entities: Iterable[bytes]) -> bytes:
    # RFC 2387 section 3.1: readers of multipart/related are told what its root is.
    root = '\r\n type="text/html";' if subtype == "related" else ""
    opening = f'Content-Type: multipart/{subtype};{root}\r\n boundary="{boundary}"\r\n\r\n'
    delimiter = f"--{boundary}\r\n".encode()
    chunks = [opening.encode()]
    for entity in entities:
        chunks += (delimiter, entity, b"\r\n")
    return b"".join((*chunks, f"--{boundary}--\r\n".encode()))


def _attachment(part: Part) -> bytes:
    """RFC 2046 section 5.2.1 forbids base64 in message/*, so these travel as plain octets."""
    assert isinstance(part.data, bytes)
    kind = part.content_type if _MEDIA_TYPE.fullmatch(part.content_type) else ""
    filename = re.sub(r"[/\\]", "_", clean(part.filename, 200))
    lines = [
        f"Content-Type: {kind or 'application/octet-stream'}{_name(filename)}",
        f"Content-Disposition: {part.role}{_filename(filename)}",
        "Content-Transfer-Encoding: base64",
    ]
    if _MSG_ID.fullmatch(part.content_id):
        lines.append(f"Content-ID: <{part.content_id}>")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + _base64(part.data)


def _name(filename: str) -> str:
    """The old parameter, in RFC 2047 words: many mail programs know a file by nothing else."""
    if not filename or filename.isascii():
        return ""
    return f';\r\n name="{_encoded_words(filename, 7)}"'


def _filename(filename: str) -> str:
    """RFC 2183; beyond ASCII, RFC 2231 section 4.1: numbered pieces that no line is too short for."""
    if not filename:
        return ""
    if filename.isascii() and len(filename) <= 60:
        escaped = filename.replace('"', '\\"')
        return f';\r\n filename="{escaped}"'
    pieces = re.findall(r"(?:%..|[^%]){1,18}", f"utf-8''{quote(filename, safe='')}")
    if len(pieces) == 1:
        return f";\r\n filename*={pieces[0]}"
    return "".join(f";\r\n filename*{number}*={piece}" for number, piece in enumerate(pieces))
