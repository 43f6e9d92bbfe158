"""What is only watched never leaves the real process, whatever happens to it; and people read it."""

from __future__ import annotations

import signal
import smtplib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.browser import Browser, Tab
from tests.daemon.servers import (
    API_TOKEN,
    Site,
    await_ready,
    daemon,
    launch,
    lay_out,
    postgres,
    require,
    wait_until,
)
from tests.daemon.test_answers import ask as say
from tests.daemon.window import (
    accepted_within,
    acknowledgements,
    all_read,
    api,
    ask,
    change,
    mail,
    send,
)

LIVE, WATCH = 'name = "mail"', 'name = "mail"\nmode = "watch"'
# Before a batch is committed and after it, and at any moment.
DEATHS = ("F1:2", "F2:1", "F2:4", "")
MORE = """
[promise]
notice = "3 hours"
[[follow_up]]
name = "how"
when = "resolved"
after = "1 second"
send = "survey"
"""
EVIL = '<script>document.title = "mine"</script><img src=x onerror="document.title=1">'

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(900), pytest.mark.xdist_group("browser")]


def laid(folder: Path, store: str, more: str = MORE) -> Site:
    """A site that only watches, and believes its own machine on who wrote."""
    site = lay_out(folder, store, more)
    trusting = 'send = "maildir:sent"\ntrusted_relays = ["127.0.0.1"]'
    change(site, ('send = "maildir:sent"', trusting), (LIVE, WATCH))
    return site


def known(name: str) -> Any:
    letter = mail(name)
    letter["Authentication-Results"] = "mx; dmarc=pass header.from=example.jp"
    return letter


def sent(site: Site) -> int:
    return len(list(site.sent.iterdir())) if site.sent.exists() else 0


def judge(site: Site, store: str, stored: int) -> None:
    """Each mail has its words, once, and none of them is anything that could be sent."""
    found = ask(store, "SELECT message_id FROM watched WHERE kind = 'acknowledgement'")
    assert len(found) == len(set(found)) == stored
    assert ask(store, "SELECT count(*) FROM outbox") == [(0,)]
    assert ask(store, "SELECT count(*) FROM messages WHERE direction = 'out'") == [(0,)]
    assert sent(site) == 0


def speaks(site: Site, store: str) -> None:
    """After the change to live the next mail is answered, and that alone."""
    change(site, (WATCH, LIVE))
    with daemon(site):
        assert send(site, known("live")).code == 250
        (said,) = acknowledgements(site, 1)
        wait_until(lambda: not _open(store), 90, "nothing waits")
        assert said["In-Reply-To"] == "<live@mx.example.jp>"
        assert ask(store, "SELECT count(*) FROM outbox") == [(1,)]
        assert sent(site) == 1


def _all_read(store: str) -> None:
    query = "SELECT 1 FROM v_messages WHERE status = 'unread'"
    wait_until(lambda: not ask(store, query), 60, "all is read")


def _open(store: str) -> bool:
    return bool(ask(store, "SELECT 1 FROM outbox WHERE state <> 'sent'"))


def test_nothing_watched_is_sent_however_often_we_are_killed_nor_once_we_speak(
    tmp_path: Path, store: str
) -> None:
    site = laid(tmp_path, store)
    for number, death in enumerate(DEATHS):
        process = launch(site, {"MADOGUCHI_FAILPOINT": death} if death else {})
        try:
            await_ready(site, process)
            for n in range(6):
                _try(site, f"m{number}-{n}")
            assert not death or process.wait(90) == -signal.SIGKILL
        finally:
            process.kill()
            process.wait()
    with daemon(site):
        for number in range(len(DEATHS)):
            for n in range(6):
                accepted_within(site, 90, known(f"m{number}-{n}"))
        _all_read(store)
        case = api(site, "/v1/cases")["items"][0]["id"]
        say(site, "PATCH", f"/v1/cases/{case}", {"status": "resolved"})
        wait_until(
            lambda: bool(ask(store, "SELECT 1 FROM watched WHERE kind = 'survey'")), 90, "a survey"
        )
    judge(site, store, 6 * len(DEATHS))
    speaks(site, store)


def _try(site: Site, name: str) -> None:
    with suppress(OSError, smtplib.SMTPException):  # it died of this one, or before
        send(site, known(name))


