"""Mail of web forms becomes its customer's, if somebody vouches for the form, and only then."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.watch.checking import texts
from normalizer.message import Spooled
from tests.making import CONFIG, DESK, Desk, configure, envelope, mail, opened

RULE = """
[[form_mail]]
form = "contact"
from = "form@shop.example"
authenticated_by = ["shop.example", "192.0.2.80"]
author = "header:Reply-To"
name = "body:お名前"
subject = "body:件名"
fields = { order = "body:注文番号" }
"""
BODY = "お名前: 佐藤ゆき\r\n件名: 荷物が届きません\r\n注文番号: 4711\r\n内容: まだです。"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, CONFIG + RULE) as desk:
        yield desk


def form(reply_to: str = "yuki@example.jp", *, vouched: str = "shop.example") -> bytes:
    return mail(
        "Shop <form@shop.example>", "Contact form", BODY, vouched=vouched, Reply_To=reply_to
    )


async def authors(desk: Desk) -> list[str]:
    rows = await desk.rows(
        "SELECT i.address FROM messages m JOIN identities i ON i.id = m.identity_id"
        " WHERE m.direction = 'in' ORDER BY m.id"
    )
    return [str(row["address"]) for row in rows]


async def test_a_vouched_for_form_is_its_customers_mail(shop: Desk) -> None:
    await shop.accept(form())
    assert await authors(shop) == ["email:yuki@example.jp"]
    (row,) = await shop.rows("SELECT * FROM messages WHERE direction = 'in'")
    assert row["subject"] == "荷物が届きません"
    author = json.loads(str(row["author"]))
    assert (author["name"], author["address"]) == ("佐藤ゆき", "yuki@example.jp")
    assert author["claims"][0] == ["form", "email:yuki@example.jp", "佐藤ゆき"]
    assert not author["authenticated"]
    assert json.loads(str(row["reading"]))["form"] == {"order": "4711"}


async def test_the_acknowledgement_goes_to_the_customer_under_the_tight_budget(shop: Desk) -> None:
    for _ in range(2):
        await shop.accept(form())
    sent = await shop.rows("SELECT budget_key, authenticated FROM outbox")
    assert [(row["budget_key"], bool(row["authenticated"])) for row in sent] == [
        ("yuki@example.jp", False)
    ]


async def test_nobody_vouches_and_the_rule_does_not_hold(shop: Desk) -> None:
    await shop.accept(form(vouched="other.example"))
    assert await authors(shop) == ["form:form@shop.example>yuki@example.jp"]


async def test_the_address_that_hands_the_mail_over_vouches_too(shop: Desk) -> None:
    await shop.accept(form(vouched=""), peer="192.0.2.80")
    assert await authors(shop) == ["email:yuki@example.jp"]


async def test_another_from_is_no_form(shop: Desk) -> None:
    await shop.accept(mail("ann@shop.example", vouched="shop.example", Reply_To="yuki@example.jp"))
    assert await authors(shop) == ["email:ann@shop.example"]


@pytest.mark.parametrize("reply_to", ["", "a@b.example, c@d.example", DESK])
async def test_a_form_that_names_no_customer_never_makes_two_of_them_one(
    shop: Desk, reply_to: str
) -> None:
    for _ in range(2):
        await shop.accept(form(reply_to))
    first, second = await authors(shop)
    assert first != second
    assert first.startswith("message:")
    assert await shop.count("outbox") == 0


@pytest.mark.parametrize("sender", ["<>", "no-reply@shop.example"])
async def test_a_form_that_takes_no_answer_gets_none(shop: Desk, sender: str) -> None:
    await shop.accept(form(), sender)
    assert await authors(shop) == ["email:yuki@example.jp"]
    assert await shop.count("outbox") == 0


async def test_the_customers_own_mail_is_in_the_same_conversation(shop: Desk) -> None:
    await shop.accept(form())
    await shop.accept(mail("yuki@example.jp", vouched="example.jp"))
    (row,) = await shop.rows("SELECT count(DISTINCT conversation_id) AS n FROM messages")
    assert row["n"] == 1


async def test_a_failed_dmarc_is_no_proof_whatever_else_passed(shop: Desk) -> None:
    said = "Authentication-Results: mx; dmarc=fail header.from=shop.example;"
    passed = " dkim=pass header.d=shop.example"
    await shop.accept(f"{said}{passed}\r\n".encode() + form(vouched=""))
    assert await authors(shop) == ["form:form@shop.example>yuki@example.jp"]


async def test_a_large_form_mail_is_looked_at_in_its_file(shop: Desk, tmp_path: Path) -> None:
    raw = form() + b"x" * 300_000
    path = tmp_path / "spool" / "large"
    path.write_bytes(raw)
    digest = sha256(raw).hexdigest()
    await shop.ingest.accept(envelope(Spooled(str(path), len(raw), digest)))
    assert await authors(shop) == ["email:yuki@example.jp"]


def test_a_rule_that_can_never_hold_is_named(tmp_path: Path) -> None:
    alone = CONFIG.replace('trusted_relays = ["192.0.2.7"]', "")
    rule = RULE.replace(', "192.0.2.80"', "")
    told = [str(finding) for finding in texts(configure(tmp_path, alone + rule))]
    assert len(told) == 1
    assert '"contact" never holds' in told[0]
    assert list(texts(configure(tmp_path, CONFIG + rule))) == []
    assert list(texts(configure(tmp_path, alone + RULE))) == []
