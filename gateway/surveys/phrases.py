"""The words of a survey's page, in Japanese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.surveys.scale import Scale


class Phrases(NamedTuple):
    """What the page of a survey says; `{name}` is who asks, `{until}` the last day for an answer."""

    asks: Mapping[str, str]
    ends: Mapping[str, Mapping[int, str]]
    comment: str
    hint: str
    send: str
    free: str
    choose: str
    thanks: str
    sorry: str
    change: str
    closed: str
    reply: str


_JA: Final = Phrases(
    asks={
        "csat": "私どもの対応はいかがでしたか",
        "ces": "ご用件は、どのくらい簡単に済みましたか",
        "nps": "{name}を、ご友人や同僚の方にどのくらいお勧めしたいと思われますか",
    },
    ends={
        "csat": {1: "良くない", 2: "あまり良くない", 3: "ふつう", 4: "良い", 5: "とても良い"},
        "ces": {1: "とても大変だった", 7: "とても簡単だった"},
        "nps": {0: "まったく思わない", 10: "とてもそう思う"},
    },
    comment="よろしければ、ひと言お聞かせください（任意）",
    hint="担当者が読み、今後に生かします。まだ解決していないことも、こちらにお書きください。",
    send="回答を送る",
    free="ご回答は任意です。",
    choose="数字をひとつお選びください。",
    thanks="ご回答ありがとうございました",
    sorry="ご期待に沿えず、申し訳ございません。担当者が内容を確認いたします。",
    change="{until}までは、このページで回答を変更できます。最後のご回答を承ります。",
    closed="ご回答の受付は終了しました",
    reply="お伝えになりたいことがございましたら、私どものメッセージにご返信ください。担当者が承ります。",
)
_EN: Final = Phrases(
    asks={
        "csat": "How did we do?",
        "ces": "How easy was it to get your matter settled?",
        "nps": "How likely are you to recommend {name} to a friend or colleague?",
    },
    ends={
        "csat": {1: "not well", 2: "not so well", 3: "so-so", 4: "well", 5: "very well"},
        "ces": {1: "very hard", 7: "very easy"},
        "nps": {0: "not at all likely", 10: "very likely"},
    },
    comment="Would you like to add a few words? (optional)",
    hint="A member of our team will read them. If something is not settled yet, please write that here, too.",
    send="Send my answer",
    free="You are free not to answer.",
    choose="Please choose one of the numbers.",
    thanks="Thank you for your answer",
    sorry="We are sorry that we did not do better. A member of our team will look at it.",
    change="Until {until} you can change your answer on this page; the last one counts.",
    closed="This question is closed",
    reply="If there is anything that you would like to tell us, simply reply to our message. A member of our team will read it.",
)


def phrases(language: str) -> Phrases:
    """Those of a language, or of the first that an Accept-Language header names; else English."""
    return _JA if language.strip().lower().startswith("ja") else _EN


def label(words: Phrases, scale: Scale, score: int) -> str:
    """A score as it stands beside its button: the number, and what it means where that is said."""
    meaning = words.ends[scale.name].get(score, "")
    return f"{score} – {meaning}" if meaning else str(score)
