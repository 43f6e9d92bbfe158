"""What many customers read at once, to the letter: a person's words in a frame of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.words import Form, NoticeFacts, Words

WORDS = Words()
LATE = NoticeFacts(
    gateway_name="青空商店",
    reference="K7-2044",
    text="雪のため、お荷物が一日遅れております。",
    subject="お荷物の遅れについて",
    sender="株式会社青空",
    sender_address="東京都千代田区神田1-2-3",
    unsubscribe="https://help.example.com/u/x",
)


def test_a_japanese_notice() -> None:
    text = WORDS.notice("service", LATE, "ja", "long")
    assert text.subject == "お荷物の遅れについて"
    assert text.body == (
        "雪のため、お荷物が一日遅れております。\n"
        "\n"
        "ご不明な点がございましたら、このメールにご返信ください。\n"
        "\n"
        "青空商店 カスタマーサポート\n"
        "\n"
        "※このお知らせは自動でお送りしています。\n"
    )
    assert WORDS.notice("service", LATE, "ja", "short").body == (
        "雪のため、お荷物が一日遅れております。\n"
        "ご不明な点があれば、このトークでお送りください。(青空商店より自動送信)\n"
    )


def test_a_japanese_promotion_names_its_sender_and_the_way_out() -> None:
    assert WORDS.notice("promotion", LATE, "ja", "long").body.partition("\n\n――\n")[2] == (
        "株式会社青空\n"
        "東京都千代田区神田1-2-3\n"
        "\n"
        "※ご案内をご希望いただいた方に、自動でお送りしています。\n"
        "※ご案内の停止は、次のページからお手続きいただけます: https://help.example.com/u/x\n"
        " 「配信停止」とだけご返信くださっても、停止いたします。\n"
    )


def test_an_english_promotion_names_its_sender_and_the_way_out() -> None:
    facts = replace(LATE, gateway_name="Blue Sky Shop", text="The blue one is back.", subject="")
    text = WORDS.notice("promotion", facts, "en", "long")
    assert text.subject == "News from Blue Sky Shop"
    assert text.body.partition("\n\n--\n")[2].partition("\n\n")[2] == (
        "You receive this because you agreed to hear from us."
        " To end such messages, open this page: https://help.example.com/u/x\n"
        'Or simply reply with the one word "unsubscribe".\n'
        "\n"
        "This message was sent automatically.\n"
    )


@pytest.mark.parametrize("form", ["long", "short"])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_without_a_page_an_answer_is_the_way_out(language: str, form: Form) -> None:
    text = WORDS.notice("promotion", replace(LATE, unsubscribe=""), language, form).body
    assert "https:" not in text
    assert "配信停止" in text if language == "ja" else ("STOP" in text or "unsubscribe" in text)
    assert "株式会社青空" in text
    assert "神田1-2-3" in text
