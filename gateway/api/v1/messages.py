"""One message: what it says, as it was received, and its attachments."""

from __future__ import annotations

import re
from urllib.parse import quote

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.response import Stream

from gateway.api.clean import MAX_HTML, Cleaned, clean
from gateway.api.errors import documented, download
from gateway.api.parameters import Id
from gateway.api.problem import Absent
from gateway.api.reads import Reads
from normalizer.email import headers, words
from store import shapes, whole
from store.known import Raw

MAX_HEADERS = 1000

_ACTIVE = re.compile(r"html|/xml|\+xml|svg|script|/css|flash")
_PLAIN_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}\Z")
_UNSAFE = re.compile(r"[^ !#$&+\-.0-9A-Z^_`a-z()@=,\[\]{}~]")


@get(
    "/messages/{message:int}",
    summary="Read a message",
    tags=["messages"],
    responses=documented(404),
)
async def get_message(reads: NamedDependency[Reads], message: Id) -> shapes.MessageView:
    """All that is known about it, the reasons of our decisions included.

    Its HTML is cleaned now, for showing: scripts, styles and remote images are kept out.
    """
    opened = await reads.found(lambda c: whole.message(c, message))
    shown = await _html(reads, opened.html)
    return msgspec.structs.replace(
        opened.message,
        headers=await _headers(reads, opened.raw),
        html=shown.html,
        html_withheld=shown.withheld,
        blocked_images=list(shown.blocked),
    )


@get(
    "/messages/{message:int}/raw",
    summary="The message as received",
    tags=["messages"],
    media_type="message/rfc822",
    responses=download("message/rfc822") | documented(404),
)
async def get_raw(reads: NamedDependency[Reads], message: Id) -> Stream:
    """Byte for byte; what we sent ourselves has no such form."""
    raw = await reads.found(lambda c: whole.raw(c, message))
    return await _download(reads, raw, "message/rfc822", f"message-{message}.eml")


@get(
    "/messages/{message:int}/parts/{part:int}",
    summary="Download an attachment",
    tags=["messages"],
    responses=download("application/octet-stream") | documented(404),
)
async def get_part(reads: NamedDependency[Reads], message: Id, part: Id) -> Stream:
    """Always a download: a browser never shows what a customer sent as a page of ours."""
    found = await reads.found(lambda c: whole.attachment(c, message, part))
    if found.bytes is None:
        raise Absent("The bytes of this part are not stored.")
    kind = safe_type(found.part.content_type)
    return await _download(reads, found.bytes, kind, found.part.filename or f"part-{part}")


async def _download(reads: Reads, stored: Raw, kind: str, filename: str) -> Stream:
    headers_ = {
        "Content-Disposition": disposition(filename),
        "Content-Length": str(stored.size),
    }
    return Stream(await reads.whole(stored), media_type=kind, headers=headers_)


def safe_type(content_type: str) -> str:
    """A part's type where a browser takes it for data; else that of data."""
    kind = content_type.partition(";")[0].strip().lower()
    safe = _PLAIN_TYPE.match(kind) and not _ACTIVE.search(kind)
    return kind if safe else "application/octet-stream"


def disposition(filename: str) -> str:
    """RFC 6266: always `attachment`; any name in `filename*`, and one in ASCII for old clients."""
    name = filename.replace("\\", "/").rpartition("/")[2].strip(". ") or "attachment"
    plain = _UNSAFE.sub("_", name)
    exact = quote(name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"


async def _html(reads: Reads, stored: Raw | None) -> Cleaned:
    if stored is None:
        return Cleaned(None)
    # One octet more than may be shown tells that there is more.
    html = (await reads.head(stored, 4 * MAX_HTML + 4)).decode("utf-8", "replace")
    return await reads.aside(lambda: clean(html))


async def _headers(reads: Reads, raw: Raw | None) -> list[shapes.Header]:
    if raw is None:
        return []
    block = await reads.head(raw, headers.MAX_BLOCK)
    return await reads.aside(lambda: _fields(block))


def _fields(block: bytes) -> list[shapes.Header]:
    found, _, _ = headers.split(block.replace(b"\r\n", b"\n"))
    return [
        shapes.Header(name=name, value=words.decode(headers.unfold(value)))
        for name, value in found.pairs[:MAX_HEADERS]
    ]
