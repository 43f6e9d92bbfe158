"""Which leaves of the tree are the text, the HTML and the attachments (RFC 8621 section 4.1.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from normalizer.email import charset, flowed, html, parameters, tnef, transfer, words
from normalizer.email.structure import Entity
from normalizer.message import Part, Role

# More text than anybody writes: the rest stays readable in a part of its own.
MAX_TEXT = 1024 * 1024
MAX_NAME = 255

_NO_TEXT = frozenset({
    "text/calendar", "text/csv", "text/vcard", "text/x-vcard", "text/directory", "text/rtf", "text/css",
    "text/xml", "text/javascript", "text/rfc822-headers", "text/tab-separated-values",
})  # fmt: skip
_MEDIA = ("image/", "audio/", "video/")
_CONTROL = re.compile("[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_CID = re.compile(r"cid:([^\"'\s>)]{1,250})", re.IGNORECASE)


@dataclass(slots=True)
class Contents:
    """What a mail holds, sorted."""

    text: str = ""
    html: str = ""
    parts: list[Part] = field(default_factory=list)
    defects: dict[str, None] = field(default_factory=dict)
    hints: tuple[str, ...] = ()


@dataclass(slots=True)
class _Leaf:
    """A leaf and what its place in the tree and its header say of it."""

    entity: Entity
    disposition: str
    filename: str
    first: bool
    family: str
    alternative: bool
    sibling: int


def collect(root: Entity) -> Contents:
    """The text, the HTML and every other leaf of a mail."""
    contents = Contents()
    leaves = list(_leaves(root, first=True, family="mixed", alternative=False))
    hints = contents.hints = _labels(leaves)
    texts: list[str] = []
    htmls: list[str] = []
    others: list[_Leaf] = []
    spoken: set[int] = set()
    for leaf in leaves:
        if not _is_body(leaf):
            others.append(leaf)
        elif leaf.entity.type == "text/html":
            htmls.append(_text_of(leaf, hints, contents))
            # Pieces of one text with an attachment between them, as Apple's programs send it.
            if leaf.sibling in spoken and not leaf.alternative:
                texts.append(html.to_text(htmls[-1]))
        else:
            texts.append(_plain_text(leaf, hints, contents))
            spoken.add(leaf.sibling)
    contents.html = "\n".join(htmls)
    cids = frozenset(_CID.findall(contents.html)) if "cid:" in contents.html else frozenset()
    for leaf in others:
        _attach(leaf, cids, contents)
    contents.text = "\n".join(texts) if texts else html.to_text(contents.html)
    return contents


def _labels(leaves: list[_Leaf]) -> tuple[str, ...]:
    """Codecs that the parts of a mail name: what the neighbours say."""
    named = (charset.codec(leaf.entity.parameters.get("charset", "")) for leaf in leaves)
    return tuple(dict.fromkeys(name for name in named if name))


def _leaves(
    entity: Entity, *, first: bool, family: str, alternative: bool, parent: int = 0
) -> Iterator[_Leaf]:
    if entity.type.startswith("multipart/") and entity.children:
        family = entity.type[10:]
        inside = family == "alternative" or (alternative and family != "mixed")
        for index, child in enumerate(entity.children):
            yield from _leaves(
                child, first=index == 0, family=family, alternative=inside, parent=id(entity)
            )
        return
    disposition = ""
    values: dict[str, str] = {}
    if "content-disposition" in entity.headers:
        disposition, values = parameters.parse(entity.headers.raw("content-disposition"))
    name = _name(
        values.get("filename", ""), entity.parameters.get("name", "") or values.get("name", "")
    )
    yield _Leaf(entity, disposition, name, first, family, alternative, parent)


def _name(declared: str, other: str) -> str:
    """The disposition's file name, unless its character set could not hold what the type's could."""
    lost = other and declared.count("?") + declared.count("\ufffd") > other.count("?")
    name = other if lost or not declared else declared
    return _clean(name) if name else ""


def _clean(name: str) -> str:
    """A file name without a path, without controls and without marks that turn its direction."""
    plain = _CONTROL.sub("", name).strip()
    if "\\" in plain or "/" in plain:
        plain = re.split(r"[\\/]", plain)[-1] or plain
    return plain[-MAX_NAME:]


def _is_body(leaf: _Leaf) -> bool:
    kind = leaf.entity.type
    if leaf.disposition == "attachment" or not kind.startswith("text/") or kind in _NO_TEXT:
        return False
    if kind not in {"text/plain", "text/html"}:
        # RFC 2046 section 4.1.4: text of an unknown kind is plain, where no other kind stands beside it.
        return leaf.first and not leaf.alternative and not leaf.filename
    return leaf.first or (leaf.family != "related" and not leaf.filename)


def _encoding(entity: Entity) -> str:
    return entity.headers.ascii("content-transfer-encoding")


def _bytes(entity: Entity) -> bytes:
    """The decoded bytes of a leaf; a large encoded body is let go."""
    data = entity.body
    if len(data) > MAX_TEXT:
        entity.body = b""
    encoding = _encoding(entity)
    return transfer.decode(data, encoding.split(";")[0].split("(")[0]) if encoding else data


def _text_of(leaf: _Leaf, hints: tuple[str, ...], contents: Contents) -> str:
    return _decoded(_bytes(leaf.entity), leaf, hints, contents)


def _decoded(data: bytes, leaf: _Leaf, hints: tuple[str, ...], contents: Contents) -> str:
    if len(data) > MAX_TEXT:
        contents.defects["long-text"] = None
        role: Role = "html" if leaf.entity.type == "text/html" else "text"
        contents.parts.append(_part(role, leaf.entity.type, data, leaf.filename))
        data = data[: data.rfind(b"\n", 0, MAX_TEXT) + 1 or MAX_TEXT]
    text = charset.decode(data, leaf.entity.parameters.get("charset", ""), hints)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\0", "") if "\0" in text else text


def _plain_text(leaf: _Leaf, hints: tuple[str, ...], contents: Contents) -> str:
    data = _bytes(leaf.entity)
    if b"begin " in data:
        data, files = transfer.uuencoded(data)
        for name, content in files:
            filename = _clean(words.decode(name, hints))
            contents.parts.append(
                _part("attachment", "application/octet-stream", content, filename)
            )
    text = _decoded(data, leaf, hints, contents)
    values = leaf.entity.parameters
    if values.get("format", "").lower() == "flowed" and values.get("delsp", "").lower() == "yes":
        return flowed.unfold(text)
    return text


def _attach(leaf: _Leaf, cids: frozenset[str], contents: Contents) -> None:
    entity = leaf.entity
    data = _bytes(entity)
    cid = entity.headers.raw("content-id").strip(b"<> ").decode("utf-8", "replace")[:250]
    inline = cid in cids or (leaf.disposition == "inline" and entity.type.startswith(_MEDIA))
    role: Role = "inline" if inline else "attachment"
    contents.parts.append(_part(role, entity.type, data, leaf.filename, cid))
    if tnef.is_tnef(entity.type, leaf.filename):
        for filename, content in tnef.attachments(data):
            contents.parts.append(
                _part("attachment", "application/octet-stream", content, _clean(filename))
            )


def _part(role: Role, kind: str, data: bytes, filename: str, cid: str = "") -> Part:
    return Part(
        role=role,
        content_type=kind,
        size=len(data),
        sha256=sha256(data).hexdigest(),
        data=data,
        filename=filename,
        content_id=cid,
    )
