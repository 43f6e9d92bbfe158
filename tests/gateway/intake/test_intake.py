"""Questions before a person reads: once each, never what was said, and never against a wish."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.config.errors import ConfigError
from normalizer.message import Claim, Identity, Message
from store.known import Raw
from tests.making import CONFIG, Desk, arrival, configure, mail, opened

ASKS = """
[[channel]]
name = "chat"
type = "http"
secret = { file = "secret" }
url = "https://chat.example/in"
[[ask]]
name = "order_number"
[[ask]]
name = "product"
values = ["Lamp", "Sofa"]
[[route]]
name = "complaints"
keyword = "lawyer"
sensitive = true
[[route]]
name = "lamps"
attribute = "product=lamp"
tags = ["lamps"]
"""
YUKI = Identity("chat", "4711")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "secret").write_text("whsec_" + "QUFB" * 8)
    async with opened(tmp_path, CONFIG + ASKS) as desk:
        yield desk


async def say(desk: Desk, text: str, *, pressed: str = "", language: str = "en") -> None:
    desk.clock.advance(minutes=1)
    content = Message(
        claims=(Claim("platform", YUKI, "Yuki"),), text=text, reply_text=text, pressed=pressed,
        language=language, fingerprint=f"{desk.clock()}",
    )  # fmt: skip
    said = arrival(
        content, author=YUKI.address, known=True, gap=timedelta(hours=24), channel="chat",
        received_at=desk.clock(), budget=(str(YUKI), YUKI.kind), format="http",
    )  # fmt: skip
    author, raw = said.author._replace(identity=YUKI), Raw(f"{desk.clock()}", 1, b"x")
    await desk.store.commit_inbound(replace(said, author=author, raw=raw))


async def ours(desk: Desk) -> list[str]:
    found = "SELECT text FROM messages WHERE direction = 'out' ORDER BY id"
    return [row["text"] for row in await desk.rows(found)]


async def told(desk: Desk) -> dict[str, str]:
    row = await desk.one("SELECT attributes FROM cases ORDER BY id DESC LIMIT 1")
    return dict(json.loads(row["attributes"]))


async def events(desk: Desk, kind: str) -> list[dict[str, Any]]:
    found = await desk.rows("SELECT data FROM events WHERE type = :k ORDER BY cursor", k=kind)
    return [json.loads(row["data"]) for row in found]


async def test_a_messenger_asks_one_after_the_other_and_keeps_the_answers(desk: Desk) -> None:
    await say(desk, "It is broken.")
    (first,) = await ours(desk)
    assert "Do you have an order number?" in first
    assert "If you have an order number" not in first
    assert "product" not in first
    await say(desk, "A-20417")
    _, second = await ours(desk)
    assert second.startswith("Thank you. Which product is it about? (Sent automatically, ")
    row = await desk.one("SELECT kind, buttons FROM messages WHERE text LIKE 'Thank you. Which%'")
    assert row["kind"] == "follow_up"
    buttons = [(one[0], one[1]) for one in json.loads(row["buttons"])]
    assert buttons == [("Lamp", "answer"), ("Sofa", "answer"), ("Talk to a person", "person")]
    await say(desk, "Sofa", pressed="answer")
    assert len(await ours(desk)) == 2
    assert await told(desk) == {"order_number": "A-20417", "product": "Sofa"}
    changed = [one["after"] for one in await events(desk, "case.changed")]
    assert changed == [
        {"attributes": {"order_number": "A-20417"}},
        {"attributes": {"order_number": "A-20417", "product": "Sofa"}},
    ]
    assert await desk.count("cases") == 1


async def test_what_was_said_is_not_asked(desk: Desk) -> None:
    await say(desk, "My lamp from order 20417 is broken.")
    (only,) = await ours(desk)
    assert "Do you have" not in only
    assert "Which product" not in only
    assert await told(desk) == {"order_number": "20417", "product": "Lamp"}
    (born,) = await events(desk, "case.opened")
    assert born["attributes"] == {"order_number": "20417", "product": "Lamp"}
    assert not await events(desk, "case.changed")
    assert json.loads((await desk.one("SELECT tags FROM cases"))["tags"]) == ["lamps"]


@pytest.mark.parametrize(
    ("text", "pressed"),
    [
        ("I do not know, it was a gift.", ""),
        ("Talk to a person", "person"),
        ("order 20417", "person"),
        ("5", "vote:5"),
    ],
)
async def test_any_other_word_ends_the_asking(desk: Desk, text: str, pressed: str) -> None:
    await say(desk, "It is broken.")
    await say(desk, text, pressed=pressed)
    await say(desk, "order 20418")
    assert len(await ours(desk)) == 1
    assert (await desk.one("SELECT asking FROM cases"))["asking"] == "[]"


async def test_one_answer_may_answer_all(desk: Desk) -> None:
    await say(desk, "It is broken.")
    await say(desk, "order 20417, the sofa")
    assert len(await ours(desk)) == 1
    assert await told(desk) == {"order_number": "20417", "product": "Sofa"}


async def test_a_letter_asks_for_everything_at_once(desk: Desk) -> None:
    await desk.accept(mail(vouched="example.jp"))
    (said,) = await ours(desk)
    assert (
        "It would help us to know, in a reply to this mail:\n\n"
        "・Do you have an order number?\n・Which product is it about?\n" in said
    )
    await desk.accept(mail(subject="Re: Where is my parcel?", body="A-20417", vouched="example.jp"))
    assert len(await ours(desk)) == 1
    assert await told(desk) == {"order_number": "A-20417"}


async def test_a_japanese_letter_is_asked_in_japanese(desk: Desk) -> None:
    await desk.accept(mail(subject="商品", body="壊れていました。", vouched="example.jp"))
    (said,) = await ours(desk)
    assert "お分かりになる範囲で、次のことをこのメールへのご返信で" in said
    assert (
        "・ご注文番号はお分かりになりますか。\n・どの商品についてのお問い合わせですか。\n" in said
    )


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("My lawyer will write.", {"vouched": "example.jp"}),
        ("It is broken.", {}),
        ("It is broken.", {"vouched": "example.jp", "Auto_Submitted": "auto-generated"}),
    ],
)
async def test_strangers_robots_and_complaints_are_not_asked(
    desk: Desk, body: str, more: dict[str, str]
) -> None:
    await desk.accept(mail(subject="x", body=body, **more))
    assert not [said for said in await ours(desk) if "order number?" in said]
    assert (await desk.one("SELECT asking FROM cases"))["asking"] == "[]"


async def test_questions_count_for_the_day_s_budget(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_" + "QUFB" * 8)
    limits = "[acknowledge.limits]\nper_conversation_day = 1\n"
    async with opened(tmp_path, CONFIG + limits + ASKS) as desk:
        await say(desk, "It is broken.")
        await say(desk, "order 20417")
        assert len(await ours(desk)) == 1


async def test_another_customer_s_answer_tells_nothing_of_a_case(desk: Desk) -> None:
    """A stranger who names a reference or a subject gets a case of his own."""
    await desk.accept(mail(vouched="example.jp"))
    case = await desk.one("SELECT id, reference FROM cases")
    await desk.accept(
        mail(body=f"{case['reference']} order 666", subject="Re: Where is my parcel?")
    )
    first = await desk.one("SELECT attributes FROM cases WHERE id = :id", id=case["id"])
    assert first["attributes"] == "{}"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('name = "room"', 'ask[0]: needs values = ["…"], or a pattern'),
        ('name = "room"\npattern = "x"', "ask[0].question: has no words in en"),
        ('name = "product"\nvalues = ["a"]\npattern = "x"', "has pattern and values; keep the one"),
        ('name = "product"\npattern = "x?"', "ask[0].pattern: also fits where nothing stands"),
        ('name = "product"\npattern = "x+"', "write {1,20} in place of + and *"),
        ('name = "product"\npattern = "(x{1,9}y){2}"', "repeats within a repeat"),
        ('name = "product"\npattern = "("', "ask[0].pattern: is no pattern"),
        ('name = "Order"\npattern = "x"', 'ask[0].name: "Order" must be a word in small letters'),
        ('name = "order_number"\ntag = "lost"', 'no [[route]] gives the tag "lost"'),
        ('name = "order_number"\nchannel = "fax"', 'there is no channel "fax"; possible: "mail"'),
        ('name = "order_number"\nwhy = 1', "ask[0].why: unknown key"),
        (
            'name = "order_number"\n[[route]]\nname = "r"\nattribute = "room"\nowner = "x"',
            'route[0].attribute: no [[ask]] finds "room"',
        ),
        ('name = "order_number"\n[[ask]]\nname = "order_number"', 'already called "order_number"'),
    ],
)
def test_check_refuses_what_cannot_be_asked(tmp_path: Path, rule: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(tmp_path, f"{CONFIG}[[ask]]\n{rule}\n")
    assert said in str(caught.value)
    assert "config.toml:" in str(caught.value)
