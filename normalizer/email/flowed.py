"""Flowed text (RFC 3676) put back into paragraphs, where its soft breaks stand inside words."""

from __future__ import annotations


def unfold(text: str) -> str:
    """`DelSp=yes`: the space before a soft break is no text (Japanese mails use it)."""
    paragraphs: list[list[str]] = []
    soft = False
    above = 0
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        if soft and depth == above:
            paragraphs[-1].append(content)
        else:
            paragraphs.append([">" * depth + " " * (depth > 0) + content])
        above = depth
        # Section 4.3: the signature separator ends in a space and is no soft break.
        soft = content.endswith(" ") and content != "-- "
        if soft:
            paragraphs[-1][-1] = paragraphs[-1][-1][:-1]
    return "\n".join(map("".join, paragraphs))
