"""What would have been said, as a list and as a page that a browser opens with the token."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from gateway.api import unsaid
from gateway.api.access import WRONG
from gateway.api.unsaid import Shown
from gateway.api.unsaid_words import WORDS
from gateway.follow_ups.holds import reason
from gateway.outgoing.acknowledge import NEW
from scheduler.duration import Duration
from scheduler.rules import PROMISED, TOLD, UNANSWERED, UPDATE, Rule
from store import shapes_watched as shapes
from store.watched import Beside, Filter, Tally
from tests.docs.pages import modules
from tests.gateway.api.conftest import Window
from tests.gateway.api.seed import NOON, SECRET

KINDS = ("acknowledgement", "follow_up", "notice", "survey")
PAGES = ["/watched", "/v1/promises.svg"]
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
EVIL = "</div><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\u202e"


def basic(secret: str, name: str = "anybody") -> dict[str, str]:
    written = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {written}"}


async def test_the_list_says_to_whom_why_and_what(window: Window) -> None:
    (item,) = (await window.client.get("/v1/watched")).json()["items"]
    assert (item["kind"], item["rule"], item["reason"]) == (
        "follow_up", "nudge", "the case is pending",
    )  # fmt: skip
    assert item["text"] == "<script>alert(1)</script>"
    assert item["buttons"] == ["Solved"]
    assert item["message_id"]
    assert item["case_id"]
    for query, many in (("kind=follow_up", 1), ("kind=survey", 0), ("channel=mail", 1),
                        ("channel=shop", 0), (f"after={item['id']}", 0), ("order=newest", 1),
                        (f"case_id={item['case_id']}", 1), ("case_id=4711", 0)):  # fmt: skip
        found = (await window.client.get(f"/v1/watched?{query}")).json()
        assert len(found["items"]) == many, query
    assert (await window.client.get("/v1/watched?kind=reply")).status_code == 400


async def test_it_stands_beside_the_messages_and_never_among_them(window: Window) -> None:
    (item,) = (await window.client.get("/v1/watched")).json()["items"]
    for place in (f"conversations/{item['conversation_id']}", f"cases/{item['case_id']}"):
        found = (await window.client.get(f"/v1/{place}")).json()
        assert found["would_have_said"] == [item]
        assert item["id"] not in [one["id"] for one in found["messages"]]
        assert item["text"] not in [one["reply_text"] for one in found["messages"]]
    others = (await window.client.get("/v1/conversations")).json()["items"]
    for other in others:
        if other["id"] != item["conversation_id"]:
            found = (await window.client.get(f"/v1/conversations/{other['id']}")).json()
            assert found["would_have_said"] == []


async def test_the_view_says_the_same(window: Window) -> None:
    def ask(connection: object) -> list[tuple[object, ...]]:
        query = "SELECT kind, text, case_id IS NOT NULL FROM v_watched"
        return [tuple(row) for row in connection.exec_driver_sql(query)]  # type: ignore[attr-defined]

    ((kind, text, has_case),) = await window.store.read(ask)
    assert (kind, text, bool(has_case)) == ("follow_up", "<script>alert(1)</script>", True)


@pytest.mark.parametrize("path", PAGES)
async def test_a_browser_is_asked_for_a_password_and_lets_in_with_the_token(
    window: Window, path: str
) -> None:
    asked = await window.stranger.get(path, headers=BROWSER)
    assert asked.status_code == 401
    ways = asked.headers.get_list("www-authenticate")
    assert ways == ["Bearer", 'Basic realm="Madoguchi", charset="UTF-8"']
    for headers in (basic(SECRET), basic(SECRET, ""), {"Authorization": f"Bearer {SECRET}"}):
        assert (await window.stranger.get(path, headers=headers)).status_code == 200
        assert (await window.stranger.head(path, headers=headers)).status_code == 200


@pytest.mark.parametrize("path", PAGES)
async def test_a_program_hears_of_no_password(window: Window, path: str) -> None:
    asked = await window.stranger.get(path)
    assert (asked.status_code, asked.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    "value", ["Basic", "Basic !!!", "Basic eA==", "Basic /w==", "Basic eDo=", "basic  "]
)
async def test_what_is_no_password_lets_nobody_in(window: Window, value: str) -> None:
    answer = await window.stranger.get("/watched", headers={"Authorization": value})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/watched"), ("GET", "/v1/conversations"), ("POST", "/watched"),
     ("POST", "/v1/cases"), ("DELETE", "/v1/promises.svg"), ("GET", "/watched/more"),
     ("GET", "/v1/watched/../../watched/x")],
)  # fmt: skip
async def test_nothing_else_takes_a_password(window: Window, method: str, path: str) -> None:
    """A browser sends it again by itself, whatever page made it ask."""
    answer = await window.stranger.request(method, path, headers=basic(SECRET) | BROWSER)
    assert answer.status_code == 401
    assert answer.headers.get_list("www-authenticate") == ["Bearer"]


@pytest.mark.parametrize("path", ["/watched/", "/watched//", "/x/../watched", "/%77atched"])
async def test_however_it_is_spelled_it_wants_the_token(window: Window, path: str) -> None:
    assert (await window.stranger.get(path)).status_code in {401, 404}


async def test_wrong_passwords_are_counted_as_wrong_tokens_are(window: Window) -> None:
    async with window.from_peer("198.51.100.77") as guesser:
        for number in range(int(WRONG[0])):
            answer = await guesser.get("/watched", headers=basic(f"guess-{number}"))
            assert answer.status_code == 401
        assert (await guesser.get("/watched", headers=basic("one more"))).status_code == 429
        assert (await guesser.get("/watched", headers=basic(SECRET))).status_code == 200


async def page(window: Window, path: str = "/watched", **headers: str) -> httpx.Response:
    return await window.client.get(path, headers=headers)


async def test_the_page_loads_nothing_runs_nothing_and_sends_nothing(window: Window) -> None:
    answer = await page(window)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    for rule in ("default-src 'none'", "form-action 'none'", "frame-ancestors 'none'", "sandbox"):
        assert rule in policy
    assert not re.search(
        r"<(script|form|img|iframe|link)\b|\bon\w+=|style=|url\(|@import", answer.text
    )
    assert 'content="light dark"' in answer.text
    assert "prefers-color-scheme: dark" in answer.text


async def test_the_page_shows_the_words_as_text(window: Window) -> None:
    text = (await page(window)).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "Re: &lt;b&gt;parcel&lt;/b&gt;" in text
    assert "Where is my parcel?" in text
    assert "Because: the case is pending (nudge)" in text


@pytest.mark.parametrize(
    ("headers", "path", "language"),
    [({}, "/watched", "en"), ({"Accept-Language": "ja,en;q=0.5"}, "/watched", "ja"),
     ({"Accept-Language": "de-DE"}, "/watched", "en"),
     ({"Accept-Language": "en"}, "/watched?language=ja", "ja")],
)  # fmt: skip
async def test_it_speaks_the_readers_language(
    window: Window, headers: dict[str, str], path: str, language: str
) -> None:
    text = (await page(window, path, **headers)).text
    assert f'<html lang="{language}">' in text
    assert f"<h1>{WORDS[language].title}</h1>" in text


async def test_it_is_narrowed_by_links_that_keep_the_language(window: Window) -> None:
    text = (await page(window, "/watched?language=ja&kind=survey")).text
    assert WORDS["ja"].nothing in text
    assert 'href="/watched?language=ja"' in text
    assert (await page(window, "/watched?kind=nonsense")).status_code == 400


def _said(id_: int, **more: object) -> Beside:
    facts: dict[str, object] = {
        "id": id_, "at": "2026-11-24T03:00:00.000000Z", "kind": "acknowledgement", "rule": EVIL,
        "reason": EVIL, "channel": EVIL, "to": EVIL, "language": EVIL, "subject": EVIL, "text": EVIL,
        "buttons": [EVIL], "conversation_id": 1, "case_id": 1, "reference": EVIL, "message_id": 7,
    }  # fmt: skip
    return Beside(shapes.Watched(**(facts | more)), EVIL, EVIL, cut=False)  # type: ignore[arg-type]


def shown(**more: object) -> str:
    facts: dict[str, object] = {
        "name": "Example", "language": "en", "zone": ZoneInfo("Asia/Tokyo"), "wanted": Filter(),
        "counted": (), "items": (), "next": None, "at": NOON,
    }  # fmt: skip
    return unsaid.html(Shown(**(facts | more)))  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_whatever_anybody_wrote_stays_text(language: str) -> None:
    hostile = shown(
        name=EVIL, language=language, wanted=Filter(EVIL, EVIL), items=[_said(1)],
        counted=[Tally(EVIL, EVIL, 1, 2)], next=1,
    )  # fmt: skip
    plain = hostile.partition("</style>")[2]
    assert "<script" not in plain
    assert "<img" not in plain
    assert not re.search(r'="[^"]*<|onerror=alert\(1\)>"', plain)
    assert plain.count('<div class="words') == 2


def test_the_head_counts_the_day_and_the_week_together() -> None:
    text = shown(counted=[Tally("acknowledgement", "mail", 3, 1200), Tally("survey", "bot", 1, 4)])
    assert re.findall(r'class="many">([\d,]+)<', text) == ["3", "1,200", "1", "4", "4", "1,204"]
    assert 'href="/watched?kind=survey&amp;channel=bot"' in text


def test_times_are_the_gateways_own() -> None:
    text = shown(items=[_said(1)], at=datetime.fromisoformat("2026-11-24T03:30:00+00:00"))
    assert '<time datetime="2026-11-24T12:30:00+09:00">2026-11-24 12:30</time>' in text
    assert "(Asia/Tokyo)" in text


def test_the_older_ones_are_a_link_further() -> None:
    text = shown(next=41, wanted=Filter("mail"), asked="en")
    assert 'rel="next" href="/watched?channel=mail&amp;after=41&amp;language=en"' in text
    assert "rel=" not in shown()


def test_both_languages_know_every_kind_and_every_reason() -> None:
    assert WORDS["en"].kinds.keys() == WORDS["ja"].kinds.keys() == set(KINDS)
    statuses = ("new", "open", "pending", "on_hold", "resolved")
    for when in (*statuses, UNANSWERED, TOLD, PROMISED, UPDATE):
        assert reason(Rule("any", when, Duration.parse("1 day"))) in WORDS["ja"].reasons
    assert NEW in WORDS["ja"].reasons
    for path in modules():
        for said in re.findall(r'Why\([^)]*?, "([^"]+)"\)', path.read_text("utf-8")):
            assert said in WORDS["ja"].reasons, path
