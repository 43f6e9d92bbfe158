"""The chat in a real browser, on the whole daemon, from a page of somebody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.browser import Browser
from tests.daemon.servers import daemon
from tests.daemon.web_shop import PNG, Place, opened, reference, reply, say, shop, show
from tests.daemon.window import api, rows

pytestmark = [pytest.mark.daemon, pytest.mark.xdist_group("browser")]


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


# Every look for news is answered only after the next message was.
SLOW = """window.posts = window.looks = 0;
window.fetch = ((real) => async (url, more) => {
  if (!url.includes("/messages")) return real(url, more);
  if (more.method === "POST") {
    const answer = await real(url, more);
    window.posts += 1;
    return answer;
  }
  const before = window.posts, found = await real(url.replace(/wait=.*/, "wait=0"), { headers: more.headers });
  window.looks += 1;
  const old = JSON.stringify({ ...await found.json(), version: `as of ${before}` });
  while (window.posts === before) await new Promise((done) => { setTimeout(done, 10); });
  return new Response(old);
})(window.fetch)"""


def test_an_answer_that_was_overtaken_takes_no_message_away(
    chromium: Browser, place: Place
) -> None:
    tab = chromium.profile()
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=SLOW)
    show(tab, place.shop)
    say(tab, "One")
    tab.until("window.looks === 1 && !chat.querySelector('.waits')")
    say(tab, "Two")
    tab.until("window.looks === 2")  # what was asked before the message has been heard by now
    assert [text for text in tab.texts() if text in {"One", "Two"}] == ["One", "Two"]


def test_two_pages_of_one_visitor_show_the_same(chromium: Browser, place: Place) -> None:
    one = opened(chromium, place.shop)
    say(one, "In the first tab")
    one.until("chat.querySelector('.ours')")
    other = chromium.profile(beside=one)
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
