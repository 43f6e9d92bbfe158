"""The content of a mail as it comes over the wire after DATA (RFC 5321 section 4.5.2)."""

from __future__ import annotations

_END = b"\r\n.\r\n"
_NUL_DOT = b"\r\n\0."
# What may still become one of the two: longest first.
_BEGINNINGS = (_END[:4], _END[:3], _NUL_DOT[:3], _END[:2], _END[:1])


class Content:
    """Takes dots out again and finds the end, chunk by chunk, however the chunks are cut.

    `broken` is true once a line did not end in CRLF, or a NUL stood before a dot. Servers disagree
    on whether such a line ends a mail, and that is how one mail is smuggled inside another.
    """

    __slots__ = ("_first", "_held", "broken")

    def __init__(self) -> None:
        self._held = b"\r\n"  # as if a line had just ended: the first line may begin with a dot
        self._first = True
        self.broken = False

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """The content in `data`, and what follows the end (None before the end)."""
        if self._held:
            data = self._held + data
        end = data.find(_END)
        if end >= 0:
            return self._content(data[: end + 2]), data[end + len(_END) :]
        kept = _beginning(data)
        self._held = data[len(data) - kept :]
        return self._content(data[: len(data) - kept] if kept else data), None

    def _content(self, text: bytes) -> bytes:
        if not text:
            return text
        if not self.broken:
            self.broken = _is_broken(text)
        # A dot that begins a longer line goes, whether or not the peer had doubled it.
        content = text.replace(b"\r\n.", b"\r\n")
        if self._first:
            self._first = False
            return content[2:]
        return content


def _beginning(data: bytes) -> int:
    """How many octets at the end of `data` may belong to an end that is still on its way."""
    for beginning in _BEGINNINGS:
        if data.endswith(beginning):
            return len(beginning)
    return 0


def _is_broken(text: bytes) -> bool:
    lines = text.count(b"\r\n")
    return (
        text.count(b"\n") != lines
        or text.count(b"\r") != lines
        or (b"\0" in text and _NUL_DOT in text)
    )
