"""Our own pages for people: the form with the chat, and what is shown once a form is stored."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

from channels.base import Response
from channels.web.said import reference
from channels.web.settings import WebSettings, origin_of
from channels.web.words import FAULTS, WORDS, Tongue
from normalizer.said import Said

_FOLDER = Path(__file__).parent / "files"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


class Pages:
    """Each whole in itself but for the chat; no page is ever shown inside another's."""

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self._style = _text("page.css").strip()
        self._shell, self._form = Template(_text("page.html")), Template(_text("form.html"))
        self._thanks = Template(_text("thanks.html"))
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        action = " ".join(filter(None, ("'self'", origin_of(settings.thanks))))
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; script-src 'self'; connect-src 'self';"
            f" img-src blob:; form-action {action}; base-uri 'none'; frame-ancestors 'none'"
        )

    def form(self, tongue: Tongue, stamp: str) -> Response:
        """The form and the chat, as any site may have them."""
        facts = {
            "channel": self._settings.name,
            "stamp": stamp,
            "honeypot": self._settings.honeypot,
        }
        photos = self._settings.max_files
        main = self._form.substitute(
            _escaped(WORDS[tongue] | facts), hidden="" if photos else "hidden"
        )
        return self._page(200, tongue, WORDS[tongue]["title"], main)

    def thanks(self, tongue: Tongue, said: Sequence[Said]) -> Response:
        """What was said so far; without script, so that it works wherever the form does."""
        words = WORDS[tongue]
        known_as = reference(said)
        domain = self._settings.mail_domain
        blocks = {
            "shown": f"<p class=reference>{escape(words['reference'])} <b>{escape(known_as)}</b></p>"
            if known_as
            else "",
            "allow": _paragraph(words["allow"].format(domain=domain)) if domain else "",
            "said": "".join(_said(one, words) for one in said),
        }
        main = self._thanks.substitute(_escaped(words), **blocks)
        return self._page(200, tongue, words["received"], main)

    def fault(self, status: int, why: str, tongue: Tongue) -> Response:
        """What is wrong with a form that came without a script."""
        words = WORDS[tongue]
        said = (FAULTS[tongue][why], words["back"])
        main = f"<h1>{escape(words['wrong'])}</h1>" + "".join(map(_paragraph, said))
        return self._page(status, tongue, words["wrong"], main)

    def _page(self, status: int, tongue: Tongue, title: str, main: str) -> Response:
        html = self._shell.substitute(
            language=tongue,
            title=escape(title),
            name=escape(self._settings.from_name or self._settings.name),
            style=self._style,
            main=main,
        )
        return Response(
            status,
            html.encode(),
            (
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Security-Policy", self._policy),
                ("Referrer-Policy", "same-origin"),  # without it a form names no origin
            ),
        )


def _escaped(words: dict[str, str]) -> dict[str, str]:
    return {name: escape(value) for name, value in words.items()}


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _said(one: Said, words: dict[str, str]) -> str:
    who = words["person" if one.kind == "reply" else "us"] if one.ours else words["you"]
    files = ", ".join(file.filename for file in one.files)
    lines: Iterable[str] = filter(None, (one.text, files))
    kind = "ours" if one.ours else "theirs"
    return f"<li class={kind}><b>{escape(who)}</b>" + "".join(map(_paragraph, lines)) + "</li>"
