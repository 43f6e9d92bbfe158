"""Pure: what a form or a script posted, as fields and files, whichever of three ways it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

FIELDS = 100  # of one form
_TEXT = 2**20  # octets of a body without files: one octet of it may cost a hundred
_LONGEST_NAME = 100  # characters of a field's name
_HEADER = 2048  # octets of one header of a part
_HEADERS = 4  # of one part; RFC 7578 section 4.8 knows two, and one that is obsolete


class Upload(NamedTuple):
    """A file as its sender names it."""

    filename: str
    data: bytes


class Body(NamedTuple):
    """The first value of each field, in their order, and the files."""

    fields: dict[str, str]
    files: tuple[Upload, ...] = ()

    def take(self, *names: str) -> str:
        """Take a field out by one of its names; "" if there is none."""
        found = [self.fields.pop(name, "") for name in names]
        return next(filter(None, found), "")


class Refused(Exception):
    """What was posted cannot be taken; `status` is HTTP's word for it, `why` a key of our words."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def parse(headers: Mapping[str, str], body: bytes, max_files: int) -> Body:
    """Raises Refused."""
    kind, options = parse_options_header(headers.get("content-type", ""))
    if kind != "multipart/form-data" and len(body) > _TEXT:
        raise Refused(413, "size")
    match kind:
        case "application/x-www-form-urlencoded":
            return _urlencoded(body)
        case "application/json":
            return _json(body)
        case "multipart/form-data":
            return _multipart(options.get("boundary", ""), body, max_files)
    raise Refused(415, "format")


def _urlencoded(body: bytes) -> Body:
    if body.count(b"&") >= FIELDS:
        raise Refused(413, "fields")
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return Body(_first(pairs))


def _json(body: bytes) -> Body:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused(400, "form")
    if len(found) > FIELDS:
        raise Refused(413, "fields")
    return Body(_first([(_whole(name), _plain(value)) for name, value in found.items()]))


def _whole(text: str) -> str:
    """JSON can write half a character, which nothing else can."""
    return text.encode("utf-8", "replace").decode()


def _plain(value: Any) -> str:
    """A form has no lists and no tables."""
    match value:
        case str():
            return _whole(value)
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return repr(value)
        case None:
            return ""
    raise Refused(400, "form")


def _multipart(boundary: str, body: bytes, max_files: int) -> Body:
    """Strictly RFC 7578: what a browser writes, and nothing that is merely like it."""
    pairs: list[tuple[str, str]] = []
    files: list[Upload] = []
    try:
        parser = PushMultipartParser(
            boundary,
            len(body),
            _HEADER,
            _HEADERS,
            max_segment_count=FIELDS + max_files,
            strict=True,
        )
        with parser:
            for part, data in _parts(parser, body):
                if part.filename is None:
                    pairs.append((part.name or "", data.decode("utf-8", "replace")))
                elif part.filename or data:  # a browser sends an empty one where none was chosen
                    files.append(Upload(part.filename, data))
    except ParserLimitReached as error:
        raise Refused(413, "fields") from error
    except (MultipartError, UnicodeError) as error:
        raise Refused(400, "form") from error
    if len(files) > max_files:
        raise Refused(413, "files")
    return Body(_first(pairs), tuple(files))


def _parts(parser: PushMultipartParser, body: bytes) -> Any:
    part: MultipartSegment | None = None
    data = bytearray()
    for event in parser.parse(body):
        if isinstance(event, MultipartSegment):
            part = event
            data.clear()
        elif event:
            data += event
        elif part is not None:
            yield part, bytes(data)


def _first(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Whoever names a field twice means the first; line ends are ours."""
    fields: dict[str, str] = {}
    for name, value in pairs:
        if len(name) > _LONGEST_NAME:
            raise Refused(400, "form")
        fields.setdefault(name, value.replace("\r\n", "\n"))
    return fields


_PHOTOS = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"....ftyp(?:heic|heix|mif1|msf1)", re.DOTALL), "image/heic"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "image/avif"),
    (re.compile(rb"%PDF-"), "application/pdf"),
)
ACCEPTED = tuple(kind for _, kind in _PHOTOS)


def kind_of(data: bytes) -> str:
    """The type that a file's own first octets tell; "" for what is neither a photo nor a PDF."""
    return next((kind for start, kind in _PHOTOS if start.match(data)), "")
