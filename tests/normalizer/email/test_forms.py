"""What a web form's mail says of the customer is found where the rule looks, or not at all."""

from __future__ import annotations

import pytest

from normalizer.email.forms import Places, find, head_of
from normalizer.message import Address

YUKI = Address("", "yuki@example.jp")
MAIL = ("body", "メール")


def author(body: str, label: str = "メール") -> Address | None:
    return find(Places(("body", label)), b"", body).author


LINES = {
    "colon": "メール: yuki@example.jp",
    "wide colon": "メール：yuki@example.jp",
    "brackets": "【メール】yuki@example.jp",
    "brackets and blank": "【メール】 yuki@example.jp",
    "square": "■メール： yuki@example.jp",
    "bullet": "* メール: yuki@example.jp\r",
    "equal sign": "メール＝yuki@example.jp",
    "columns": "メール\tyuki@example.jp",
    "wide blank": "メール　yuki@example.jp",
    "next line": "■メール\n\n  yuki@example.jp",
    "next line after a colon": "メール:\nyuki@example.jp",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_label_is_found_however_the_form_draws_it(line: str) -> None:
    assert author(f"お問い合わせがありました。\n{line}\n内容: こんにちは") == YUKI


@pytest.mark.parametrize("label", ["E-mail", "e-mail", "[E-Mail]", "E-mail:"])
def test_how_the_rule_draws_the_label_does_not_matter(label: str) -> None:
    assert author("E-Mail: yuki@example.jp", label) == YUKI


NOBODY = {
    "two answers": "メール: yuki@example.jp\n内容:\nメール: victim@example.com",
    "two mailboxes": "メール: yuki@example.jp, victim@example.com",
    "no mailbox": "メール: なし",
    "empty": "メール:\n",
    "a longer word": "メールアドレス: yuki@example.jp",
    "in the middle of a line": "私のメール: yuki@example.jp",
}


@pytest.mark.parametrize("body", NOBODY.values(), ids=NOBODY)
def test_an_author_that_is_not_one_mailbox_is_nobody(body: str) -> None:
    assert author(body) is None


def test_an_empty_value_is_not_the_next_label() -> None:
    places = Places(MAIL, name=("body", "お名前"))
    found = find(places, b"", "お名前:\nメール: yuki@example.jp")
    assert found.author == YUKI


def test_the_same_answer_twice_is_one_answer() -> None:
    assert author("メール: yuki@example.jp\nメール: yuki@example.jp") == YUKI


def test_headers_are_decoded_and_two_of_a_kind_name_nobody() -> None:
    places = Places(
        ("header", "Reply-To"), subject=("header", "X-About"), fields={"n": ("header", "X-N")}
    )
    head = (
        "Reply-To: =?utf-8?B?44KG44GN?= <yuki@example.jp>\r\n"
        "X-About: =?utf-8?B?44KG44GN?=\r\nX-N: 1\r\n 2\r\n\r\nX-N: 3\r\n"
    )
    found = find(places, head_of(head.encode()), "")
    assert found.author == ("ゆき", "yuki@example.jp")
    assert found.subject == "ゆき"
    assert found.fields == {"n": "1 2"}
    twice = "Reply-To: <a@b.example>\r\n" + head
    assert find(places, head_of(twice.encode()), "").author is None


def test_what_is_not_there_is_empty() -> None:
    places = Places(("header", "Reply-To"), ("body", "a"), ("body", "b"), {"c": ("header", "c")})
    assert find(places, b"", "") == (None, "", {"c": ""})


def test_the_first_of_several_values_holds_for_everything_but_the_author() -> None:
    places = Places(MAIL, fields={"order": ("body", "Order")})
    found = find(places, b"", "Order: 1\nMessage:\nOrder: 2")
    assert found.fields == {"order": "1"}


def test_a_name_beside_the_address_gives_way_to_the_name_that_the_rule_knows() -> None:
    body = "メール: Y <yuki@example.jp>\nお名前: 佐藤ゆき"
    found = find(Places(MAIL, name=("body", "お名前")), b"", body)
    assert found.author == ("佐藤ゆき", "yuki@example.jp")
