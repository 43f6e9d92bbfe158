"""What ties mails together: Message-IDs, References, the base subject, typed case references."""

from __future__ import annotations

import re

MAX_REFERENCES = 50
MAX_MENTIONS = 10
MAX_ID = 998
MAX_SUBJECT = 2000

_ID = re.compile(rb"<([^<>]*)>")
_SPACE = re.compile(rb"\s+")
# The dash comes first, because a search for one character is much cheaper than for a class.
_CASE_TAIL = re.compile(r"-[0-9A-HJKMNP-TV-Z]{4}(?![0-9A-Za-z-])")
_CASE_HEAD = re.compile(r"(?:^|[^0-9A-Za-z-])([A-HJ-NP-TV-Z][0-9A-HJKMNP-TV-Z]{3})$")
# Reply and forward prefixes of mail programs in the languages that they speak.
_PREFIXES = (
    "re fw fwd fyi aw antw antwort wg wtr sv vs vb vl odp pd ynt ilt bls trs ref res rv rif r i ri "
    "enc tr vá továbbítás sz doorst atb nep rea ret vedr videre fs sk bal ats nb "
    "回复 答复 转发 回覆 答覆 轉寄 轉發 返信 転送 회신 전달 תגובה הועבר رد إعادة-توجيه σχετ πρθ απ på"
)
_PREFIX = re.compile(
    r"\s*(?:" + "|".join(sorted(map(re.escape, _PREFIXES.split()), key=len, reverse=True)) + r")"
    r"\s*(?:\[\d{1,4}\]|\(\d{1,4}\)|\^\d{1,4}|\d{1,2}|\*\d{1,2})?\s*[:：](?!//)",
    re.IGNORECASE,
)
_BLOB = re.compile(r"\s*\[([^\[\]]*)\]\s*")
_TRAILER = re.compile(r"\s*\((?:fwd|fw)\)\s*$", re.IGNORECASE)
_FORWARD = re.compile(
    r"\s*\[?(?:fwd?|fw|wg|tr|rv|vb|vl|vs|enc|i|inoltr\w*|转发|轉寄|轉發|転送|전달)\s*[:：]",
    re.IGNORECASE,
)
_FORWARDED = re.compile(r"\s*\[\s*(?:fwd?|fw)\s*:\s*([^\[\]]*)\]\s*$", re.IGNORECASE)


def message_id(value: bytes) -> str:
    """One id without its angle brackets; tolerates a missing bracket and white space inside."""
    found = _ID.search(value)
    raw = found[1] if found else value.strip(b" \t<>")
    return _SPACE.sub(b"", raw[:MAX_ID]).decode("utf-8", "replace")


def references(value: bytes) -> tuple[str, ...]:
    """The ids of a References or In-Reply-To header: the first and the last 50 at most.

    Whole ids in angle brackets count; without any bracket, words with an @ do.
    """
    raw = _ID.findall(value)
    if not raw and b"<" not in value:
        raw = [word for word in value.replace(b",", b" ").split() if b"@" in word]
    clean = (
        _SPACE.sub(b"", item).decode("utf-8", "replace") for item in raw[-2 * MAX_REFERENCES :]
    )
    known = [item for item in dict.fromkeys(clean) if item and len(item) <= MAX_ID]
    return tuple(known[-MAX_REFERENCES:])


def base_subject(subject: str) -> str:
    """The subject without reply and forward marks and list tags (RFC 5256 section 2.1)."""
    text = subject[:MAX_SUBJECT].strip()
    while True:
        shorter = _peel(text)
        if shorter == text:
            return text
        text = shorter


def _peel(text: str) -> str:
    """One mark less; the same text when there is none left."""
    trailer = _TRAILER.search(text)
    if trailer:
        return text[: trailer.start()].rstrip()
    prefix = _PREFIX.match(text)
    if prefix:
        return text[prefix.end() :].strip()
    forwarded = _FORWARDED.match(text)
    if forwarded:
        return forwarded[1].strip()
    blob = _BLOB.match(text)
    # A tag goes only when something is left: `[hello world]` is itself a subject.
    if blob and text[blob.end() :].strip():
        return text[blob.end() :].strip()
    return text


def is_forward(subject: str) -> bool:
    """Whether the subject says that somebody passes on another's mail."""
    return bool(_FORWARD.match(subject))


def mentions(*texts: str) -> tuple[str, ...]:
    """Case references that somebody typed, in their order."""
    found: dict[str, None] = {}
    for text in texts:
        for tail in _CASE_TAIL.finditer(text):
            head = _CASE_HEAD.search(text[max(0, tail.start() - 5) : tail.start()])
            if head:
                found[head[1] + tail[0]] = None
            if len(found) == MAX_MENTIONS:
                return tuple(found)
    return tuple(found)
