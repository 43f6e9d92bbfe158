"""Text of an HTML body: its tags in one pass, quotations marked as plain text marks them."""

from __future__ import annotations

import re
from html.entities import html5

MAX_HTML = 1024 * 1024
MAX_QUOTES = 20

# A `<` that begins no tag is text. Nothing here looks past the next `<`, or twice at one place.
_TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9:]*+)([^<>]*+)>([^<]*)|(<[^<]*)")
_SILENT = re.compile(r"<(style|script|title|xml)\b", re.IGNORECASE)
_ENDS = {
    name: re.compile("</" + name, re.IGNORECASE) for name in ("style", "script", "title", "xml")
}
_ENTITY = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,30}));?")
_SPACES = re.compile(r" {2,}")
_ALT = re.compile(r"\balt\s*=\s*([\"'])([^\"']{1,40})\1", re.IGNORECASE)

# Marks that the second pass turns into lines; no text of a mail holds these controls.
_BREAK, _PARAGRAPH, _NEWLINE, _QUOTE, _UNQUOTE = "\x02", "\x03", "\x04", "\x05", "\x06"
_MARKS = re.compile("([\x02-\x06])")
_PARAGRAPHS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "pre")
_BLOCKS = (
    "div", "tr", "table", "dt", "dd", "section", "article", "header", "footer", "body", "html",
    "center", "form", "fieldset", "address", "/li", "main", "caption",
)  # fmt: skip
_ACTIONS = {
    **{slash + name: _PARAGRAPH for name in _PARAGRAPHS for slash in ("", "/")},
    **{slash + name: _BREAK for name in _BLOCKS for slash in ("", "/")},
    "br": _NEWLINE,
    "hr": _BREAK + "_" * 32 + _BREAK,
    "li": _BREAK + "* ",
    "td": " ",
    "th": " ",
    "blockquote": _QUOTE,
    "/blockquote": _UNQUOTE,
}
_ACTIONS |= {name.upper(): action for name, action in _ACTIONS.items()}
_PRE = frozenset({"pre", "PRE"})


def to_text(html: str) -> str:
    """The visible text; a quotation (`blockquote`) is marked with `> ` as in plain text."""
    html = _visible(html[:MAX_HTML])
    start = html.find("<")
    if start < 0:
        return unescape(html).strip()
    out = [html[:start]]
    pre = False
    for name, attributes, text, literal in _TAG.findall(html, start):
        if literal:
            out.append(literal)
            continue
        action = _ACTIONS.get(name)
        if action is not None:
            out.append(action)
            if name in _PRE or name[1:] in _PRE:
                pre = name in _PRE
        elif name in {"img", "IMG"}:
            out.append(_image(attributes))
        out.append(_preserved(text) if pre else text)
    joined = "".join(out)
    joined = unescape(joined) if "&" in joined else joined
    return _lines(_one_space(joined))


def _one_space(text: str) -> str:
    """Any white space is one space; replacing beats a pattern that would match every word's end."""
    for space in ("\r", "\n", "\t", "\f"):
        text = text.replace(space, " ")
    return _SPACES.sub(" ", text) if "  " in text else text


def _visible(html: str) -> str:
    """Without comments, styles and scripts, and without the controls that are used as marks."""
    if any(mark in html for mark in _BREAK + _PARAGRAPH + _NEWLINE + _QUOTE + _UNQUOTE):
        html = _MARKS.sub("", html)
    if "<!" in html:
        html = _without(html, "<!--", "-->")
    if _SILENT.search(html):
        html = _without_silent(html)
    return html


def _without(html: str, opening: str, closing: str) -> str:
    """Without what stands between two marks; an opening that never closes is kept as text."""
    kept = []
    position = 0
    while (start := html.find(opening, position)) >= 0:
        end = html.find(closing, start)
        if end < 0:
            break
        kept.append(html[position:start])
        position = end + len(closing)
    kept.append(html[position:])
    return "".join(kept)


def _without_silent(html: str) -> str:
    kept = []
    position = 0
    while (found := _SILENT.search(html, position)) is not None:
        end = _ENDS[found[1].lower()].search(html, found.end())
        if end is None:
            break
        kept.append(html[position : found.start()])
        position = end.start()
    kept.append(html[position:])
    return "".join(kept)


def _preserved(text: str) -> str:
    """White space of a `pre` element is text."""
    return text.replace("\r\n", "\n").replace("\n", _NEWLINE).replace(" ", "\xa0")


def _image(attributes: str) -> str:
    """An emoji in web mail is an image with the character as its alternative text."""
    found = _ALT.search(attributes[:2000])
    text = unescape(found[2]) if found else ""
    return text if 0 < len(text) <= 4 and not text.isascii() else ""


def _lines(marked: str) -> str:
    """Marks into line breaks: blocks break once, paragraphs leave a line, `br` always breaks."""
    lines: list[str] = []
    depth = 0
    gap = False
    parts = _MARKS.split(marked)
    for text, mark in zip(parts[::2], [*parts[1::2], _BREAK], strict=True):
        plain = text.strip(" ")
        if plain or mark == _NEWLINE:
            prefix = "> " * min(depth, MAX_QUOTES)
            if gap and lines and lines[-1].strip("> "):
                lines.append(prefix.rstrip())
            lines.append(prefix + plain if plain else prefix.rstrip())
            gap = gap and not plain
        gap = gap or mark == _PARAGRAPH
        depth = max(0, depth + (mark == _QUOTE) - (mark == _UNQUOTE))
    return "\n".join(lines).strip("\n")


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
