"""The machine-readable half of a delivery report: per-recipient fields (RFC 3464 section 2.3)."""

from __future__ import annotations

import re

from normalizer.message import FailedRecipient

MAX_RECIPIENTS = 500
MAX_VALUE = 1000

# Not part of a version, a date or an IP address.
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\d.])([45]\d\d)(?=[\s,-])")
_FIELD = re.compile(r"^>?[ ]?([A-Za-z-]{4,30}):[ \t]*([^\n]*(?:\n[ \t]+[^\n]*)*)", re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>;,:\"()\[\]]+@[^\s<>;,:\"()\[\]]+")
_ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")
_SAME = {"failure": "failed", "error": "failed", "delay": "delayed"}
_USED = frozenset({"final-recipient", "original-recipient", "action", "status", "diagnostic-code"})


def read(text: str) -> tuple[FailedRecipient, ...]:
    """Each recipient once, in their order; the groups of fields are told apart by what repeats."""
    found: dict[str, FailedRecipient] = {}
    for group in _groups(text):
        recipient = _recipient(group)
        if recipient is not None and len(found) < MAX_RECIPIENTS:
            found.setdefault(recipient.address.lower(), recipient)
    return tuple(found.values())


def _groups(text: str) -> list[dict[str, str]]:
    groups: list[dict[str, str]] = [{}]
    last = 0
    for match in _FIELD.finditer(text):
        name = match[1].lower()
        blank = "\n\n" in text[last : match.start()]
        last = match.end()
        if (name in groups[-1] or (blank and groups[-1])) and len(groups) <= MAX_RECIPIENTS:
            groups.append({})
        if name in _USED:
            groups[-1].setdefault(name, " ".join(match[2][:MAX_VALUE].split()))
    return groups


def _recipient(group: dict[str, str]) -> FailedRecipient | None:
    address = address_in(group.get("final-recipient", "")) or address_in(
        group.get("original-recipient", "")
    )
    # SES and others write Action before the recipient, some forget it: a recipient is enough.
    if not address and not ("final-recipient" in group and "action" in group):
        return None
    diagnostic = group.get("diagnostic-code", "")
    status = status_of(diagnostic, group.get("status", ""))
    return FailedRecipient(address, _action(group.get("action", "")), status, diagnostic[:1000])


def _action(value: str) -> str:
    word = re.split(r"[^a-z]", value.lower(), maxsplit=1)[0]
    word = _SAME.get(word, word)
    return word if word in _ACTIONS else ""


def address_in(value: str) -> str:
    """The address of `rfc822; <a@b>`; nothing when a path or an X.400 name stands there."""
    found = _ADDRESS.search(value.partition(";")[2] or value)
    return str(found[0]).strip("'.") if found and found[0].find("@") > 0 else ""


def status_of(diagnostic: str, declared: str = "") -> str:
    """The status code; the remote server's own, which is quoted last, beats what our relay made of it."""
    quoted: list[str] = _ENHANCED.findall(diagnostic)
    own: list[str] = _ENHANCED.findall(declared)
    if quoted and not quoted[-1].endswith(".0.0"):
        return quoted[-1]
    return own[-1] if own else (quoted[-1] if quoted else "")


def reply_class(text: str) -> str:
    """The class of an SMTP reply (RFC 5321 section 4.2.1): `4`, `5`, or nothing."""
    found = _REPLY.findall(text)
    return str(found[-1])[0] if found else ""
