"""The chat and the form in a real browser, on the whole daemon, from a page of somebody else's."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.daemon.browser import Browser, Tab, browser
from tests.daemon.servers import API_TOKEN, Site, daemon, lay_out, require, wait_until
from tests.daemon.window import api, get, rows

pytestmark = [pytest.mark.daemon, pytest.mark.xdist_group("browser")]

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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    require("chromium")
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with shop(tmp_path_factory.mktemp("web")) as running:
        yield running


def opened(chromium: Browser, url: str, language: str = "en") -> Tab:
    """A new visitor with the chat open."""
    tab = chromium.profile(language)
    tab.look()
    tab.go(url)
    tab.until("!!chat")
    tab.run("chat.querySelector('.launch').click()")
    return tab


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


def test_a_visitor_writes_is_acknowledged_reloads_and_is_answered(
    chromium: Browser, place: Place
) -> None:
    tab = opened(chromium, f"{place.shop}/cart")
    say(tab, "Where is my parcel?")
    tab.until("chat.querySelector('.ours')")
    known_as = reference(tab)
    assert tab.texts()[0] == "Where is my parcel?"
    assert known_as in tab.texts()[1]
    assert "example.com" in tab.run("chat.querySelector('.small').textContent")
    tab.reload()
    tab.until("chat?.querySelectorAll('.text').length === 2")  # open as it was, and as it stood
    assert reference(tab) == known_as
    reply(place.site, known_as, "It left today: https://shop.example/track/17")
    tab.until("chat.querySelectorAll('.text').length === 3")
    assert (
        tab.run("chat.querySelectorAll('.ours a[href]')[0].href") == "https://shop.example/track/17"
    )
    (case,) = rows(
        place.site, f"SELECT conversation_id AS c FROM v_cases WHERE reference = '{known_as}'"
    )
    first = api(place.site, f"/v1/conversations/{case['c']}")["messages"][0]
    shown = api(place.site, f"/v1/messages/{first['id']}")
    assert shown["form"]["page"] == f"{place.shop}/cart"
    assert tab.complaints() == []


def test_another_profile_sees_nothing(chromium: Browser, place: Place) -> None:
    mine = opened(chromium, place.shop)
    say(mine, "This is mine.")
    mine.until("chat.querySelector('.ours')")
    other = opened(chromium, place.shop)
    say(other, "And this is another's.")
    other.until("chat.querySelector('.ours')")
    assert other.texts()[0] == "And this is another's."
    assert reference(mine) != reference(other)
    assert "This is mine." not in other.texts()


def test_a_japanese_page_speaks_japanese(chromium: Browser, place: Place) -> None:
    tab = opened(chromium, f"{place.shop}/ja/cart")
    say(tab, "荷物がまだ届きません。")
    tab.until("chat.querySelector('.ours')")
    assert "メッセージありがとうございます" in tab.texts()[1]
    assert tab.run("chat.querySelector('.note').textContent").startswith("受付番号")
    assert "受信設定" in tab.run("chat.querySelector('.small').textContent")
    assert tab.run("chat.querySelector('.send').getAttribute('aria-label')") == "送信"


def test_a_browser_in_japanese_is_heard_where_the_page_says_nothing(
    chromium: Browser, place: Place
) -> None:
    tab = chromium.profile("ja")
    tab.look()
    tab.go(f"http://127.0.0.1:{place.site.http}/in/web")
    assert tab.run("document.documentElement.lang") == "ja"
    tab.until(
        "chat?.querySelector('.launch').getAttribute('aria-label') === 'チャットで問い合わせる'"
    )
    assert tab.complaints() == []


def test_what_is_written_without_a_connection_is_sent_once(chromium: Browser, place: Place) -> None:
    """And stays over a reload; a try that reached us unheard is no second message."""
    tab = opened(chromium, place.shop)
    tab.offline(True)
    for text in ("First offline line", "Second offline line"):
        say(tab, text)
    tab.until("chat.querySelector('.status').textContent")
    assert len(tab.texts()) == 2
    tab.offline(False)
    tab.run("void dispatchEvent(new Event('online'))")
    tab.until("!chat.querySelector('.waits') && chat.querySelectorAll('.ours').length")
    # The next message is taken, and its answer lost on the way.
    tab.run("""void (window.fetch = ((real) => async (url, more) => {
        const answer = await real(url, more);
        if (more.method !== "POST" || window.lost) return answer;
        window.lost = true;
        throw new TypeError("the connection broke");
    })(window.fetch))""")
    say(tab, "Heard, though nobody said so")
    tab.until("window.lost && !chat.querySelector('.waits')")
    said = [text for text in tab.texts() if "offline" in text or "Heard" in text]
    assert said == ["First offline line", "Second offline line", "Heard, though nobody said so"]
    stored = [
        row["text"]
        for row in rows(place.site, "SELECT text FROM v_messages WHERE direction = 'in'")
    ]
    assert [stored.count(text) for text in said] == [1, 1, 1]


def test_two_pages_of_one_visitor_show_the_same(chromium: Browser, place: Place) -> None:
    one = opened(chromium, place.shop)
    say(one, "In the first tab")
    one.until("chat.querySelector('.ours')")
    other = chromium.profile(beside=one)
    other.look()
    other.go(f"{place.shop}/other")
    other.until("chat?.querySelectorAll('.text').length === 2")
    say(other, "In the second tab")
    other.until("!chat.querySelector('.waits') && chat.querySelectorAll('.theirs').length === 2")
    one.call("Page.bringToFront")
    one.until("chat.querySelectorAll('.theirs').length === 2")
    assert one.texts() == other.texts()


def test_a_daemon_that_is_killed_loses_and_doubles_nothing(
    chromium: Browser, tmp_path: Path
) -> None:
    with shop(tmp_path) as place:
        tab = opened(chromium, place.shop)
        say(tab, "Before the end")
        tab.until("chat.querySelector('.ours')")
        place.daemon.kill()
        place.daemon.wait()
        say(tab, "After the end")
        tab.until("chat.querySelector('.status').textContent")
        with daemon(place.site):
            tab.run("void dispatchEvent(new Event('online'))")
            tab.until("!chat.querySelector('.waits')")
            tab.until("chat.querySelectorAll('.theirs').length === 2")
        query = "SELECT text FROM v_messages WHERE direction = 'in' ORDER BY id"
        texts = [row["text"] for row in rows(place.site, query)]
    assert texts == ["Before the end", "After the end"]


def test_a_code_in_the_address_waits_to_be_sent(chromium: Browser, place: Place) -> None:
    tab = chromium.profile()
    tab.look()
    tab.go(f"{place.shop}/contact?a=1#madoguchi=ABCDE-FGHJK-12345")
    tab.until("chat?.querySelector('textarea')?.value === 'ABCDE-FGHJK-12345'")
    assert tab.run("location.href") == f"{place.shop}/contact?a=1"
    assert tab.texts() == []
    tab.press("Enter")
    tab.until("chat.querySelector('.theirs:not(.waits)')")
    assert tab.texts()[0] == "ABCDE-FGHJK-12345"


def test_a_photo_goes_along_and_other_files_are_declined_in_words(
    chromium: Browser, place: Place, tmp_path: Path
) -> None:
    photo, other = tmp_path / "box.png", tmp_path / "virus.exe"
    photo.write_bytes(PNG)
    other.write_bytes(b"MZ")
    tab = opened(chromium, place.shop)
    tab.choose("chat.querySelector('input[type=file]')", other)
    tab.until("chat.querySelector('.status').textContent.includes('photos')")
    tab.choose("chat.querySelector('input[type=file]')", photo)
    tab.until("chat.querySelector('.picked').textContent === 'box.png'")
    say(tab, "See how it arrived")
    tab.until("chat.querySelector('li:not(.waits) .file img')?.naturalWidth === 1")
    tab.reload()
    tab.until("chat?.querySelector('.file img')?.naturalWidth === 1")
    assert tab.run("chat.querySelector('.file img').alt") == "box.png"
    assert tab.complaints() == []


def test_the_keyboard_alone_is_enough(chromium: Browser, place: Place) -> None:
    tab = chromium.profile()
    tab.look()
    tab.go(place.shop)
    tab.until("!!chat")
    for _ in range(2):  # past the page's own link
        tab.press("Tab")
    assert tab.run("chat.activeElement.className") == "launch"
    tab.press("Enter")
    assert tab.run("chat.activeElement.tagName") == "TEXTAREA"
    tab.type("By keyboard")
    tab.press("Enter")
    tab.until("chat.querySelector('.ours')")
    stops = []
    for _ in range(12):
        tab.press("Tab")
        stops.append(
            tab.run(
                "chat.activeElement?.getAttribute('aria-label') ?? chat.activeElement?.textContent"
            )
        )
    assert None not in stops, "the focus stays inside"
    assert {"Close the chat", "Your message", "Send", "Add photos or PDFs"} <= set(stops)
    tab.press("Tab", shift=True)
    assert tab.run("chat.activeElement.getAttribute('aria-label')") == stops[-2]
    tab.press("Escape")
    assert tab.run("chat.activeElement.className") == "launch"
    assert tab.run("chat.querySelector('.panel').hidden") is True


def test_enter_that_ends_a_conversion_sends_nothing(chromium: Browser, place: Place) -> None:
    tab = opened(chromium, place.shop)
    tab.run("chat.querySelector('textarea').focus()")
    tab.type("とどきません")
    tab.run(
        "void chat.querySelector('textarea').dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    assert tab.texts() == []
    assert tab.run("chat.querySelector('textarea').value") == "とどきません"


def test_everything_has_a_name_a_role_and_enough_contrast(chromium: Browser, place: Place) -> None:
    tab = opened(chromium, place.shop)
    say(tab, "Hello")
    tab.until("chat.querySelector('.ours')")
    assert tab.run("chat.querySelector('[role=dialog]').getAttribute('aria-modal')") == "true"
    assert tab.run(
        "!!chat.getElementById(chat.querySelector('[role=dialog]').getAttribute('aria-labelledby'))"
    )
    assert tab.run("chat.querySelector('[role=log]').getAttribute('aria-live')") == "polite"
    assert tab.run("!!chat.querySelector('[role=status]')")
    nameless = "[...chat.querySelectorAll('button, textarea, a')].filter(e => !(e.getAttribute('aria-label') || e.textContent).trim()).length"
    assert tab.run(nameless) == 0
    for dark in (False, True):
        tab.look(dark=dark)
        for ink, paper in (("--ink", "--paper"), ("--ink", "--wash"), ("--soft", "--paper"), ("--soft", "--wash"),
                           ("--on", "--accent"), ("--accent", "--paper"), ("--bad", "--paper")):  # fmt: skip
            assert _contrast(_colour(tab, ink), _colour(tab, paper)) >= 4.5, (dark, ink, paper)


def _colour(tab: Tab, name: str) -> str:
    found: str = tab.run(f"getComputedStyle(chat.host).getPropertyValue('{name}').trim()")
    return found


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance."""
    light, dark = sorted(map(_luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_nothing_is_cut_off_on_a_small_screen(chromium: Browser, place: Place) -> None:
    tab = opened(chromium, f"{place.shop}/ja")
    say(tab, "とても長い言葉" * 30 + " https://shop.example/" + "x" * 200)
    tab.until("chat.querySelector('.ours')")
    tab.look(width=360, height=640)
    wide = "[...chat.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > 360.5 || e.getBoundingClientRect().left < -0.5).length"
    assert tab.run(wide) == 0
    small = "[...chat.querySelectorAll('.panel button')].filter(e => e.offsetParent && e.getBoundingClientRect().height < 44).length"
    assert tab.run(small) == 0


def test_a_page_that_is_not_listed_is_told_nothing(chromium: Browser, place: Place) -> None:
    elsewhere = place.shop.replace("127.0.0.1", "localhost")
    tab = opened(chromium, elsewhere)
    say(tab, "Hello from elsewhere")
    tab.until("chat.querySelector('.status').textContent")
    assert "Hello from elsewhere" not in json.dumps(rows(place.site, "SELECT text FROM v_messages"))


def test_a_form_without_script_leads_to_its_answer(chromium: Browser, place: Place) -> None:
    tab = chromium.profile("ja")
    tab.look()
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.go(f"http://127.0.0.1:{place.site.http}/in/web")
    fill = "document.querySelector('[name={}]').focus()"
    for name, text in (
        ("email", "yuki@example.jp"),
        ("message", "フォームからのお問い合わせです。"),
    ):
        tab.run(f"void {fill.format(name)}")
        tab.type(text)
    tab.run("void document.querySelector('form button').click()")
    tab.until("location.pathname.endsWith('/thanks') && document.readyState === 'complete'")
    words = tab.run("document.body.innerText")
    found = re.search(r"[A-Z][A-Z0-9]{3}-[A-Z0-9]{4}", words)
    assert found
    for word in ("受付番号", "受信設定", "example.com", "メッセージありがとうございます"):
        assert word in words
    reply(place.site, found[0], "本日発送しました。")

    def is_there() -> bool:
        tab.run("void document.querySelector('.press').click()")
        tab.until("document.readyState === 'complete'")
        return "本日発送しました。" in tab.until("document.body?.innerText")

    wait_until(is_there, 60, "the answer is on the page")


def test_a_first_message_works_for_it_where_that_is_asked(
    chromium: Browser, tmp_path: Path
) -> None:
    with shop(tmp_path, "proof_of_work = 10") as place:
        tab = opened(chromium, place.shop)
        say(tab, "Proven")
        tab.until("chat.querySelector('.ours')")
        assert tab.texts()[0] == "Proven"
        tab.go(f"http://127.0.0.1:{place.site.http}/in/web")
        tab.until("!!chat")
        tab.run("void document.querySelector('[name=message]').focus()")
        tab.type("And the form, too")
        tab.run("void document.querySelector('form button').click()")
        tab.until("location.pathname.endsWith('/thanks')")


def test_w12_no_spelling_of_a_path_leads_out_of_the_channel(place: Place) -> None:
    for path in (
        "/in/web/%2e%2e/%2e%2e/v1/cases",
        "/in/web/..%2f..%2fv1/cases",
        "/in/web//v1/cases",
    ):
        assert get(place.site, path).status in {401, 404}
