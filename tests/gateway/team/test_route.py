"""What a new case gets from the rules that it meets, alone and on a real store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Config
from gateway.rules import routing
from gateway.team.route import NOWHERE, Routed
from normalizer.message import Automatic, Transport
from store.known import Arrival
from tests.making import CONFIG, DESK, NOON, Desk, arrival, configure, mail, message, opened


def rule(said: str, action: str = 'tags = ["met"]', name: str = "one") -> str:
    return f'[[route]]\nname = "{name}"\n{said}\n{action}\n'


def config(tmp_path: Path, routes: str, mode: str = "live") -> Config:
    hours = '[calendar]\nhours = { mon-fri = ["09:00-18:00"] }\n'
    text = CONFIG.replace('"Asia/Tokyo"', f'"Asia/Tokyo"\nmode = "{mode}"')
    return configure(tmp_path, text + hours + routes)


def routed(tmp_path: Path, routes: str, what: Arrival | None = None, **more: Any) -> Routed:
    what = what or arrival(message())
    assert what.message
    return routing(config(tmp_path, routes, **more))(what, what.message)


def to(address: str) -> Arrival:
    transport = Transport(peer="192.0.2.7", sender="yuki@example.jp", recipients=(address,))
    return arrival(message(to=()), transport=transport)


SATURDAY = NOON.replace(day=28)
ROBOT = Automatic(is_auto=True, kind="bulk")
HOLDS: dict[str, tuple[str, Arrival]] = {
    "everything": ("", arrival(message())),
    "a channel": ('channel = "mail"', arrival(message())),
    "one of several": ('language = ["de", "ja"]', arrival(message(language="ja"))),
    "a region of a language": ('language = "pt"', arrival(message(language="pt-BR"))),
    "an address": (f'address = "{DESK}"', to(DESK)),
    "an address with a tag": ('address = "Sales@example.com"', to("sales+x@example.com")),
    "an address in To": (f'address = "{DESK}"', arrival(message())),
    "a word": ('keyword = "Refund"', arrival(message(subject="REFUND, please"))),
    "words over a line": ('keyword = "money back"', arrival(message(text="my money\nback"))),
    "full width": ('keyword = "vip"', arrival(message(text="ＶＩＰ会員です"))),
    "beside Japanese": ('keyword = "VIP"', arrival(message(text="私はVIPです"))),
    "Japanese inside": ('keyword = ["返金"]', arrival(message(text="ご返金ください"))),
    "Japanese over a line": (
        'keyword = "返金"',
        arrival(message(text="商品の返\n\u3000金をお願い")),
    ),
    "a soft hyphen": ('keyword = "refund"', arrival(message(text="my re\u00adfund"))),
    "no width": ('keyword = "refund"', arrival(message(text="re\u200bfund"))),
    "a kind": ('automatic = "bulk"', arrival(message(automatic=ROBOT))),
    "open": ("open = true", arrival(message())),
    "closed": ("open = false", arrival(message(), received_at=SATURDAY)),
    "an author": ('from = "Yuki@example.jp"', arrival(message())),
    "a domain": ('from = "example.jp"', arrival(message("a@shop.example.jp"))),
}
HOLDS_NOT: dict[str, tuple[str, Arrival]] = {
    "an address": ('address = "sales@example.com"', to(DESK)),
    "part of a word": ('keyword = "art"', arrival(message(text="a party"))),
    "only quoted": ('keyword = "refund"', arrival(message(text="ok\n> refund", reply_text="ok"))),
    "a kind": ('automatic = ["bulk", "list"]', arrival(message())),
    "closed": ("open = false", arrival(message())),
    "the end of a domain's name": ('from = "example.jp"', arrival(message("a@badexample.jp"))),
    "one of two": ('language = "ja"\nkeyword = "x"', arrival(message(language="ja"))),
    "nobody": ('from = "example.jp"', arrival(message(claims=()))),
}


@pytest.mark.parametrize(("said", "what"), HOLDS.values(), ids=HOLDS)
def test_a_rule_holds(tmp_path: Path, said: str, what: Arrival) -> None:
    assert routed(tmp_path, rule(said), what).tags == ("met",)


@pytest.mark.parametrize(("said", "what"), HOLDS_NOT.values(), ids=HOLDS_NOT)
def test_a_rule_does_not_hold(tmp_path: Path, said: str, what: Arrival) -> None:
    assert routed(tmp_path, rule(said), what) == NOWHERE


def test_tags_add_up_and_of_the_rest_the_first_word_counts(tmp_path: Path) -> None:
    first = rule('from = "example.jp"', 'tags = ["a", "b"]\nowner = "mio"', "narrow")
    second = rule("", 'tags = ["b", "c"]\nowner = "ken"\npriority = "low"', "wide")
    found = routed(tmp_path, first + second)
    assert found == Routed(("narrow", "wide"), ("a", "b", "c"), "low", "mio")
    assert found.reason == "tags a, b, c; priority low; owner mio"


def test_a_route_is_freer_than_its_channel_but_never_than_the_gateway(tmp_path: Path) -> None:
    live = rule("", 'mode = "live"')
    assert routed(tmp_path, live).mode == "live"
    assert routed(tmp_path, live, mode="watch").mode == "watch"
    assert routed(tmp_path, rule("", "silence = true"), mode="approve").mode == "silence"


REFUSED = {
    rule("", ""): "does nothing",
    rule('channel = "mial"'): 'channel: no channel is or has "mial"',
    rule('address = "x@example.org"'): 'address: no channel is or has "x@example.org"',
    rule("keyword = []"): "must not be empty",
    rule('keyword = ["a", " "]'): "must not be empty",
    rule('automatic = "robot"'): 'must be "human"',
    rule("", 'template = "nudge"'): 'there is no acknowledgement "nudge"',
    rule("", 'silence = true\nmode = "live"'): "has no effect beside silence",
    rule('language = "ja"') + rule('language = "ja"\nopen = true', name="two"): "can have no effect",
    rule('from = "a.jp"') + rule('from = "x@a.jp"', name="two"): '"one" above it holds',
    rule("") + rule(""): "already called",
}  # fmt: skip


@pytest.mark.parametrize(("routes", "said"), REFUSED.items(), ids=REFUSED.values())
def test_what_cannot_be_meant_is_refused_with_its_line(
    tmp_path: Path, routes: str, said: str
) -> None:
    with pytest.raises(Exception, match=r"config\.toml:\d+: route") as caught:
        config(tmp_path, routes)
    assert said in str(caught.value)


def test_a_wider_rule_below_that_says_more_is_welcome(tmp_path: Path) -> None:
    two = rule("", 'owner = "ken"') + rule('language = "ja"', 'owner = "mio"\ntags = ["x"]', "two")
    assert len(config(tmp_path, two).route) == 2


ROUTES = """
[acknowledge]
templates = "words"
[[route]]
name = "complaints"
keyword = ["complaint", "苦情"]
sensitive = true
priority = "high"
owner = "lead"
[[route]]
name = "watched"
keyword = "look"
mode = "watch"
[[route]]
name = "drafted"
keyword = "draft"
mode = "approve"
[[route]]
name = "silent"
keyword = "hush"
silence = true
[[route]]
name = "all"
template = "acknowledgement_other"
[[follow_up]]
name = "remind"
when = "unanswered"
after = "4 hours"
notify = ["boss@example.com"]
[[follow_up]]
name = "nudge"
when = "new"
after = "2 days"
send = "nudge"
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    words = tmp_path / "words/en"
    words.mkdir(parents=True)
    (words / "acknowledgement_other.long.txt").write_text("Subject: Hi\n\nOther {{ promised }}.")
    (words / "acknowledgement_other.short.txt").write_text("Other {{ reference }}.")
    async with opened(tmp_path, CONFIG + ROUTES) as desk:
        yield desk


