"""The chat and the form for everybody: by keyboard, on small screens, without script."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.daemon.browser import Browser, Tab
from tests.daemon.servers import wait_until
from tests.daemon.web_shop import Place, opened, reply, say, shop
from tests.daemon.window import get, rows

pytestmark = [pytest.mark.daemon, pytest.mark.xdist_group("browser")]


def test_the_keyboard_alone_is_enough(chromium: Browser, place: Place) -> None:
    tab = chromium.profile()
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
    # As laid out: while the panel still rises, what is drawn is 43.99997 high at times.
    small = "[...chat.querySelectorAll('.panel button')].filter(e => e.offsetParent && e.offsetHeight < 44).length"
    assert tab.run(small) == 0


def test_a_page_that_is_not_listed_is_told_nothing(chromium: Browser, place: Place) -> None:
    elsewhere = place.shop.replace("127.0.0.1", "localhost")
    tab = opened(chromium, elsewhere)
    say(tab, "Hello from elsewhere")
    tab.until("chat.querySelector('.status').textContent")
    assert "Hello from elsewhere" not in json.dumps(rows(place.site, "SELECT text FROM v_messages"))


def test_a_form_without_script_leads_to_its_answer(chromium: Browser, place: Place) -> None:
    tab = chromium.profile("ja")
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
        with tab.leaving():
            tab.run("void document.querySelector('.press').click()")
        return "本日発送しました。" in tab.run("document.body.innerText")

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
