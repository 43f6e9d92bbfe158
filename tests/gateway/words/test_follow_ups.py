"""What customers read, to the letter: nudges, closings, surveys and notices."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.words import NOTICES, FollowUpFacts, Form, Words

TOKYO = ZoneInfo("Asia/Tokyo")
WORDS = Words()
FORMS: list[Form] = ["long", "short"]
TEMPLATES = sorted(n for n in WORDS.names - NOTICES if not n.startswith("acknowledgement"))


def tokyo(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=TOKYO)


LATER = FollowUpFacts(
    gateway_name="青空商店",
    reference="K7-2044",
    now=tokyo("11-27 10:00"),
    answered_at=tokyo("11-24 15:00"),
    closes_at=tokyo("12-01 10:00"),
)


def test_a_japanese_nudge() -> None:
    shown = replace(LATER, authenticated=True, customer_name="田中", subject="届きません")
    text = WORDS.follow_up("nudge", shown, "ja", "long")
    assert text.subject == "Re: 届きません"
    assert text.body == (
        "田中様\n"
        "\n"
        "24日にご案内した件、その後いかがでしょうか。ご不明な点が残っておりましたら、"
        "このメールにご返信ください。すでに解決している場合、ご返信には及びません。\n"
        "\n"
        "12月1日(火)にいったん対応済みといたしますが、その後もご返信いただければ、続きから承ります。\n"
        "\n"
        "青空商店 カスタマーサポート(受付番号:K7-2044)\n"
        "※このお知らせは自動でお送りしています。\n"
    )
    assert WORDS.follow_up("nudge", shown, "ja", "short").body == (
        "先日ご案内した件、その後いかがでしょうか。お困りのことが残っていましたら、"
        "このトークでお知らせください。(自動送信・受付番号K7-2044)\n"
    )


def test_an_english_nudge() -> None:
    text = WORDS.follow_up("nudge", LATER, "en", "long")
    assert text.subject == "How are things going? (reference K7-2044)"
    assert text.body == (
        "How are things going with what we wrote to you on 24 November? If anything is still "
        "unclear, simply reply to this mail. If all is well, there is no need to answer.\n"
        "\n"
        "On Tuesday 1 December we will mark it as settled for now. If you reply after that, we "
        "will pick it up where we left off.\n"
        "\n"
        "青空商店 customer support (reference K7-2044)\n"
        "This reminder was sent automatically.\n"
    )


def test_a_nudge_says_only_what_is_known() -> None:
    bare = replace(LATER, answered_at=None, closes_at=None)
    japanese = WORDS.follow_up("nudge", bare, "ja", "long").body
    assert japanese.startswith("先日ご案内した件、その後いかがでしょうか。")
    assert "対応済み" not in japanese
    english = WORDS.follow_up("nudge", bare, "en", "long").body
    assert "what we wrote to you the other day?" in english
    assert "settled" not in english


def test_a_notice_tells_the_new_time() -> None:
    late = replace(LATER, promised_by=tokyo("11-30 10:40"), phone="03-0000-0000")
    japanese = WORDS.follow_up("notice", late, "ja", "long").body
    assert "30日(月)11時までに担当者からお返事いたします。" in japanese
    assert "お電話(03-0000-0000)でも承ります。" in japanese
    english = WORDS.follow_up("notice", late, "en", "short").body
    assert "reply by 11 am on Monday 30 November." in english


@pytest.mark.parametrize("name", ["notice", "reminder"])
def test_a_broken_promise_is_not_dressed_up_as_a_new_one(name: str) -> None:
    broken = replace(LATER, promised_by=tokyo("11-27 09:00"))
    for form in FORMS:
        assert "日(" not in WORDS.follow_up(name, broken, "ja", form).body
        assert " by " not in WORDS.follow_up(name, broken, "en", form).body


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_follow_up_is_complete(language: str, name: str) -> None:
    """Long and short, with the reference where there is a case, and admitted to be automatic."""
    long, short = (WORDS.follow_up(name, LATER, language, form) for form in FORMS)
    reference = "" if name == "unsubscribed" else "K7-2044"
    assert reference in long.subject
    assert not short.subject
    for text in (long.body, short.body):
        assert reference in text
        assert ("自動" if language == "ja" else "automatically") in text
        assert "\n\n\n" not in text
        assert not any(line != line.strip() or "  " in line for line in text.split("\n"))


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_an_unauthenticated_customer_reads_nothing_that_he_chose(
    language: str, form: Form, name: str
) -> None:
    chosen = replace(LATER, customer_name="Buy at evil.test", subject="Visit evil.test now")
    text = WORDS.follow_up(name, chosen, language, form)
    assert text == WORDS.follow_up(name, LATER, language, form)


def test_a_template_that_does_not_exist_is_named() -> None:
    with pytest.raises(LookupError, match=r"no template farewell\.long\.txt"):
        WORDS.follow_up("farewell", LATER, "ja", "long")
    assert {"acknowledgement", *TEMPLATES, *NOTICES} == WORDS.names
