"""A customer's HTML, made safe to show: no script, no style, nothing that is fetched."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from typing import NamedTuple

import nh3

MAX_HTML = 2**20  # characters
MAX_DEPTH = 1000  # the cleaner's time grows with the square of the depth

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
# These end by themselves where the next one begins, so that they are nested by others only.
_FLAT = frozenset({
    "p", "li", "dd", "dt", "br", "hr", "img", "input", "meta", "link", "col", "wbr", "area", "base",
})  # fmt: skip
_ATTRIBUTES = {**nh3.ALLOWED_ATTRIBUTES, "*": {"dir", "lang"}}
_EMPTY = frozenset({"script", "style", "title", "noscript", "template"})
_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_CITED = frozenset({"cite", "longdesc"})


class Cleaned(NamedTuple):
    """HTML to show, or why there is none; and the images that were kept from loading."""

    html: str | None
    withheld: str = ""
    blocked: tuple[str, ...] = ()


def clean(html: str) -> Cleaned:
    """Clean within bounded time; images of the mail itself (`cid:`) stay, remote ones are marked."""
    if len(html) > MAX_HTML:
        return Cleaned(None, "It is too long to be shown; the message as received has all of it.")
    if _depth(html) > MAX_DEPTH:
        return Cleaned(None, "It is nested too deeply to be shown safely.")
    # Nobody can have written this word into the mail, so what follows it is our own mark.
    mark = f"blocked-{secrets.token_hex(8)}:"
    blocked: dict[str, None] = {}

    def keep(tag: str, name: str, value: str) -> str | None:
        if name in _CITED:
            return None
        if (tag, name) != ("img", "src") or value.lower().startswith("cid:"):
            return value
        blocked[value] = None
        return mark + value

    shown = nh3.clean(
        html,
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        clean_content_tags=set(_EMPTY),
        url_schemes={*_SCHEMES, "cid"},
        url_relative="deny",
    )
    return Cleaned(shown.replace(f'src="{mark}', 'data-blocked-src="'), "", tuple(blocked))


def _depth(html: str) -> int:
    """An upper bound of the nesting, in one pass; an end tag closes only what is open."""
    opened: Counter[str] = Counter()
    depth = deepest = 0
    for end, name in _TAG.findall(html):
        tag = name.lower()
        if tag in _FLAT:
            continue
        if not end:
            opened[tag] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif opened[tag]:
            opened[tag] -= 1
            depth -= 1
    return deepest