async def said(desk: Desk, **more: Any) -> list[tuple[str, str]]:
    await desk.accept(mail(vouched="example.jp", **more))
    found = await desk.rows(
        "SELECT m.text, o.state FROM messages m JOIN outbox o ON o.message_id = m.id ORDER BY m.id"
    )
    return [(row["text"].partition(" ")[0], row["state"]) for row in found]


async def fired(desk: Desk, **by: float) -> dict[str, tuple[str, str]]:
    desk.clock.advance(**by)
    await desk.follow_ups().look()
    found = await desk.rows("SELECT rule, state, reason FROM follow_ups ORDER BY id")
    return {row["rule"]: (row["state"], row["reason"]) for row in found}


async def test_a_route_chooses_the_words_and_says_so(desk: Desk) -> None:
    assert await said(desk) == [("Other", "queued")]
    message = (await desk.one("SELECT id FROM messages WHERE direction = 'in'"))["id"]
    told = await desk.decision(message, "route")
    assert (told["outcome"], told["reason"]) == ("all", "template acknowledgement_other")


async def test_a_sensitive_case_is_a_person_s_at_once(desk: Desk) -> None:
    assert await said(desk, subject="A complaint") == [("Thank", "queued")]
    case = await desk.one("SELECT tags, priority, owner FROM v_cases")
    assert case == {"tags": '["sensitive"]', "priority": "high", "owner": "lead"}
    assert (await fired(desk))["remind"] == ("fired", "")
    assert (await fired(desk, days=2))["nudge"] == (
        "skipped", "a sensitive case: a person speaks here",
    )  # fmt: skip


async def test_a_watched_route_says_nothing_and_tells_what_it_would_have_said(desk: Desk) -> None:
    assert await said(desk, subject="look here") == []
    message = (await desk.one("SELECT id FROM messages"))["id"]
    told = await desk.decision(message)
    assert told["reason"].startswith("watching:")
    assert (await fired(desk, days=2))["nudge"][1].startswith("watching:")


async def test_a_drafted_route_waits_for_a_person_also_with_its_follow_ups(desk: Desk) -> None:
    assert await said(desk, subject="draft") == [("Other", "draft")]
    await fired(desk, days=2)
    states = await desk.rows(
        "SELECT kind, state FROM outbox o JOIN messages m ON m.id = o.message_id"
    )
    assert {(row["kind"], row["state"]) for row in states} == {
        ("acknowledgement", "draft"), ("note", "queued"), ("follow_up", "draft"),
    }  # fmt: skip


async def test_silence_is_kept_in_the_whole_case(desk: Desk) -> None:
    assert await said(desk, subject="hush") == []
    assert (await fired(desk, days=2))["nudge"] == ("skipped", "the route asks for silence")


async def test_only_a_new_case_is_routed(desk: Desk) -> None:
    await said(desk, Message_ID="<q@mail.example>")
    await said(desk, subject="Re: complaint", In_Reply_To="<q@mail.example>")
    assert [json.loads(row["tags"]) for row in await desk.rows("SELECT tags FROM cases")] == [[]]
