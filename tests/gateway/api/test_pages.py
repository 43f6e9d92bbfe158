"""The pages work without the internet, and their policy lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from gateway.api.app import Readiness
from gateway.api.pages import Page
from tests.gateway.api.conftest import Window

PAGES = ["/", "/docs"]
_INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_loads_nothing_from_elsewhere(window: Window, path: str) -> None:
    answer = await window.stranger.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|@import|url\(""", answer.text)


@pytest.mark.parametrize("path", PAGES)
async def test_the_policy_allows_exactly_what_the_page_holds(window: Window, path: str) -> None:
    answer = await window.stranger.get(path)
    policy = answer.headers["content-security-policy"]
    inline = _INLINE.findall(answer.text)
    assert inline
    for kind, text in inline:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("path", PAGES)
async def test_pages_know_light_and_dark(window: Window, path: str) -> None:
    text = (await window.stranger.get(path)).text
    assert 'content="light dark"' in text
    assert "prefers-color-scheme: dark" in text


async def test_the_front_page_tells_who_we_are_and_how_we_are(window: Window) -> None:
    text = (await window.stranger.get("/")).text
    assert "Example Support" in text
    assert 'href="/docs"' in text
    assert "Everything is running" in text
    window.readiness.append(Readiness(ready=False, missing=("mail", "<shop>")))
    text = (await window.stranger.get("/")).text
    assert "Waiting for: mail, &lt;shop&gt;" in text


def test_a_name_is_text_whatever_it_looks_like() -> None:
    html = Page("home.html").html(name="<b>$x/*code*/", release="", status="", mood="well")
    assert "<b>$x" not in html
    assert "&lt;b&gt;$x" in html


async def test_the_document_is_open_api_3_1_and_names_every_address(window: Window) -> None:
    answer = await window.stranger.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    served = set(await window.routes()) - {
        "/",
        "/docs",
        "/openapi.json",
        "/watched",
    }
    called = ("/in/", "/v/", "/h/", "/u/")  # by platforms, and by customers
    ours = {path for path in served if not path.startswith(called)}
    assert {re.sub(r":\w+}", "}", path) for path in ours} == set(document["paths"])
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert (operation.get("security") == [{"bearer": []}]) == path.startswith("/v1")
            assert operation["summary"]
            assert operation["description"]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