def test_two_processes_watch_each_mail_once(tmp_path: Path) -> None:
    require("postgres")
    with postgres() as server, ExitStack() as stack:
        store = server.create("watched")
        sites = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            sites.append(laid(tmp_path / name, store))
        for site in sites:
            stack.enter_context(daemon(site))
        for n in range(10):
            for site in sites:
                assert send(site, known(f"m{n}")).code == 250
                assert send(site, known(f"{site.smtp}-{n}")).code == 250
        _all_read(store)
        for site in sites:
            judge(site, store, 30)
        stack.close()
        speaks(sites[0], store)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A few matters, one of them in Japanese and one that is up to something."""
    site = laid(tmp_path_factory.mktemp("page"), "sqlite:///var/madoguchi.db")
    with daemon(site):
        for name, text in (
            ("parcel", "Where is my parcel?\n\nYuki"),
            ("荷物", "注文した商品がまだ届きません。\n確認していただけますか。"),
            (EVIL, f"{EVIL}\n{'x' * 400}\n\u202eabc"),
        ):
            letter = known(str(abs(hash(name))))
            del letter["Subject"]
            letter["Subject"] = name
            letter.set_content(text)
            assert send(site, letter).code == 250
            all_read(site)
        case = api(site, "/v1/cases")["items"][0]["id"]
        say(site, "PATCH", f"/v1/cases/{case}", {"status": "resolved"})
        wait_until(lambda: len(api(site, "/v1/watched")["items"]) == 4, 90, "a survey")
        yield site


def opened(chromium: Browser, site: Site, language: str, path: str = "/watched") -> Tab:
    tab = chromium.profile(language)
    tab.look(width=360, height=740)
    tab.go(f"http://anybody:{API_TOKEN}@127.0.0.1:{site.http}{path}")
    return tab


def test_people_read_it_in_a_browser_on_a_small_screen(chromium: Browser, full: Site) -> None:
    tab = opened(chromium, full, "en")
    assert tab.run("document.title") == "What we would have said — Example Support"
    kinds = tab.run("[...document.querySelectorAll('article h2')].map(e => e.textContent)")
    assert kinds == ["Survey", *["Acknowledgement"] * 3]
    assert tab.run("document.documentElement.scrollWidth") <= 360
    assert EVIL in tab.run("document.body.innerText")
    assert tab.run("document.querySelectorAll('script, img, form').length") == 0
    assert tab.run("[...document.querySelectorAll('.many')].map(e => e.textContent).join()") == (
        "24 hours,7 days,3,3,1,1,4,4"
    )
    assert tab.complaints() == []


def test_the_keyboard_narrows_it_and_leads_back(chromium: Browser, full: Site) -> None:
    tab = opened(chromium, full, "ja", "/watched?language=en")
    while tab.run("document.activeElement.textContent") != "Survey":
        tab.press("Tab")
    tab.press("Enter")
    tab.until("location.search.includes('kind=survey') && document.readyState === 'complete'")
    assert tab.run("document.querySelectorAll('article').length") == 1
    assert tab.run("document.documentElement.lang") == "en"
    tab.run("void [...document.links].find(a => a.textContent === 'show everything').focus()")
    tab.press("Enter")
    tab.until("!location.search.includes('kind') && document.readyState === 'complete'")
    assert tab.run("document.querySelectorAll('article').length") == 4


@pytest.mark.parametrize("dark", [False, True])
def test_it_is_read_in_japanese_by_day_and_by_night(
    chromium: Browser, full: Site, dark: bool
) -> None:
    tab = opened(chromium, full, "ja")
    tab.look(dark=dark, width=360, height=740)
    assert tab.run("document.querySelector('h1').textContent") == "お送りするはずだった言葉"
    paper = tab.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(22, 24, 28)" if dark else "rgb(251, 250, 247)")


def test_the_chart_of_promises_opens_with_the_same_password(chromium: Browser, full: Site) -> None:
    tab = opened(chromium, full, "en", "/v1/promises.svg?days=7")
    assert tab.run("document.documentElement.tagName") == "svg"
    refused = chromium.profile("en")
    refused.go(f"http://anybody:{API_TOKEN}@127.0.0.1:{full.http}/v1/watched")
    assert "valid token" in refused.run("document.body.innerText")
