"""A shop with our chat in it, on an origin of its own, and what people do there."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.daemon.browser import Browser, Tab
from tests.daemon.servers import API_TOKEN, Site, daemon, lay_out
from tests.daemon.window import rows

# One pixel is a photo as any other.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63606060f80f0001040100a4f1e5d50000000049454e44ae426082"
)
PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width"><h1>Shop</h1><a href="/other">Elsewhere</a>
<script src="{script}"></script></html>"""
CHANNEL = """
[[channel]]
name = "web"
type = "web"
origins = ["{origin}"]
mail_domain = "example.com"
fill_time = "0.01 seconds"
{more}
"""


class Place(NamedTuple):
    """A desk and its daemon, and the shop that has its chat."""

    site: Site
    shop: str
    daemon: subprocess.Popen[bytes]


class _Shop(http.server.BaseHTTPRequestHandler):
    """Every page of the shop has the chat; below /ja/ it is in Japanese."""

    script = ""

    def do_GET(self) -> None:
        language = "ja" if self.path.startswith("/ja") else "en"
        body = PAGE.format(language=language, script=self.script).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        policy = f"default-src 'none'; script-src {self.script}; connect-src {self.script[:-9]}; img-src blob:"
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def shop(folder: Path, more: str = "") -> Iterator[Place]:
    """The daemon and a shop on another origin, which its policy lets load nothing but the chat."""
    kind: Any = type("Shop", (_Shop,), {})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    origin = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site = lay_out(folder, more=CHANNEL.format(origin=origin, more=more))
    kind.script = f"http://127.0.0.1:{site.http}/in/web/widget.js"
    try:
        with daemon(site) as process:
            yield Place(site, origin, process)
    finally:
        server.shutdown()
        server.server_close()


def opened(chromium: Browser, url: str, language: str = "en") -> Tab:
    """A new visitor with the chat open."""
    tab = chromium.profile(language)
    show(tab, url)
    return tab


def show(tab: Tab, url: str) -> None:
    """A page, and its chat open."""
    tab.go(url)
    tab.until("!!chat")
    tab.run("chat.querySelector('.launch').click()")


def say(tab: Tab, text: str) -> None:
    tab.run("chat.querySelector('textarea').focus()")
    tab.type(text)
    tab.press("Enter")


def reply(site: Site, reference: str, text: str) -> None:
    """Answer as a person does, by the API."""
    (case,) = rows(site, f"SELECT id FROM v_cases WHERE reference = '{reference}'")
    answer = httpx.post(
        f"http://127.0.0.1:{site.http}/v1/cases/{case['id']}/reply",
        json={"text": text},
        headers={"Authorization": f"Bearer {API_TOKEN}"},
        trust_env=False,
        timeout=30,
    )
    assert answer.status_code == 201, answer.text


def reference(tab: Tab) -> str:
    found: str = tab.until(
        "chat.querySelector('.note:not([hidden])')?.textContent.match(/[A-Z0-9]{4}-[A-Z0-9]{4}/)?.[0]"
    )
    return found
