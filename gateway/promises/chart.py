"""Pure: promised against kept, by day, as figures and as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from store.promises import Made

Ended = Literal["kept", "broken", "open", ""]

_WIDTH: Final = 760
_HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 24, 78, 40  # of the plot's frame
_LINES: Final = 4  # of the grid, above its foot
_LABELS: Final = 10  # days that can be named side by side
_ROUND: Final = ("1", "2", "3", "4", "5", "15", "25")  # what a step of it may be, noughts aside
_STYLE: Final = """
text { font: 13px system-ui, "Noto Sans JP", "Noto Sans CJK JP", sans-serif; fill: #5b6670 }
.paper { fill: #fff } .head { font-size: 17px; font-weight: 600; fill: #1d252c }
.share { font-size: 26px; font-weight: 600; fill: #1d252c }
.grid { stroke: #e3e7ea } .foot { stroke: #9aa5ad }
.kept { fill: #2f7d6b } .broken { fill: #d1662a } .open { fill: #b9c3c9 }
@media (prefers-color-scheme: dark) {
  text { fill: #a7b1b9 } .paper { fill: #14191d } .head, .share { fill: #eef2f4 }
  .grid { stroke: #2a3238 } .foot { stroke: #66727b }
  .kept { fill: #56b39d } .broken { fill: #ef8f52 } .open { fill: #4a555d }
}"""


class Day(NamedTuple):
    """Of the promises that ran out on a day: how many were kept, and how many were not."""

    day: date
    kept: int
    broken: int
    open: int

    @property
    def promised(self) -> int:
        return self.kept + self.broken + self.open


class Says(NamedTuple):
    """The words of the picture in one language."""

    title: str
    kept: str
    broken: str
    open: str
    nothing: str
    share: str
    day: str


SAYS: Final = {
    ("en", "replies"): Says("Replies by the promised time", "kept", "missed", "still running",
               "No promise ran out in these days.", "{kept:,} of {due:,} kept", "{month}/{day}"),
    ("ja", "replies"): Says("お約束した時刻までのお返事", "守れた", "間に合わず", "期限前",
               "この期間に期限を迎えたお約束はありません。", "{due:,}件中{kept:,}件", "{month}/{day}"),
    ("en", "updates"): Says("Next updates by the time that we said", "kept", "missed",
               "still running", "", "{kept:,} of {due:,} kept", "{month}/{day}"),
    ("ja", "updates"): Says("お知らせした時刻までの次のご連絡", "守れた", "間に合わず", "期限前",
               "", "{due:,}件中{kept:,}件", "{month}/{day}"),
}  # fmt: skip


def ended(one: Made, now: datetime) -> Ended:
    """How a promise ended; "" for a case that was over without a word of ours."""
    if one.answered_at is not None and one.answered_at <= one.promised_by:
        return "kept"
    if one.closed_at is not None and one.closed_at <= one.promised_by:
        return ""
    return "broken" if one.promised_by < now else "open"


def by_day(made: Iterable[Made], zone: ZoneInfo, now: datetime, days: int) -> list[Day]:
    """The last so many days, today the last of them; a promise counts where it runs out."""
    counts = Counter((one.promised_by.astimezone(zone).date(), ended(one, now)) for one in made)
    today = now.astimezone(zone).date()
    shown = [today - timedelta(days=days - 1 - n) for n in range(days)]
    return [
        Day(day, counts[day, "kept"], counts[day, "broken"], counts[day, "open"]) for day in shown
    ]


def svg(days: Sequence[Day], updates: Sequence[Day], language: str) -> str:
    """A picture for a page that is light or dark, with its figures as tooltips.

    Next updates have a half of their own, where any were promised.
    """
    tag = language.partition("-")[0] if language.partition("-")[0] in ("en", "ja") else "en"
    plots = [_half(days, SAYS[tag, "replies"])]
    if any(day.promised for day in updates):
        below = _half(updates, SAYS[tag, "updates"])
        plots.append(f'<g transform="translate(0 {_HEIGHT})">\n{below}\n</g>')
    height, body = _HEIGHT * len(plots), "\n".join(plots)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
        f' width="{_WIDTH}" height="{height}" aria-label="{SAYS[tag, "replies"].title}">'
        f"<style>{_STYLE}</style>\n"
        f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="8"/>\n{body}\n</svg>\n'
    )


def _half(days: Sequence[Day], says: Says) -> str:
    return "\n".join([*_head(days, says), *_plot(days, says), *_names(days, says)])


def _head(days: Sequence[Day], says: Says) -> Iterator[str]:
    kept, broken = sum(day.kept for day in days), sum(day.broken for day in days)
    yield _text(_LEFT, 30, says.title, "head")
    if due := kept + broken:
        yield _text(_WIDTH - _RIGHT, 34, f"{kept / due:.0%}", "share", "end")
        yield _text(_WIDTH - _RIGHT, 56, says.share.format(kept=kept, due=due), anchor="end")
    at = float(_LEFT)
    for name in ("kept", "broken", "open"):
        said = getattr(says, name)
        yield f'<rect class="{name}" x="{at:.0f}" y="44" width="11" height="11" rx="2"/>'
        yield _text(at + 16, 54, said)
        at += 40 + sum(13 if ord(letter) > 0x2000 else 7 for letter in said)


def _plot(days: Sequence[Day], says: Says) -> Iterator[str]:
    most = max((day.promised for day in days), default=0)
    if most:
        top = _round_up(most)
        yield from _grid(top)
        yield from _bars(days, top, says)
    else:
        middle = (_TOP + _HEIGHT - _BOTTOM) / 2
        yield _text(_WIDTH / 2, middle, says.nothing, anchor="middle")


def _grid(top: int) -> Iterator[str]:
    for line in range(_LINES + 1):
        y = _y(top * line / _LINES, top)
        kind = "grid" if line else "foot"
        yield f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(_LEFT - 8, y + 4, f"{top * line // _LINES:,}", anchor="end")


def _bars(days: Sequence[Day], top: int, says: Says) -> Iterator[str]:
    step = _step(days)
    width = min(step * 0.7, 28)
    for place, day in enumerate(days):
        x, foot = _LEFT + step * (place + 0.5) - width / 2, 0
        told = ", ".join(
            f"{getattr(day, name)} {getattr(says, name)}" for name in ("kept", "broken", "open")
        )
        yield f"<g><title>{day.day.isoformat()}: {told}</title>"
        for name in ("kept", "broken", "open"):
            if many := getattr(day, name):
                y, height = _y(foot + many, top), _y(foot, top) - _y(foot + many, top)
                yield (
                    f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}"'
                    f' height="{height:.1f}"/>'
                )
                foot += many
        yield "</g>"


def _names(days: Sequence[Day], says: Says) -> Iterator[str]:
    every = -(-len(days) // _LABELS)
    for place, day in enumerate(days):
        if (len(days) - 1 - place) % every == 0:
            x = _LEFT + _step(days) * (place + 0.5)
            said = says.day.format(month=day.day.month, day=day.day.day)
            yield _text(x, _HEIGHT - _BOTTOM + 20, said, anchor="middle")


def _step(days: Sequence[Day]) -> float:
    return (_WIDTH - _LEFT - _RIGHT) / len(days)


def _y(number: float, top: int) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * number / top


def _round_up(most: int) -> int:
    """A number that the lines of the grid divide evenly."""
    step = next(n for n in count(1) if n * _LINES >= most and str(n).rstrip("0") in _ROUND)
    return step * _LINES


def _text(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> str:
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text{of_kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{said}</text>'
