"""What customers read, to the letter: acknowledgements in Japanese and English."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.words import AckFacts, Form, Words, clean_line
from scheduler.calendar import Calendar, closed_days, due, is_open, next_open
from scheduler.duration import Duration

TOKYO = ZoneInfo("Asia/Tokyo")
NEW_YEAR = ["12-29", "12-30", "12-31", "01-02", "01-03"]
SHOP = Calendar.build("Asia/Tokyo", {"mon-fri": ["09:00-12:00", "13:00-18:00"]}, ["JP", *NEW_YEAR])
WORDS = Words()
FORMS: list[Form] = ["long", "short"]


def tokyo(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=TOKYO)


def facts(now: str, within: str = "4 business hours") -> AckFacts:
    """What we would know at that moment of 2026 of a mail that just came in."""
    at = tokyo(now)
    return AckFacts(
        gateway_name="青空商店",
        reference="K7-2044",
        now=at,
        promised_by=due(SHOP, at, Duration.parse(within)),
        open_now=is_open(SHOP, at),
        closed_days=closed_days(SHOP, at),
        reopens_at=next_open(SHOP, at),
    )


def known(facts: AckFacts) -> AckFacts:
    return replace(facts, authenticated=True, customer_name="田中", subject="届きません")


def body(facts: AckFacts, language: str, form: Form = "long") -> str:
    return WORDS.acknowledgement(facts, language, form).body


def test_a_japanese_mail_within_hours() -> None:
    shown = replace(known(facts("11-24 10:00")), phone="03-0000-0000", phone_hours="平日9時〜18時")
    text = WORDS.acknowledgement(shown, "ja", "long")
    assert text.subject == "Re: 届きません"
    assert text.body == (
        "田中様\n"
        "\n"
        "お問い合わせいただき、ありがとうございます。青空商店 カスタマーサポートです。\n"
        "\n"
        "ご連絡を受け付けました(受付番号:K7-2044)。担当者が内容を確認し、本日15時までにお返事いたします。"
        "お調べに時間がかかる場合も、その時点の状況をお知らせします。\n"
        "\n"
        "補足やお写真は、このメールにそのままご返信ください。"
        "お急ぎの場合は、お電話(03-0000-0000、平日9時〜18時)でも承ります。\n"
        "\n"
        "※受付のお知らせとして自動でお送りしています。\n"
    )


def test_a_japanese_mail_out_of_hours() -> None:
    text = WORDS.acknowledgement(facts("11-20 19:10"), "ja", "long")
    assert text.subject == "お問い合わせを受け付けました(受付番号:K7-2044)"
    assert text.body == (
        "お問い合わせいただき、ありがとうございます。青空商店 カスタマーサポートです。\n"
        "\n"
        "ご連絡は確かにお預かりしました(受付番号:K7-2044)。\n"
        "\n"
        "本日の営業は終了し、23日(月・祝)まで休業しております。24日(火)9時より順に確認し、"
        "同日14時までに担当者からお返事いたします。お待たせして申し訳ございません。\n"
        "\n"
        "補足がございましたら、このメールにご返信ください。\n"
        "\n"
        "※受付のお知らせとして自動でお送りしています。\n"
    )


def test_an_english_mail_within_hours() -> None:
    shown = replace(
        known(facts("11-24 10:00")),
        gateway_name="Example Support",
        customer_name="Ms Brown",
        subject="RE: Re: Where is my parcel?",
        phone="+81 3 0000 0000",
    )
    text = WORDS.acknowledgement(shown, "en", "long")
    assert text.subject == "Re: Where is my parcel?"
    assert text.body == (
        "Hello Ms Brown,\n"
        "\n"
        "Thank you for contacting us. This is Example Support.\n"
        "\n"
        "We have received your message (reference K7-2044). A member of our team will read it and "
        "reply by 3 pm today. If it takes longer to look into, we will tell you by then where "
        "things stand.\n"
        "\n"
        "To add details or photos, simply reply to this mail. If it is urgent, you can also call "
        "us on +81 3 0000 0000.\n"
        "\n"
        "This confirmation was sent automatically.\n"
    )


def test_an_english_mail_out_of_hours() -> None:
    text = WORDS.acknowledgement(facts("11-20 19:10"), "en", "long")
    assert text.subject == "We have received your message (reference K7-2044)"
    assert text.body == (
        "Thank you for contacting us. This is 青空商店 customer support.\n"
        "\n"
        "Your message is safely with us (reference K7-2044).\n"
        "\n"
        "We have finished for today and are closed up to and including Monday 23 November (public "
        "holiday). From 9 am on Tuesday 24 November we will read messages in the order in which "
        "they came, and a member of our team will reply by 2 pm that day. We are sorry to keep you "
        "waiting.\n"
        "\n"
        "To add anything, simply reply to this mail.\n"
        "\n"
        "This confirmation was sent automatically.\n"
    )


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (
            "11-24 10:00",
            (
                "メッセージありがとうございます。担当者が確認し、本日15時までにこのトークでお返事します。"
                "注文番号やお写真があれば、続けてお送りください。(自動送信・受付番号K7-2044)\n"
            ),
        ),
        (
            "11-20 19:10",
            (
                "メッセージありがとうございます。本日の受付は終了しましたが、内容はお預かりしました。"
                "23日(祝)まで休業のため、24日(火)14時までに担当者がお返事します。"
                "(自動送信・受付番号K7-2044)\n"
            ),
        ),
        (
            "11-24 18:20",
            (
                "メッセージありがとうございます。本日の受付は終了しましたが、内容はお預かりしました。"
                "明日25日(水)14時までに担当者がお返事します。(自動送信・受付番号K7-2044)\n"
            ),
        ),
    ],
)
def test_a_japanese_messenger(now: str, expected: str) -> None:
    text = WORDS.acknowledgement(facts(now), "ja", "short")
    assert (text.subject, text.body) == ("", expected)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (
            "11-24 10:00",
            (
                "Thank you for your message. A member of our team will read it and reply here by 3 pm "
                "today. If you have an order number or photos, please send them next. (Sent "
                "automatically, reference K7-2044)\n"
            ),
        ),
        (
            "11-20 19:10",
            (
                "Thank you for your message. We have finished for today, but your message is safely "
                "with us. We are closed up to and including Monday 23 November (public holiday), so a "
                "member of our team will reply by 2 pm on Tuesday 24 November. (Sent automatically, "
                "reference K7-2044)\n"
            ),
        ),
    ],
)
def test_an_english_messenger(now: str, expected: str) -> None:
    text = WORDS.acknowledgement(facts(now), "en", "short")
    assert (text.subject, text.body) == ("", expected)


@pytest.mark.parametrize(
    ("now", "japanese", "english"),
    [
        (  # before we open
            "11-24 07:00",
            "ただいま営業時間外です。本日9時より順に確認し、本日14時までに",
            (
                "We are not open at the moment. From 9 am today we will read messages in the order in "
                "which they came, and a member of our team will reply by 2 pm today."
            ),
        ),
        (  # at lunch
            "11-24 12:30",
            "ただいま営業時間外です。本日13時より順に確認し、本日17時までに",
            "From 1 pm today",
        ),
        (  # an evening in the week
            "11-24 18:20",
            "本日の営業は終了しました。明日25日(水)9時より順に確認し、同日14時までに",
            "We have finished for today. From 9 am tomorrow (Wednesday 25 November) we will",
        ),
        (  # a weekend
            "11-14 11:00",
            "15日(日)まで休業しております。16日(月)9時より順に確認し、同日14時までに",
            "We are closed up to and including Sunday 15 November. From 9 am on Monday 16 November",
        ),
        (  # its last day
            "11-15 11:00",
            "本日は休業日です。明日16日(月)9時より順に確認し、同日14時までに",
            "We are closed today. From 9 am tomorrow (Monday 16 November) we will",
        ),
        (  # a holiday
            "11-23 11:00",
            "本日は祝日のため休業しております。明日24日(火)9時より順に確認し、",
            "We are closed today for the public holiday. From 9 am tomorrow (Tuesday 24 November)",
        ),
        (  # over New Year, our own days off
            "12-28 19:00",
            "本日の営業は終了し、1月3日(日)まで休業しております。1月4日(月)9時より順に確認し、同日14時",
            "closed up to and including Sunday 3 January. From 9 am on Monday 4 January we will",
        ),
    ],
)
def test_out_of_hours_is_said_as_it_is(now: str, japanese: str, english: str) -> None:
    assert japanese in body(facts(now), "ja")
    assert english in body(facts(now), "en")


@pytest.mark.parametrize(
    ("now", "within", "japanese", "english"),
    [
        ("11-24 10:05", "4 business hours", "本日15時30分まで", "by 3:30 pm today"),
        ("11-24 10:31", "1 hour", "本日12時まで", "by noon today"),
        ("11-24 16:00", "4 business hours", "明日25日(水)11時まで", "by 11 am tomorrow (Wednesday"),
        ("11-24 10:00", "4 business days", "30日(月)10時まで", "by 10 am on Monday 30 November"),
        ("11-24 10:00", "5 business days", "12月1日(火)10時まで", "10 am on Tuesday 1 December"),
        ("12-28 10:00", "2 business days", "1月5日(火)10時まで", "by 10 am on Tuesday 5 January"),
        (
            "11-24 10:00",
            "400 days",
            "2027年12月29日(水)10時",
            "10 am on Wednesday 29 December 2027",
        ),
        ("11-24 17:00", "410 minutes", "本日24時まで", "by the end of today"),
        ("11-24 17:00", "31 hours", "25日(水)24時まで", "the end of Wednesday 25 November"),
    ],
)
def test_the_promise_is_a_day_and_an_hour(
    now: str, within: str, japanese: str, english: str
) -> None:
    assert japanese in body(facts(now, within), "ja")
    assert english in body(facts(now, within), "en")


def test_elapsed_time_is_promised_at_night_too() -> None:
    night = facts("11-20 19:10", "2 hours")
    assert "担当者が内容を確認し、本日21時30分までにお返事いたします" in body(night, "ja")
    assert "休業" not in body(night, "ja")


def test_a_promise_that_has_gone_by_is_not_made_again() -> None:
    late = replace(facts("11-24 10:00"), now=tokyo("11-24 16:10"))
    assert "本日16時30分まで" in body(late, "ja")


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("now", ["11-24 10:00", "11-20 19:10"])
def test_without_a_phone_none_is_mentioned(now: str, language: str) -> None:
    assert not re.search("電話|call us|urgent|お急ぎ", body(facts(now), language))


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("now", ["11-24 10:00", "11-20 19:10"])
def test_an_unauthenticated_sender_reads_nothing_that_he_chose(
    now: str, form: Form, language: str
) -> None:
    chosen = replace(facts(now), customer_name="Buy at evil.test", subject="Visit evil.test now")
    text = WORDS.acknowledgement(chosen, language, form)
    assert text == WORDS.acknowledgement(facts(now), language, form)


CODE = "{{7*7}} {% for i in x %} {{cycler.__init__.__globals__}} ${x} %(x)s {0.__class__} <b>&amp;"


@pytest.mark.parametrize("language", ["ja", "en"])
def test_code_in_customers_words_shows_literally(language: str) -> None:
    """Adversarial B16."""
    shown = replace(known(facts("11-24 10:00")), customer_name=CODE, subject=CODE)
    text = WORDS.acknowledgement(shown, language, "long")
    assert text.subject == f"Re: {CODE}"
    assert CODE in text.body


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("届きません\r\nBcc: all@example.test", "Re: 届きません Bcc: all@example.test"),
        ("a\u2028b\u2029c\x85d\x0be\x0cf", "Re: a b c d e f"),
        ("nul\0 esc\x1b del\x7f csi\x9b", "Re: nul esc del csi"),
        ("\u202egpj.exe\u202c \u2067x\u2069 \u200fy", "Re: gpj.exe x y"),
        ("half \ud83d pair", "Re: half  pair"),
        ("全角　空白と👨‍👩‍👧", "Re: 全角　空白と👨‍👩‍👧"),
        (" \r\n\t ", "お問い合わせを受け付けました(受付番号:K7-2044)"),
    ],
)
def test_a_subject_is_one_clean_line(subject: str, expected: str) -> None:
    """Adversarial S03."""
    shown = replace(known(facts("11-24 10:00")), subject=subject)
    assert WORDS.acknowledgement(shown, "ja", "long").subject == expected


@pytest.mark.parametrize("subject", ["x" * 100_000, "\0" * 100_000, "あ\n" * 50_000])
def test_a_huge_subject_is_cut(subject: str) -> None:
    shown = replace(known(facts("11-24 10:00")), subject=subject)
    assert len(WORDS.acknowledgement(shown, "ja", "long").subject) <= 250


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.integers(1, 300))
def test_a_clean_line_fits_into_any_header(text: str, limit: int) -> None:
    line = clean_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    mail = EmailMessage()
    mail["Subject"] = line
    assert mail.as_bytes().startswith(b"Subject:")


def test_a_line_that_fits_is_not_cut() -> None:
    assert clean_line("x" * 250) == "x" * 250
    assert clean_line("x" * 251) == "x" * 249 + "…"
    assert clean_line("abcdef", limit=3) == "ab…"


def test_languages_fall_back_to_the_default_and_then_to_english() -> None:
    assert WORDS.languages == {"en", "ja"}
    assert body(facts("11-24 10:00"), "ja-JP") == body(facts("11-24 10:00"), "ja")
    assert body(facts("11-24 10:00"), "fr") == body(facts("11-24 10:00"), "en")
    japanese = Words(default="ja").acknowledgement(facts("11-24 10:00"), "fr", "short").body
    assert japanese == body(facts("11-24 10:00"), "ja", "short")
    assert Words(default="fr").acknowledgement(facts("11-24 10:00"), "", "short").body == body(
        facts("11-24 10:00"), "en", "short"
    )
