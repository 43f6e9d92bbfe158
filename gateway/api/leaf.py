"""A page for customers: whole in itself, without script or cookies, in their own language."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qs

from litestar import Request, Response
from litestar.datastructures import State

_STYLE: Final = (Path(__file__).parent / "pages" / "leaf.css").read_text("utf-8")
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Robots-Tag": "noindex, nofollow",
}
_FORM: Final = "application/x-www-form-urlencoded"
MOST: Final = 64 * 2**10  # octets of what a form sends
TRAP: Final = "more"  # a field that people do not see, and robots fill in

Asker = Request[None, None, State]


class Choice(NamedTuple):
    """One of several, by the value that is sent for it."""

    value: str
    label: str


class Leaf(NamedTuple):
    """What a page says: a heading, paragraphs, and perhaps a form below them."""

    language: str
    name: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    form: str = ""

    def response(self, status: int = 200, **headers: str) -> Response[str]:
        return Response(
            self.html(), status_code=status, media_type="text/html; charset=utf-8",
            headers=_HEADERS | {k.replace("_", "-"): v for k, v in headers.items()},
        )  # fmt: skip

    def html(self) -> str:
        said = "".join(f"<p>{escape(one)}</p>" for one in self.paragraphs if one)
        return (
            f'<!doctype html><html lang="{escape(self.language)}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="robots" content="noindex, nofollow">'
            '<meta name="referrer" content="no-referrer">'
            '<meta name="color-scheme" content="light dark">'
            f"<title>{escape(self.heading)} — {escape(self.name)}</title>"
            f"<style>{_STYLE}</style></head><body><main>"
            f'<p class="who">{escape(self.name)}</p>'
            f'<h1 id="asks">{escape(self.heading)}</h1>{said}{self.form}</main></body></html>'
        )


def radios(legend: str, name: str, choices: Iterable[Choice]) -> str:
    """One of several to choose, as the heading asks; none is chosen before somebody does."""
    fields = "".join(
        f'<label><input type="radio" name="{escape(name)}" value="{escape(one.value)}" required>'
        f"<span>{escape(one.label)}</span></label>"
        for one in choices
    )
    return f'<fieldset aria-labelledby="asks"><legend>{escape(legend)}</legend>{fields}</fieldset>'


def links(pages: Iterable[tuple[str, str]]) -> str:
    """Titles that lead to pages of ours."""
    items = "".join(f'<li><a href="{escape(url)}">{escape(title)}</a></li>' for title, url in pages)
    return f"<ul>{items}</ul>" if items else ""


def words(label: str, hint: str, name: str, text: str = "") -> str:
    """Some lines to write; nobody has to."""
    return (
        f'<label class="words" for="{escape(name)}">{escape(label)}</label>'
        f'<textarea id="{escape(name)}" name="{escape(name)}" rows="4" maxlength="4000"'
        f' aria-describedby="{escape(name)}-hint">\n{escape(text)}</textarea>'
        f'<p class="hint" id="{escape(name)}-hint">{escape(hint)}</p>'
    )


def form(fields: str, *buttons: Choice) -> str:
    """A form that is posted to its own address; each button may send a `choice`."""
    pressed = "".join(
        f'<button type="submit"{_named(one)}>{escape(one.label)}</button>' for one in buttons
    )
    trap = f'<p class="trap" aria-hidden="true"><input name="{TRAP}" tabindex="-1" autocomplete="off"></p>'
    return f'<form method="post">{fields}{trap}<p class="send">{pressed}</p></form>'


def _named(button: Choice) -> str:
    return f' name="choice" value="{escape(button.value)}"' if button.value else ""


async def sent(request: Asker) -> dict[str, str] | None:
    """What a person filled in; None where nobody can have: no form, too long, or in the trap."""
    if not request.headers.get("content-type", "").startswith(_FORM):
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST:
            return None
    try:
        found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        return None
    fields = {name: values[0] for name, values in found.items()}
    return None if fields.get(TRAP) else fields
