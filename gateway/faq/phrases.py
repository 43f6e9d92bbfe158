"""The words of the page on which a customer says whether a page of ours helped."""

from __future__ import annotations

from typing import Final, NamedTuple

from normalizer.message import Button


class Phrases(NamedTuple):
    """What the page says before and after somebody chose."""

    asks: str
    waits: str
    yes: str
    no: str
    glad: str
    still_there: str
    noted: str
    reply: str


PHRASES: Final = {
    "ja": Phrases(
        asks="ご案内はお役に立ちましたか",
        waits="解決していない場合は、そのままお待ちください。担当者がお返事いたします。",
        yes="はい、解決しました",
        no="いいえ、返事を待ちます",
        glad="お知らせいただき、ありがとうございます",
        still_there="続きのご相談がございましたら、私どものメッセージにご返信ください。担当者が承ります。",
        noted="承知いたしました",
        reply="お約束どおり、担当者からお返事いたします。補足がございましたら、私どものメッセージにご返信ください。",
    ),
    "en": Phrases(
        asks="Did one of these pages help?",
        waits="If it is not settled, there is nothing that you need to do: a member of our team will reply.",
        yes="Yes, it is settled",
        no="No, I am waiting for a reply",
        glad="Thank you for telling us",
        still_there="If there is more to it, simply reply to our message. A member of our team will read it.",
        noted="We have noted it",
        reply="A member of our team will reply as promised. To add anything, simply reply to our message.",
    ),
}


def settled(language: str, url: str) -> tuple[Button, ...]:
    """The way to that page on a messenger."""
    said = PHRASES["ja" if language.lower().startswith("ja") else "en"]
    return (Button(said.yes, url=url),) if url else ()
