"""Finding by words: what fits is found, and what does not fit is not forced."""

from __future__ import annotations

import pytest

from gateway.faq.entries import Entry
from gateway.faq.index import Index
from gateway.faq.terms import MOST, terms

PAGES = (
    ("return", "en", "How do I send something back?", ("refund", "exchange", "return"),
     "You can return goods within 14 days. We refund the price."),
    ("parcel", "en", "When will my parcel arrive?", ("delivery time",), "Two to four days."),
    ("invoice", "en", "Where do I find my invoice?", ("receipt",), "It is in your account."),
    ("password", "en", "I forgot my password", ("cannot log in",), "Use the link on the page."),
    ("返品", "ja", "返品・交換の方法", ("返品", "交換", "返金"), "商品到着後14日以内にご連絡ください。"),
    ("配送", "ja", "商品の配送状況を確認したい", ("届かない", "届きません", "いつ届く"),
     "追跡番号でご確認いただけます。"),
    ("キャンセル", "ja", "注文のキャンセル", (), "発送前であれば、マイページから取り消せます。"),
    ("領収書", "ja", "領収書の発行", ("請求書",), "マイページから発行できます。"),
)  # fmt: skip
INDEX = Index(
    Entry(name, title, f"https://shop.example/{name}", language, words, text)
    for name, language, title, words, text in PAGES
)


def found(question: str, language: str) -> list[str]:
    return [entry.name for entry in INDEX.search(question, language)]


@pytest.mark.parametrize(
    ("question", "language", "names"),
    [
        ("I would like to return the shoes", "en", ["return"]),
        ("Refunds?", "en", ["return"]),
        ("My PARCELS have not arrived yet", "en", ["parcel"]),
        ("Can I get an invoice?", "en", ["invoice"]),
        ("i forgot the password of my account", "en-GB", ["password"]),
        ("靴を返品したいのですが", "ja", ["返品"]),
        ("注文した商品がまだ届きません", "ja", ["配送"]),
        ("いつ届きますか", "ja", ["配送"]),
        ("注文のｷｬﾝｾﾙをお願いします", "ja", ["キャンセル"]),
        ("領収書をください", "ja", ["領収書"]),
    ],
)
def test_a_question_finds_its_page(question: str, language: str, names: list[str]) -> None:
    assert found(question, language) == names


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("", "en"),
        ("Hello, I need help please. Thank you!", "en"),
        ("Your driver was rude to my mother.", "en"),
        ("The account manager should call me", "en"),
        ("お世話になっております。田中です。よろしくお願いいたします。", "ja"),
        ("注文した色と違うものが入っていました", "ja"),
        ("靴を返品したいのですが", "en"),
        ("I would like to return the shoes", "de"),
        ("\ud800\x00", "ja"),
    ],
)
def test_nothing_is_better_than_something_wrong(question: str, language: str) -> None:
    assert found(question, language) == []


def test_three_pages_at_most_and_the_best_first() -> None:
    same = [
        Entry(str(n), "Return a parcel", "https://x.example", "en", (), "parcel " * n)
        for n in range(6)
    ]
    assert len(Index(same).search("how to return a parcel", "en")) == 3
    better = Entry("better", "Return a broken parcel", "https://x.example", "en", (), "")
    assert Index([*same, better]).search("return a broken parcel", "en")[0].name == "better"


def test_no_entries_no_answer() -> None:
    assert Index(()).search("return", "en") == ()


def test_a_long_letter_is_looked_at_as_far_as_it_may_ask_something() -> None:
    assert len(list(terms("parcel " * 10_000))) <= MOST / 7 + 1


def test_a_line_that_is_broken_within_a_word_breaks_no_term() -> None:
    assert list(terms("商品の返\n品をしたい")) == list(terms("商品の返品をしたい"))
