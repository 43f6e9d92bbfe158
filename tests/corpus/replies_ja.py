"""Japanese replies by mail program: what the customer wrote, and what the program put around it."""

from __future__ import annotations

NEW = "お世話になっております。山田です。\n\nご連絡ありがとうございます。明日の午前中に受け取れます。\nよろしくお願いいたします。"

_QUOTE = "> 山田様\n>\n> お届け日時のご希望をお知らせください。\n>\n> サポート 佐藤"
_BARE = "山田様\n\nお届け日時のご希望をお知らせください。\n\nサポート 佐藤"

# name, mail program, what stands below the customer's words
REPLIES = (
    ("gmail", "gmail", "2026年1月5日(月) 9:12 お客様サポート <support@example.com>:\n\n" + _QUOTE),
    ("gmail-folded", "gmail", "2026年1月5日(月) 9:12 株式会社サンプル商事 お客様サポート窓口 佐藤\n<support@example.com>:\n\n" + _QUOTE),
    ("gmail-no-address", "gmail", "2026年1月5日(月) 9:12 お客様サポート:\n\n" + _QUOTE),
    ("gmail-old", "gmail", "2026-01-05 9:12 GMT+09:00 お客様サポート <support@example.com>:\n\n" + _QUOTE),
    ("gmail-english-ui", "gmail", "On Mon, Jan 5, 2026 at 9:12 AM お客様サポート <support@example.com> wrote:\n\n" + _QUOTE),
    ("gmail-android", "gmail", "2026年1月5日(月) 9:12 お客様サポート <support@example.com>:\n\n" + _QUOTE),
    ("iphone", "iphone", "iPhoneから送信\n\n2026/01/05 9:12、お客様サポート <support@example.com>のメール:\n\n" + _QUOTE),
    ("iphone-quoted-attribution", "iphone", "iPhoneから送信\n\n> 2026/01/05 9:12、お客様サポート <support@example.com>のメール:\n> \n" + _QUOTE),
    ("ipad", "iphone", "iPadから送信\n\n2026/01/05 9:12、お客様サポート <support@example.com>のメール：\n\n" + _QUOTE),
    ("apple-mail", "apple", "> 2026/01/05 9:12、お客様サポート <support@example.com>のメール:\n> \n" + _QUOTE),
    ("apple-mail-kanji-date", "apple", "> 2026年1月5日 9:12、お客様サポート <support@example.com> のメール:\n>\n" + _QUOTE),
    ("outlook", "outlook", "-----Original Message-----\nFrom: お客様サポート <support@example.com> \nSent: Monday, January 5, 2026 9:12 AM\nTo: hanako@example.jp\nSubject: お届けについて\n\n" + _BARE),
    ("outlook-ja", "outlook", "差出人: お客様サポート <support@example.com>\n送信日時: 2026年1月5日 9:12\n宛先: hanako@example.jp\n件名: お届けについて\n\n" + _BARE),
    ("outlook-ja-rule", "outlook", "________________________________\n差出人: お客様サポート <support@example.com>\n送信日時: 2026年1月5日月曜日 9:12\n宛先: hanako@example.jp <hanako@example.jp>\n件名: お届けについて\n\n" + _BARE),
    ("outlook-ja-original", "outlook", "-----元のメッセージ-----\n差出人: お客様サポート\n送信日時: 2026/01/05 9:12\n宛先: 山田\n件名: お届けについて\n\n" + _BARE),
    ("outlook-wide-colon", "outlook", "差出人： お客様サポート <support@example.com>\n送信日時： 2026年1月5日 9:12\n宛先： hanako@example.jp\n件名： お届けについて\n\n" + _BARE),
    ("outlook-bold", "outlook", "*差出人:* お客様サポート <support@example.com>\n*送信日時:* 2026年1月5日 9:12\n*宛先:* hanako@example.jp\n*件名:* お届けについて\n\n" + _BARE),
    ("outlook-mobile", "outlook-mobile", "Outlook for iOS を入手\n________________________________\n差出人: お客様サポート <support@example.com>\n送信日時: 月曜日, 1月 5, 2026 9:12 午前\n宛先: hanako@example.jp\n件名: お届けについて\n\n" + _BARE),
    ("yahoo-jp", "yahoo-jp", "----- Original Message -----\nFrom: お客様サポート <support@example.com>\nTo: hanako@example.jp\nDate: 2026/1/5, Mon 09:12\nSubject: お届けについて\n\n" + _QUOTE),
    ("yahoo-jp-quote", "yahoo-jp", "--- support@example.com wrote:\n\n" + _QUOTE),
    ("becky", "becky", "On Mon, 5 Jan 2026 09:12:33 +0900\nお客様サポート <support@example.com> wrote:\n\n" + _QUOTE),
    ("becky-ja", "becky", "Mon, 5 Jan 2026 09:12:33 +0900 頃に\nお客様サポート <support@example.com> さんは書きました:\n\n" + _QUOTE),
    ("thunderbird", "thunderbird", "On 2026/01/05 9:12, お客様サポート wrote:\n" + _QUOTE),
    ("thunderbird-ja", "thunderbird", "2026/01/05 9:12、お客様サポート wrote:\n" + _QUOTE),
    ("thunderbird-san", "thunderbird", "2026/01/05 9:12 に お客様サポート さんは書きました:\n" + _QUOTE),
    ("shuriken", "shuriken", "お客様サポート <support@example.com> さんは書きました：\n" + _QUOTE),
    ("shuriken-original", "shuriken", "----- Original Message -----\nFrom: お客様サポート <support@example.com>\nTo: hanako@example.jp\nSent: 2026/01/05 9:12:33\nSubject: お届けについて\n" + _QUOTE),
    ("windows-live", "live", "From: お客様サポート\nSent: Monday, January 05, 2026 9:12 AM\nTo: hanako@example.jp\nSubject: お届けについて\n\n" + _BARE),
    ("docomo", "docomo", "-----Original Message-----\nFrom: support@example.com\nTo: hanako@example.jp\nDate: 2026/01/05 09:12\nSubject: お届けについて\n\n" + _BARE),
    ("docomo-marks", "docomo", ">お客様サポート <support@example.com> wrote:\n>山田様\n>お届け日時のご希望をお知らせください。"),
    ("au", "au", "---- お客様サポート wrote ----\n\n" + _QUOTE),
    ("softbank", "softbank", "2026/01/05 9:12 <support@example.com>:\n\n" + _QUOTE),
    ("xperia", "samsung", "Xperiaから送信\n\n---- お客様サポートさんは書きました ----\n\n" + _QUOTE),
    ("galaxy", "samsung", "Galaxyから送信しました。\n\n-------- 元のメッセージ --------\n差出人: お客様サポート <support@example.com>\n日付: 2026/01/05 9:12 (GMT+09:00)\n宛先: hanako@example.jp\n件名: お届けについて\n\n" + _BARE),
    ("android-ja", "samsung", "私のAndroidスマートフォンから送信\n\n2026年1月5日 9:12、お客様サポート <support@example.com> のメール:\n" + _QUOTE),
    ("signature", "thunderbird", "-- \n山田花子\n株式会社サンプル\nTEL 03-0000-0000\n\nOn 2026/01/05 9:12, お客様サポート wrote:\n" + _QUOTE),
    ("business-card", "outlook", "━━━━━━━━━━━━━━━━━━━━\n株式会社サンプル 営業部\n山田 花子\n〒100-0000 東京都千代田区1-1\nTEL: 03-0000-0000 FAX: 03-0000-0001\nE-mail: hanako@example.jp\n━━━━━━━━━━━━━━━━━━━━"),
    ("business-card-equal", "becky", "==============================\n山田 花子 <hanako@example.jp>\n有限会社サンプル\n電話 06-0000-0000\nhttps://www.example.jp/\n=============================="),
    ("forwarded-below", "gmail", "---------- 転送メッセージ ---------\nFrom: お客様サポート <support@example.com>\nDate: 2026年1月5日(月) 9:12\nSubject: お届けについて\nTo: <hanako@example.jp>\n\n" + _BARE),
    ("nothing-below", "gmail", ""),
)  # fmt: skip
