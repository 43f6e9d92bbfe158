"""The words around what we would have said, in our two languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Says(NamedTuple):
    """One language's words; `reasons` are those that the store keeps in English."""

    title: str
    lead: str
    as_of: str
    counts: str
    what: str
    where: str
    day: str
    week: str
    total: str
    newest: str
    everything: str
    nothing: str
    to: str
    wrote: str
    would: str
    why: str
    older: str
    kinds: Mapping[str, str]
    reasons: Mapping[str, str]


WORDS: Final = {
    "en": Says(
        title="What we would have said",
        lead="<strong>None of this was sent, and none of it will be.</strong> Where "
        "<code>mode</code> is <code>watch</code>, we read everything, and write down here what we "
        "would have said by ourselves.",
        as_of="As of {when}",
        counts="So many would have gone out",
        what="What",
        where="Channel",
        day="24 hours",
        week="7 days",
        total="Together",
        newest="The newest first",
        everything="show everything",
        nothing="There is nothing to show so far.",
        to="to {to}",
        wrote="The customer wrote",
        would="We would have said",
        why="Because: {why} ({rule})",
        older="Older ones",
        kinds={
            "acknowledgement": "Acknowledgement",
            "follow_up": "Follow-up",
            "notice": "Notice",
            "survey": "Survey",
        },
        reasons={},
    ),
    "ja": Says(
        title="お送りするはずだった言葉",
        lead="<strong>ここにある言葉は送信されておらず、これから送信されることもありません。</strong>"
        "<code>mode</code> が <code>watch</code> のところでは、届いたものをすべて読み、"
        "自動でお送りするはずだった言葉をここに残します。",
        as_of="{when} 現在",
        counts="送信されるはずだった件数",
        what="種類",
        where="チャネル",
        day="24時間",
        week="7日間",
        total="合計",
        newest="新しい順",
        everything="すべて表示",
        nothing="まだ何もありません。",
        to="宛先 {to}",
        wrote="お客様からのメッセージ",
        would="お送りするはずだった言葉",
        why="理由：{why}（{rule}）",
        older="以前のもの",
        kinds={
            "acknowledgement": "受付のお返事",
            "follow_up": "ご確認",
            "notice": "お知らせ",
            "survey": "アンケート",
        },
        reasons={
            "a new case": "新しいお問い合わせ",
            "the case does not say it yet": "まだ伺っていないため",
            "the customer says that it is solved": "お客様が「解決した」とお知らせくださったため",
            "nobody has answered": "まだお返事していないため",
            "nobody has answered, and the promised time is near": "お返事のないまま、お約束の時刻が近いため",
            "nobody has written, and the time that was said is near": "次のご連絡のないまま、お知らせした時刻が近いため",
            "somebody changed the case": "担当者が対応状況を更新したため",
            "the case is new": "新規のまま時間がたったため",
            "the case is open": "対応中のまま時間がたったため",
            "the case is pending": "お客様のお返事をお待ちしているため",
            "the case is on_hold": "保留のまま時間がたったため",
            "the case is resolved": "解決済みのため",
            "the customer wants no promotions": "ご案内を希望されなくなったため",
            "a service notice to many": "一斉のお知らせ",
            "a promotion notice to many": "一斉のご案内",
            "a code of ours was shown on another channel": "お渡ししたコードが別のチャネルで示されたため",
        },
    ),
}
