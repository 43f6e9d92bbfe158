"""Text of an HTML body: one pass over its tags, quotes marked as plain text marks them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5

MAX_HTML = 1024 * 1024

_ENTITY = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,30}));?")
_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9:]*)")
_SPACES = re.compile(r"[ \t\r\n\f]+")
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "pre"})
_BLOCKS = _PARAGRAPHS | {
    "div", "tr", "li", "table", "hr", "dt", "dd", "section", "article", "header", "footer",
    "body", "html", "center", "form", "fieldset", "address",
}  # fmt: skip
_SILENT = frozenset({"style", "script", "title", "noscript", "xml"})


def to_text(html: str) -> str:
    """The visible text; a quotation (`blockquote`) is marked with `> ` as in plain text."""
    return _Reader().read(html[:MAX_HTML])


class _Reader:
    """Collects lines; `depth` is the nesting of quotations."""

    __slots__ = ("blank", "depth", "line", "lines", "pre")

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.depth = 0
        self.pre = 0
        self.blank = False

    def read(self, html: str) -> str:
        for tag, text in _tokens(html):
            name = _NAME.match(tag)
            if name:
                self.tag(name[1].lower(), tag)
            if text:
                self.text(text)
        self.break_line()
        return "\n".join(self.lines).strip("\n")

    def text(self, raw: str) -> None:
        text = unescape(raw) if "&" in raw else raw
        if not self.pre:
            text = _SPACES.sub(" ", text)
            self.line.append(text)
            return
        first, *rest = text.replace("\r\n", "\n").split("\n")
        self.line.append(first)
        for part in rest:
            self.break_line(keep=True)
            self.line.append(part)

    def tag(self, word: str, tag: str) -> None:
        closing = tag.startswith("/")
        if word == "blockquote":
            self.break_line()
            self.depth = max(0, self.depth + (-1 if closing else 1))
        elif word in {"td", "th"}:
            if not closing and "".join(self.line).strip():
                self.line.append(" ")
        elif word == "br":
            self.break_line(keep=True)
        elif word in _BLOCKS:
            self.break_line()
            self.blank |= word in _PARAGRAPHS
            if word == "pre":
                self.pre = max(0, self.pre + (-1 if closing else 1))
            elif word == "hr":
                self.line.append("_" * 32)
                self.break_line()
            elif word == "li" and not closing:
                self.line.append("* ")
        elif word == "img":
            self.image(tag)

    def image(self, tag: str) -> None:
        """An emoji in web mail is an image with the character as its alternative text."""
        alternative = _ALT.search(tag[:2000])
        if alternative:
            text = unescape(alternative[2])
            if 0 < len(text) <= 4 and not text.isascii():
                self.line.append(text)

    def break_line(self, *, keep: bool = False) -> None:
        text = "".join(self.line)
        text = text if self.pre else _SPACES.sub(" ", text).strip(" ")
        self.line = []
        if not text.strip() and not keep:
            return
        prefix = "> " * min(self.depth, 20)
        if self.blank and self.lines and text.strip() and self.lines[-1].strip("> "):
            self.lines.append(prefix.rstrip())
        if text.strip():
            self.blank = False
        self.lines.append(prefix + text if text else prefix.rstrip())


_ALT = re.compile(r"\balt\s*=\s*([\"'])([^\"']{1,40})\1", re.IGNORECASE)


def _tokens(html: str) -> Iterator[tuple[str, str]]:
    """Each tag with the text after it; comments and what is never shown are left out."""
    first, *pieces = html.split("<")
    yield "", first
    until = ""
    for piece in pieces:
        if until == "-->" or piece.startswith("!--"):
            _, end, text = piece.partition("-->")
            until = "" if end else "-->"
            yield "", text
            continue
        tag, closed, text = _tag(piece)
        name = _NAME.match(tag)
        word = name[1].lower() if name else ""
        if until:
            until = "" if word == until and tag.startswith("/") else until
            text = "" if until else text
        elif word in _SILENT and not tag.startswith("/") and not tag.endswith("/"):
            until = word
        elif closed and (word or tag.startswith(("!", "?"))):
            yield tag, text
        else:
            yield "", "<" + piece
            continue
        if not until and text and word in _SILENT:
            yield "", text


def _tag(piece: str) -> tuple[str, bool, str]:
    """A tag, whether it is closed, and the text after it; `>` inside quoted values is no end."""
    end = piece.find(">")
    if end < 0:
        return piece, False, ""
    head = piece[:end]
    if head.count('"') % 2 and '"' in piece[end:]:
        later = piece.find(">", piece.find('"', end))
        end = later if later >= 0 else end
    return piece[:end], True, piece[end + 1 :]


def unescape(text: str) -> str:
    """Character references resolved; one that does not exist stays as written."""
    return _ENTITY.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    if match[3]:
        return html5.get(match[3] + ";") or html5.get(match[3]) or match[0]
    number = int(match[1]) if match[1] else int(match[2], 16)
    if 0x80 <= number < 0xA0:
        return bytes((number,)).decode("cp1252", "replace")
    return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
