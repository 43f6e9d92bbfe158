"""Pure: the page that shows people what we would have said where we only watch."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from gateway.api.unsaid_words import WORDS, Says
from store.rows import moment
from store.watched import Beside, Filter, Tally

_STYLE: Final = (Path(__file__).parent / "pages" / "watched.css").read_text("utf-8")
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)


class Shown(NamedTuple):
    """What stands on one page: `next` is where the older ones begin."""

    name: str
    language: str
    zone: ZoneInfo
    wanted: Filter
    counted: Sequence[Tally]
    items: Sequence[Beside]
    next: int | None
    at: datetime
    asked: str = ""


def html(shown: Shown) -> str:
    """The page, whole in itself; everything that anybody wrote is text in it."""
    says = WORDS[shown.language]
    body = "".join((*_head(shown, says), *_counts(shown, says), *_list(shown, says)))
    return (
        f'<!doctype html><html lang="{shown.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex, nofollow">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{says.title} — {escape(shown.name)}</title>"
        f"<style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def _head(shown: Shown, says: Says) -> Iterator[str]:
    yield f'<p class="who">{escape(shown.name)}</p><h1>{says.title}</h1>'
    yield f'<p class="lead">{says.lead}</p>'
    when = f"{_time(shown.at, shown.zone)} ({escape(shown.zone.key)})"
    yield f'<p class="soft">{says.as_of.format(when=when)}</p>'


def _counts(shown: Shown, says: Says) -> Iterator[str]:
    if not shown.counted:
        return
    yield f'<table><caption>{says.counts}</caption><thead><tr><th scope="col">{says.what}</th>'
    yield f'<th scope="col">{says.where}</th><th scope="col" class="many">{says.day}</th>'
    yield f'<th scope="col" class="many">{says.week}</th></tr></thead><tbody>'
    for one in shown.counted:
        only = Filter(one.channel, one.kind)
        kind = escape(says.kinds.get(one.kind, one.kind))
        yield f'<tr><th scope="row"><a href="{_url(shown, only)}">{kind}</a></th>'
        yield f"<td>{escape(one.channel)}</td>{_many(one.day)}{_many(one.week)}</tr>"
    yield f'</tbody><tfoot><tr><th scope="row" colspan="2">{says.total}</th>'
    yield _many(sum(one.day for one in shown.counted))
    yield f"{_many(sum(one.week for one in shown.counted))}</tr></tfoot></table>"


def _many(count: int) -> str:
    return f'<td class="many">{count:,}</td>'


def _list(shown: Shown, says: Says) -> Iterator[str]:
    yield f"<h2>{says.newest}</h2>"
    if any(shown.wanted):
        of = (says.kinds.get(shown.wanted.kind, shown.wanted.kind), shown.wanted.channel)
        only = " · ".join(escape(one) for one in of if one)
        yield f'<p>{only} — <a href="{_url(shown, Filter())}">{says.everything}</a></p>'
    if not shown.items:
        yield f"<p>{says.nothing}</p>"
    yield "<ol>"
    for one in shown.items:
        yield f"<li>{''.join(_item(one, shown, says))}</li>"
    yield "</ol>"
    if shown.next is not None:
        older = _url(shown, shown.wanted, shown.next)
        yield f'<nav><a rel="next" href="{older}">{says.older}</a></nav>'


def _item(one: Beside, shown: Shown, says: Says) -> Iterator[str]:
    said = one.said
    kind = escape(says.kinds.get(said.kind, said.kind))
    yield f'<article id="w{said.id}" aria-labelledby="h{said.id}">'
    yield f'<header><h2 id="h{said.id}">{kind}</h2>{_time(moment(said.at), shown.zone)}</header>'
    facts = (said.channel, says.to.format(to=said.to), said.reference)
    yield f'<p class="soft"><bdi>{"</bdi> · <bdi>".join(escape(fact) for fact in facts if fact)}</bdi></p>'
    if one.wrote or one.subject:
        yield f"<h3>{says.wrote}</h3>{_words('theirs', one.subject, one.wrote, one.cut)}"
    language = escape(said.language)
    yield f"<h3>{says.would}</h3>{_words('ours', said.subject, said.text, lang=language)}"
    if said.buttons:
        labels = "".join(f"<li>{escape(label)}</li>" for label in said.buttons)
        yield f'<ul class="buttons" lang="{language}">{labels}</ul>'
    why = says.reasons.get(said.reason, said.reason)
    yield f'<p class="soft">{says.why.format(why=escape(why), rule=escape(said.rule))}</p></article>'


def _words(kind: str, subject: str, text: str, cut: bool = False, lang: str = "") -> str:
    head = f'<span class="subject">{escape(subject)}</span>' if subject else ""
    spoken = f' lang="{lang}"' if lang else ""
    more = " …" if cut else ""
    return f'<div class="words {kind}" dir="auto"{spoken}>{head}{escape(text.strip())}{more}</div>'


def _time(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f'<time datetime="{local.isoformat(timespec="seconds")}">{local:%Y-%m-%d %H:%M}</time>'


def _url(shown: Shown, wanted: Filter, after: int | None = None) -> str:
    """Back to this page; the language stays if it was asked for."""
    asked = {
        "kind": wanted.kind, "channel": wanted.channel, "after": after or "",
        "language": shown.asked,
    }  # fmt: skip
    query = urlencode({name: value for name, value in asked.items() if value})
    return escape(f"/watched?{query}" if query else "/watched")
