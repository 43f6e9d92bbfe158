"""Answers in what people write: found where they stand, and nowhere else."""

from __future__ import annotations

import pytest

from gateway.config.asks import Ask
from gateway.intake.question import Question


def order_number() -> Question:
    return Ask(name="order_number").asks()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("My order number is A-20417, where is it?", "A-20417"),
        ("Order #4711-22 has not come.", "4711-22"),
        ("注文番号：ＡＢ－１２３４です。", "AB-1234"),
        ("注文番号は 20417 です", "20417"),
        ("I would like to order a lamp", ""),
        ("Please call 090-1234-5678", ""),
        ("20417", ""),
        ("in order to return it by 2026", ""),
        ("注文した商品が届きません", ""),
        ("注文番号は、12345です", "12345"),
        ("注文番号：No.12345", "12345"),
        ("ご注文番号「A-1234」の件", "A-1234"),
        ("注文番号（12345）", "12345"),
        ("注文番号\n【12345】", "12345"),
        ("order number - 12345", "12345"),
        ("my order (1234) is late", "1234"),
        ("order 12345 is late", "12345"),
        ("I want to order 1000 lamps", ""),
        ("I ordered in 2024", ""),
        ("order 2026-11-20", ""),
    ],
)
def test_an_order_number_stands_after_a_word_for_one(text: str, found: str) -> None:
    assert order_number().find(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("20417", "20417"),
        ("#A-20417.", "A-20417"),
        ("２０４１７です。", "20417"),
        ("Hello\nA-20417\nYuki", "A-20417"),
        ("Yes", ""),
        ("I have none", ""),
        ("no idea, it was 3 weeks ago", ""),
        ("はい、12345です", "12345"),
        ("番号は12345でお願いします", "12345"),
        ("It's A-12345.", "A-12345"),
        ("No. 12345", "12345"),
        ("090-1234-5678", ""),
        ("2026-11-20", ""),
        ("担当者とお話ししたいです", ""),
    ],
)
def test_once_asked_for_it_may_stand_alone(text: str, found: str) -> None:
    assert order_number().find(text, asked=True) == found


def test_values_are_found_whole_and_kept_as_they_are_configured() -> None:
    product = Ask(name="product", values=("Lamp", "Lamp XL", "青いソファ")).asks()
    assert product.find("my lamp xl is broken") == "Lamp XL"
    assert product.find("ＬＡＭＰの件") == "Lamp"
    assert product.find("lamps and clamps") == ""
    assert product.find("青いソファが届きません") == "青いソファ"


def test_the_first_group_that_holds_something_is_the_answer() -> None:
    room = Ask(name="room", question={"en": "Which?"}, pattern=r"room (\d{3})|(\d{3})号室").asks()
    assert room.find("I was in Room 204.") == "204"
    assert room.find("305号室でした") == "305"
    assert room.find("204") == ""


def test_a_long_letter_and_a_long_answer_are_cut() -> None:
    anything = Ask(name="all", question={"en": "?"}, pattern=r"x{1,90}").asks()
    assert anything.find("x" * 10_000) == "x" * 90
    assert anything.find("a" * 4000 + "x") == ""


def test_it_is_asked_in_the_language_that_is_nearest() -> None:
    asks = Ask(name="room", question={"ja": "どこ", "en": "Where?"}, pattern="x").asks()
    assert asks.asks("ja-JP", "en") == "どこ"
    assert asks.asks("de", "ja") == "どこ"
    assert asks.asks("de", "fr") == "Where?"
