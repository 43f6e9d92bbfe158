"""What a customer's mail points to is fetched by nobody here: a trace of the whole daemon shows it."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.daemon.servers import API_TOKEN, Site, lay_out, require
from tests.daemon.trace import traced
from tests.daemon.window import acknowledgements, api, get, mail, rows, send

pytestmark = pytest.mark.daemon

CLOUD = "169.254.169.254"
CALLS = (
    "strace",
    "-f",
    "-qq",
    "-s",
    "400",
    "-e",
    "trace=connect,openat,open,execve",
    "-e",
    "signal=none",
)
HTML = """<html><head><base href="http://{spy}/"><link rel="stylesheet" href="http://{spy}/style.css">
<style>@import url("http://{spy}/import.css"); body {{ background: url(http://{spy}/back.png) }}</style></head>
<body background="http://{spy}/body.png">Where is it?<script src="http://{spy}/code.js"></script>
<img src="http://{spy}/pixel.gif?id=yuki" width="1" height="1"><img src="//{spy}/bare.gif">
<img src="http://{cloud}/latest/meta-data/"><img src="file://{secret}"><img src="file:{secret}">
<img src="php://filter/resource={secret}"><img srcset="http://{spy}/set.png 2x">
<iframe src="file://{secret}"></iframe><object data="http://{spy}/object.swf"></object>
<video poster="http://{spy}/poster.png"></video></body></html>"""
SVG = """<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file://{secret}">
<!ENTITY y SYSTEM "http://{spy}/entity.xml">]>
<svg xmlns="http://www.w3.org/2000/svg"><image href="http://{spy}/in.png"/>&x;&y;</svg>"""


@contextmanager
def spying() -> Iterator[tuple[str, list[str]]]:
    """A server that nobody should call; its address, and who called all the same."""
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def watch() -> None:
            with suppress(OSError):
                while True:
                    line, peer = server.accept()
                    seen.append(str(peer))
                    line.close()

        threading.Thread(target=watch, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}", seen
        server.shutdown(socket.SHUT_RDWR)


def letter(spy: str, secret: Path) -> EmailMessage:
    found = mail("pixel")
    facts = {"spy": spy, "cloud": CLOUD, "secret": str(secret)}
    found.add_alternative(HTML.format(**facts), subtype="html")
    found.add_attachment(SVG.format(**facts).encode(), "image", "svg+xml", filename="logo.svg")
    found["Face-URL"] = f"http://{spy}/face.png"
    return found


def test_nothing_that_a_mail_points_to_is_fetched_b12_b13(tmp_path: Path) -> None:
    """B12: no address, no file and no stream of a mail is ever opened by us. B13: remote images are
    not fetched either; whoever reads the mail over the API gets them blocked and marked.
    """
    require("strace")
    site, trace, secret = lay_out(tmp_path), tmp_path / "trace", tmp_path / "secret-of-ours"
    secret.write_text("kanariengesang", encoding="utf-8")
    with spying() as (spy, seen), traced(site, CALLS, trace):
        assert send(site, letter(spy, secret)).code == 250
        assert len(acknowledgements(site, 1)) == 1
        (row,) = rows(site, "SELECT id FROM v_messages WHERE direction = 'in'")
        shown = api(site, f"/v1/messages/{row['id']}")
        files = [api_bytes(site, row["id"], part["id"]) for part in shown["parts"]]
        assert seen == []
    calls = trace.read_text(encoding="utf-8", errors="replace")
    assert "openat(" in calls
    assert "connect(" in calls or "execve(" in calls
    assert not re.findall(rf"connect\(.*(?:{CLOUD}|htons\({spy.partition(':')[2]}\))", calls)
    assert str(secret) not in "\n".join(line for line in calls.splitlines() if "open" in line)
    assert any(b"<!ENTITY" in one for one in files), "the attachment stays as it came"
    assert "kanariengesang" not in str(shown)
    _is_blocked(shown, spy)


def api_bytes(site: Site, message: int, part: int) -> bytes:
    return get(site, f"/v1/messages/{message}/parts/{part}", API_TOKEN).body


def _is_blocked(shown: dict[str, object], spy: str) -> None:
    html = str(shown["html"])
    assert f'data-blocked-src="http://{spy}/pixel.gif?id=yuki"' in html
    assert f"http://{spy}/pixel.gif?id=yuki" in list(shown["blocked_images"])  # type: ignore[call-overload]  # a list in JSON
    assert not re.search(r"""\s(?:src|srcset|background|poster|data|style)\s*=""", html)
    assert not re.search(r"<(?:script|style|link|iframe|object|video|base)\b", html)
