"""A bar chart of rates as SVG, readable on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, LEFT, RIGHT = 860, 210, 190
BAR, GAP, HEAD = 22, 8, 34
COLOURS = ("#8a8f98", "#0b7a75", "#3d5a9e", "#c9a227")
STYLE = """\
<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .head { font-weight: 600; font-size: 14px }
  .note { fill: #6e7781; font-size: 12px }
  .spread { stroke: #24292f; stroke-width: 1.2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #9198a1 } .spread { stroke: #e6edf3 }
  }
</style>"""


class Bar(NamedTuple):
    """One bar: its label, its length, the span of the rounds, a word at its end, its colour."""

    label: str
    value: float
    least: float
    most: float
    note: str
    colour: int


class Group(NamedTuple):
    """Bars under one heading."""

    title: str
    bars: Sequence[Bar]


def svg(title: str, note: str, groups: Sequence[Group]) -> str:
    """The chart; all groups share one scale."""
    longest = max((bar.most for group in groups for bar in group.bars), default=1.0) or 1.0
    scale = (WIDTH - LEFT - RIGHT) / longest
    body: list[str] = [_text(16, 26, title, "head")]
    y = 44
    for group in groups:
        body.append(_text(16, y + 20, group.title, "head"))
        y += HEAD
        for bar in group.bars:
            body += _bar(bar, y, scale)
            y += BAR + GAP
    body.append(_text(16, y + 18, note, "note"))
    height = y + 32
    frame = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {frame} aria-label="{escape(title)}">'
    return "\n".join([head, STYLE, *body, "</svg>", ""])


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def _bar(bar: Bar, y: float, scale: float) -> list[str]:
    middle, end = y + BAR / 2, LEFT + bar.value * scale
    least, most = LEFT + bar.least * scale, LEFT + bar.most * scale
    colour = COLOURS[bar.colour % len(COLOURS)]
    shape = f'x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR}" rx="3" fill="{colour}"'
    spread = f'x1="{least:.1f}" x2="{most:.1f}" y1="{middle}" y2="{middle}"'
    return [
        _text(LEFT - 10, middle + 4.5, bar.label, anchor="end"),
        f"<rect {shape}/>",
        f'<line class="spread" {spread}/>',
        _text(max(end, most) + 10, middle + 4.5, f"{bar.value:,.0f} /s  {bar.note}"),
    ]
