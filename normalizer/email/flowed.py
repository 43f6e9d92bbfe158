"""Flowed text (RFC 3676) put back into paragraphs, where its soft breaks stand inside words."""

from __future__ import annotations


def unfold(text: str) -> str:
    """`DelSp=yes`: the space before a soft break is no text (Japanese mails use it)."""
    out: list[str] = []
    soft = False
    last_depth = 0
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ") if depth or line.startswith(" ") else line
        if soft and depth == last_depth:
            out[-1] += content
        else:
            out.append(">" * depth + (" " if depth else "") + content)
        last_depth = depth
        # Section 4.3: the signature separator ends in a space and is no soft break.
        soft = out[-1].endswith(" ") and content != "-- "
        if soft:
            out[-1] = out[-1][:-1]
    return "\n".join(out)
