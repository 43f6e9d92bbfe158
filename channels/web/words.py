"""The words of our own pages, and of what is wrong, in Japanese and English."""

from __future__ import annotations

import re
from typing import Literal

Tongue = Literal["ja", "en"]

_FIRST = re.compile(r"\s*([a-zA-Z]{2})")

WORDS: dict[Tongue, dict[str, str]] = {
    "en": {
        "title": "Contact us",
        "lead": "Write to us here, or use the chat in the corner.",
        "name": "Your name",
        "email": "Your mail address",
        "subject": "Subject",
        "message": "Your message",
        "photos": "Photos or PDFs",
        "optional": "optional",
        "empty": "Please leave this field empty",
        "send": "Send",
        "thanks": "Thank you. We have your message.",
        "received": "We have your message.",
        "reference": "Reference",
        "keep": "Our answer will appear on this page, so please keep its address. If you gave us"
        " your mail address, we may write to you there instead.",
        "allow": "So that our mail reaches you, please let mail from {domain} through in the"
        " settings of your mail or of your telephone.",
        "conversation": "Conversation",
        "you": "You",
        "us": "Sent automatically",
        "person": "Our answer",
        "again": "Look for an answer",
        "wrong": "This could not be sent",
        "back": "Go back, and nothing that you wrote is lost.",
    },
    "ja": {
        "title": "お問い合わせ",
        "lead": "こちらのフォーム、または右下のチャットからご連絡ください。",
        "name": "お名前",
        "email": "メールアドレス",
        "subject": "件名",
        "message": "お問い合わせ内容",
        "photos": "写真・PDF",
        "optional": "任意",
        "empty": "この欄には何も入力しないでください",
        "send": "送信する",
        "thanks": "お問い合わせを承りました。ありがとうございます。",
        "received": "お問い合わせを承りました。",
        "reference": "受付番号",
        "keep": "お返事はこのページに表示されますので、ページのアドレスを保存してください。"
        "メールアドレスをご記入の場合は、メールでお返事することもございます。",
        "allow": "メールが届くよう、受信設定(ドメイン指定受信)で {domain} を許可してください。",
        "conversation": "やりとり",
        "you": "お客様",
        "us": "自動送信",
        "person": "お返事",
        "again": "お返事を確認する",
        "wrong": "送信できませんでした",
        "back": "前のページに戻ると、ご入力の内容は残っています。",
    },
}

FAULTS: dict[Tongue, dict[str, str]] = {
    "en": {
        "origin": "This page may not send messages to us.",
        "format": "A form sends its fields as a form, or as JSON.",
        "form": "This is not a form that we can read.",
        "fields": "These are more fields than a form has.",
        "files": "These are too many files at once.",
        "size": "This is too large. Please send smaller photos, or fewer.",
        "kind": "We can take photos (JPEG, PNG, GIF, WebP, HEIC, AVIF) and PDFs.",
        "empty": "There is no message in it. Please write a few words.",
        "robot": "A field was filled in that has to stay empty. Please clear it, and send again.",
        "early": "That was very fast. Please send it again in a moment.",
        "stale": "This page has been open for long. Please load it again.",
        "unproven": "This form needs JavaScript. Please switch it on, and load the page again.",
        "often": "There are many messages at the moment. Please send it again in a minute.",
        "visitor": "The visitor's own number is missing.",
        "nothing": "There is nothing here.",
        "method": "Not in this way.",
        "refused": "This message could not be taken.",
    },
    "ja": {
        "origin": "このページからは送信できません。",
        "format": "フォームまたはJSONの形式で送信してください。",
        "form": "フォームの内容を読み取れませんでした。",
        "fields": "項目の数が多すぎます。",
        "files": "一度に送れるファイルの数を超えています。",
        "size": "容量が大きすぎます。写真を小さくするか、枚数を減らしてお送りください。",
        "kind": "写真(JPEG、PNG、GIF、WebP、HEIC、AVIF)とPDFをお送りいただけます。",
        "empty": "お問い合わせ内容が入力されていません。",
        "robot": "空欄のままにする項目に入力がありました。消してから、もう一度お送りください。",
        "early": "送信が早すぎました。少し待ってから、もう一度お送りください。",
        "stale": "ページを開いてから時間が経ちました。再読み込みしてください。",
        "unproven": "送信にはJavaScriptが必要です。有効にして、再読み込みしてください。",
        "often": "ただいま混み合っています。1分ほど待ってから、もう一度お送りください。",
        "visitor": "お客様の識別番号がありません。",
        "nothing": "ページが見つかりません。",
        "method": "この方法ではご利用いただけません。",
        "refused": "お受けできませんでした。",
    },
}


def tongue(wanted: str, otherwise: str) -> Tongue:
    """The language of ours that comes first in Accept-Language, or else the channel's."""
    for one in (*wanted.split(","), otherwise):
        match = _FIRST.match(one)
        if match and (code := match[1].lower()) in WORDS:
            return "ja" if code == "ja" else "en"
    return "en"
