"""Text comes out as its writer saw it, whatever the label says."""

from __future__ import annotations

import pytest

from normalizer.email import charset, japanese

JA = "お世話になっております。ご注文の品が届きません。"


@pytest.mark.parametrize(
    ("label", "data", "text"),
    [
        ("iso-8859-1", b"\x93smart\x94 \x805", "“smart” €5"),
        ("us-ascii", "café".encode("cp1252"), "café"),
        ("us-ascii", "café – naïve".encode(), "café – naïve"),
        ("gb2312", "镕基同志".encode("gb18030"), "镕基同志"),
        ("euc-kr", "똠방각하".encode("cp949"), "똠방각하"),
        ("big5", "你好，世界".encode("big5"), "你好，世界"),
        ("shift_jis", "①㈱髙﨑".encode("cp932"), "①㈱髙﨑"),
        ("x-sjis", JA.encode("cp932"), JA),
        ("Windows-31J", JA.encode("cp932"), JA),
        ("euc-jp", JA.encode("euc_jp"), JA),
        ("iso-2022-jp", JA.encode("iso2022_jp"), JA),
        ("cp50221", JA.encode("iso2022_jp"), JA),
        ("iso-2022-jp", b"\x1b$B-!-j|b\x1b(B", "①㈱髙"),
        ("iso-2022-jp", b"\x1b(I1234\x1b(B", "ｱｲｳｴ"),
        ("iso-2022-jp", "ご注文ありがとうございます".encode("cp932"), "ご注文ありがとうございます"),
        ("iso-2022-jp", JA.encode(), JA),
        ("utf-8", JA.encode("cp932"), JA),
        ("utf-8", JA.encode("euc_jp"), JA),
        ("shift_jis", JA.encode(), JA),
        ("", JA.encode("cp932"), JA),
        ("", JA.encode("euc_jp"), JA),
        ("", JA.encode("iso2022_jp"), JA),
        ("us-ascii", JA.encode("iso2022_jp"), JA),
        ("nope", "Grüße".encode(), "Grüße"),
        ("nope", "Grüße".encode("cp1252"), "Grüße"),
        ("", "préférée".encode("cp1252"), "préférée"),
        ("", "“Fenêtre” – 5 €".encode("cp1252"), "“Fenêtre” – 5 €"),
        ("", "佐藤様".encode("cp932"), "佐藤様"),
        ("x-unknown", "Здравствуйте, где мой заказ".encode("koi8_r"), "Здравствуйте, где мой заказ"),
        ("", "Здравствуйте, где мой заказ".encode("cp1251"), "Здравствуйте, где мой заказ"),
        ("win-1257", "ÕÄÖÜ".encode("cp1257"), "ÕÄÖÜ"),
        ("iso-8859-8-i", "שלום".encode("iso8859_8"), "שלום"),
        ("utf-7", b"Hi +Jjo-!", "Hi ☺!"),
        ("utf-8", b"cut \xe3\x81", "cut \ufffd"),
        ('"utf-8"', "é".encode(), "é"),
        ("macintosh", b"\x8e", "é"),
        ("windows-1252", b"\x81\x8d", "\x81\x8d"),
        ("zlib", b"plain", "plain"),
        ("rot13", b"plain", "plain"),
    ],
)  # fmt: skip
def test_bytes_become_the_text_that_was_meant(label: str, data: bytes, text: str) -> None:
    assert charset.decode(data, label) == text


def test_the_neighbours_decide_what_bytes_alone_cannot() -> None:
    assert charset.decode("返品".encode("gb18030"), "", ("gb18030",)) == "返品"


@pytest.mark.parametrize("label", ["idna", "punycode", "unicode_escape", "\0", "x" * 100, "zlib"])
def test_what_is_no_character_set_of_mail_is_none(label: str) -> None:
    assert charset.codec(label) == ""


def test_the_wave_dash_is_the_one_that_everybody_shows() -> None:
    assert charset.decode("〜".encode("iso2022_jp"), "iso-2022-jp") == "～"


def test_a_broken_euc_character_does_not_take_the_others_with_it() -> None:
    assert japanese.from_euc(
        "注文".encode("euc_jp") + b"\xff" + "番号".encode("euc_jp")
    ).startswith("注文")
