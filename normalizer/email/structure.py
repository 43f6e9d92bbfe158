"""The MIME tree of a mail (RFC 2046), found by one search for each boundary, bounded in every way."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

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
    root = _entity(data, 0, len(data), 0, "text/plain", budget)
    return root, list(budget.defects)


def _entity(data: bytes, begin: int, end: int, depth: int, default: str, budget: Budget) -> Entity:
    headers, start, defects = split(data, begin, end)
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
        _multipart(entity, data, end, depth, budget)
    else:
        entity.body = data[start:end]
    return entity


def _bare(kind: str, default: str) -> str:
    return {"text": "text/plain", "html": "text/html", "plain": "text/plain"}.get(kind, default)


def _multipart(entity: Entity, data: bytes, end: int, depth: int, budget: Budget) -> None:
    boundary = entity.parameters.get("boundary", "").rstrip()
    if not boundary:
        boundary = _unannounced(data, entity.start, end)
        budget.defects["missing-boundary"] = None
    if depth >= MAX_DEPTH or not boundary:
        _stop(entity, data, end, "deep-nesting" if boundary else "no-parts", budget)
        return
    delimiter = b"--" + boundary.encode("utf-8", "replace")
    pieces = _pieces(data, entity.start, end, delimiter, budget)
    if not pieces:
        _stop(entity, data, end, "no-parts", budget)
        return
    default = "message/rfc822" if entity.type == "multipart/digest" else "text/plain"
    for begin, stop in pieces:
        if budget.parts <= 0:
            budget.defects["too-many-parts"] = None
            break
        budget.parts -= 1
        entity.children.append(_entity(data, begin, stop, depth + 1, default, budget))


def _stop(entity: Entity, data: bytes, end: int, defect: str, budget: Budget) -> None:
    """Keep a multipart that cannot be opened as one body: text, unless it is buried too deep."""
    budget.defects[defect] = None
    entity.body = data[entity.start : end]
    if defect == "no-parts":
        entity.type = "text/html" if b"<html" in entity.body[:2000].lower() else "text/plain"


def _unannounced(data: bytes, start: int, stop: int) -> str:
    """A boundary that the header does not name: the first line with two dashes that comes again."""
    position = start - 1
    for _ in range(20):
        position = data.find(b"\n--", position, stop)
        if position < 0:
            return ""
        end = data.find(b"\n", position + 1, stop)
        line = data[position + 3 : end if end >= 0 else stop].rstrip()
        if 0 < len(line) <= 100 and data.find(b"\n--" + line, position + 4, stop) >= 0:
            return line.decode("latin-1")
        position += 3
    return ""


def _pieces(
    data: bytes, start: int, stop: int, delimiter: bytes, budget: Budget
) -> list[tuple[int, int]]:
    """Begin and end of each part between the delimiter lines (RFC 2046 section 5.1.1)."""
    budget.search -= stop - start
    if budget.search < 0:
        return []
    marks = _delimiters(data, start, stop, delimiter, budget)
    if not marks:
        budget.defects["missing-boundary"] = None
        return []
    # Only the last closing delimiter closes: some programs write one between the parts.
    found = [(begin, max(begin, after - 1)) for (_, begin, _), (after, _, _) in pairwise(marks)]
    _, begin, closing = marks[-1]
    if not closing and begin < stop:
        budget.defects["unclosed-multipart"] = None
        found.append((begin, stop))
    return found


def _delimiters(
    data: bytes, start: int, stop: int, delimiter: bytes, budget: Budget
) -> list[tuple[int, int, bool]]:
    """Where each delimiter line begins, where the next line begins, whether it closes."""
    marks: list[tuple[int, int, bool]] = []
    first = data.startswith(delimiter, start, stop)
    position = start if first else data.find(b"\n" + delimiter, max(0, start - 1), stop) + 1
    while position > 0 and budget.lines > 0:
        budget.lines -= 1
        after = position + len(delimiter)
        end = data.find(b"\n", after, stop)
        end = stop if end < 0 else end
        rest = data[after : min(end, after + 80)].strip()
        if not rest or rest.startswith(b"--"):
            marks.append((position, min(end + 1, stop), rest.startswith(b"--")))
        position = data.find(b"\n" + delimiter, end, stop) + 1
    return marks
