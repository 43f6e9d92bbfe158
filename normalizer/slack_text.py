"""Pure: Slack's markup as plain text, and plain text as Slack's."""

from __future__ import annotations

import re

_MARKED = re.compile(r"<([^<>|\s][^<>|]*)(?:\|([^<>]*))?>")


def plain(text: str, own: str = "") -> str:
    """The words as a reader sees them; a mention of `own`, which only calls us, is no word."""
    return unescaped(_MARKED.sub(lambda found: _shown(found[1], found[2] or "", own), text)).strip()


def escaped(text: str) -> str:
    """What Slack shows as this very text: three characters are its markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _shown(what: str, label: str, own: str) -> str:
    """One thing between angle brackets: who, where, everybody, a date, or an address."""
    if what == f"@{own}":
        return ""
    if what[:1] in {"@", "#"}:
        return what[0] + (label or what[1:])
    if what.startswith("!"):
        return label or f"@{what[1:].partition('^')[0]}"
    address = what.removeprefix("mailto:")
    return (
        address
        if not label or label in {address, what.partition("://")[2]}
        else f"{label} ({address})"
    )
