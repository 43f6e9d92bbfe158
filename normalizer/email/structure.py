"""The MIME tree of a mail (RFC 2046), found by one search for each boundary, bounded in every way."""

from __future__ import annotations

from dataclasses import dataclass, field

from normalizer.email import parameters
from normalizer.email.headers import Headers, split

MAX_DEPTH = 50
MAX_PARTS = 1000
# Octets searched for boundaries in all: nesting makes each octet searched once a level.
MAX_SEARCH = 256 * 1024 * 1024
MAX_BOUNDARY_LINES = 20_000


@dataclass(slots=True)
class Entity:
    """Header fields and what follows them at `start`: a leaf has a body, a multipart children."""

    headers: Headers
    type: str
    parameters: dict[str, str]
    start: int = 0
    body: bytes = b""
    children: list[Entity] = field(default_factory=list)


@dataclass(slots=True)
class Budget:
    """What one mail may still cost, and what was found wrong on the way."""

    parts: int = MAX_PARTS
    search: int = MAX_SEARCH
    lines: int = MAX_BOUNDARY_LINES
    defects: dict[str, None] = field(default_factory=dict)


def parse(data: bytes) -> tuple[Entity, list[str]]:
    """The tree of a mail with LF line ends, and the defects found in it."""
    budget = Budget()
    root = _entity(data, 0, "text/plain", budget)
    return root, list(budget.defects)


def _entity(data: bytes, depth: int, default: str, budget: Budget) -> Entity:
    headers, start, defects = split(data)
    for defect in defects:
        budget.defects[defect] = None
    kind, values = parameters.parse(headers.raw("content-type"))
    if "/" not in kind:
        # RFC 2045 section 5.2: what has no type, or none that can be read, is plain text.
        if kind:
            budget.defects["bad-content-type"] = None
        kind = _bare(kind, default)
    entity = Entity(headers, kind, values, start)
    if kind.startswith("multipart/"):
        _multipart(entity, data, start, depth, budget)
    else:
        entity.body = data[start:]
    return entity


def _bare(kind: str, default: str) -> str:
    return {"text": "text/plain", "html": "text/html", "plain": "text/plain"}.get(kind, default)


def _multipart(entity: Entity, data: bytes, start: int, depth: int, budget: Budget) -> None:
    boundary = entity.parameters.get("boundary", "").rstrip()
    if not boundary:
        boundary = _unannounced(data, start)
        budget.defects["missing-boundary"] = None
    delimiter = b"--" + boundary.encode("utf-8", "replace")
    if depth >= MAX_DEPTH or not boundary:
        _stop(entity, data, start, "deep-nesting" if boundary else "no-parts", budget)
        return
    pieces = _pieces(data, start, delimiter, budget)
    if not pieces:
        _stop(entity, data, start, "no-parts", budget)
        return
    default = "message/rfc822" if entity.type == "multipart/digest" else "text/plain"
    for begin, end in pieces:
        if budget.parts <= 0:
            budget.defects["too-many-parts"] = None
            break
        budget.parts -= 1
        entity.children.append(_entity(data[begin:end], depth + 1, default, budget))


def _stop(entity: Entity, data: bytes, start: int, defect: str, budget: Budget) -> None:
    """Keep a multipart that cannot be opened as one body: text, unless it is buried too deep."""
    budget.defects[defect] = None
    entity.body = data[start:]
    if defect == "no-parts":
        entity.type = "text/html" if b"<html" in entity.body[:2000].lower() else "text/plain"


def _unannounced(data: bytes, start: int) -> str:
    """A boundary that the header does not name: the first line with two dashes that comes again."""
    position = start - 1
    for _ in range(20):
        position = data.find(b"\n--", position)
        if position < 0:
            return ""
        end = data.find(b"\n", position + 1)
        line = data[position + 3 : end if end >= 0 else len(data)].rstrip()
        if 0 < len(line) <= 100 and b"\n--" + line in data[position + 4 :]:
            return line.decode("latin-1")
        position += 3
    return ""


def _pieces(data: bytes, start: int, delimiter: bytes, budget: Budget) -> list[tuple[int, int]]:
    """Begin and end of each part between the delimiter lines."""
    budget.search -= len(data) - start
    if budget.search < 0:
        return []
    found: list[tuple[int, int]] = []
    begin = -1
    position = (
        start if data.startswith(delimiter, start) else data.find(b"\n" + delimiter, start - 1) + 1
    )
    if position == 0:
        budget.defects["missing-boundary"] = None
        return []
    closed = False
    while position > 0 and budget.lines > 0:
        budget.lines -= 1
        after = position + len(delimiter)
        line_end = data.find(b"\n", after)
        line_end = len(data) if line_end < 0 else line_end
        rest = data[after : min(line_end, after + 80)].strip()
        if not rest or rest.startswith(b"--"):
            if begin >= 0:
                # RFC 2046 section 5.1.1: the line break before a delimiter belongs to it.
                found.append((begin, max(begin, position - 1)))
            begin = min(line_end + 1, len(data))
            closed = rest.startswith(b"--")
            if closed and data.find(b"\n" + delimiter, line_end) < 0:
                begin = -1
                break
        position = data.find(b"\n" + delimiter, line_end) + 1
    if begin >= 0 and begin < len(data) and not closed:
        budget.defects["unclosed-multipart"] = None
        found.append((begin, len(data)))
    return found
