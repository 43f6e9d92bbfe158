"""What the admin reads of each kind of alarm: its name, what it means, what to do first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.alarm import Kind


class Advice(NamedTuple):
    """One kind of alarm; docs/operations.md has the same lines."""

    title: str
    means: str
    first: str


ADVICE: Mapping[str, Mapping[Kind, Advice]] = {
    "en": {
        "acknowledgements.robot": Advice(
            "newcomers are a crowd",
            "Many newcomers write alike, most likely one robot under many addresses; they get no acknowledgements for now. Mail comes in as before.",
            "`madoguchi why ID` on the latest mails; keep the sender out where your mail comes in.",
        ),
        "acknowledgements.strangers": Advice(
            "too many unauthenticated senders",
            "The hour's budget for unauthenticated senders is spent: somebody forges senders, or a campaign of yours is answered. Mail comes in as before.",
            "Look at the latest cases. If they are real customers, raise `unauthenticated_hour` in `[acknowledge.limits]`.",
        ),
        "alarms.undelivered": Advice(
            "mail to the admin fails",
            "A mail that told of an alarm did not arrive for sure. It is never told by mail, lest one leads to the next.",
            "Correct the address in `[alarms] notify`, or its mailbox; `madoguchi why ID` has the server's words.",
        ),
        "channel.canary": Advice(
            "a canary is lost",
            "A mail that we sent to ourselves did not come back in time: mail may be stuck on its way to us.",
            "Write a mail to your own address from elsewhere, and look for it in the provider's queue and spam folder.",
        ),
        "channel.login": Advice(
            "a log-in ends",
            "A person's log-in at a provider ends soon, or has ended; without it that channel stands still, and messages wait.",
            "`madoguchi login CHANNEL`, as the user that the daemon runs as.",
        ),
        "channel.month": Advice(
            "a month is nearly used up",
            "80 or 100 percent of the messages that this month allows on that channel are sent; above it, none are.",
            "Raise the limit at the provider and in `monthly_limit`, or write by another channel until the month ends.",
        ),
        "channel.sending": Advice(
            "nothing leaves on a channel",
            "For 15 minutes its peer has not been there, for an hour it has put us off, or it has refused ten messages in a row. What was put off waits and is tried again for five days.",
            "`madoguchi check --connect` says what the peer refuses; `madoguchi audit` lists what has failed.",
        ),
        "channel.silent": Advice(
            "a channel is silent",
            "Its source has not answered for two rounds of looking: messages there wait, and reach us when it does.",
            "See whether the provider is up and this machine reaches it: `madoguchi check --connect`.",
        ),
        "channel.trouble": Advice(
            "a channel needs a person",
            "Its source refuses us, such as a log-in or a token; that does not heal by itself, and messages wait.",
            "`madoguchi check --connect` says what is refused; put that right, and restart after a new secret.",
        ),
        "delivery.in_doubt": Advice(
            "a message is in doubt",
            "The connection or the process ended while something was being sent: nobody knows whether it arrived, and automatic mail is not sent twice.",
            "`madoguchi audit` lists what is in doubt. Look for it in the smarthost's log; if it did not leave, write to the customer.",
        ),
        "follow_ups.missed": Advice(
            "many follow-ups are late",
            "More than 100 follow-ups are over an hour late, as after a long stop or a clock that jumped; customers are written to at 60 a minute.",
            "See that the machine's clock is right. To keep old reminders back, postpone or cancel them over `/v1/follow_ups`.",
        ),
        "message.quarantined": Advice(
            "a message cannot be read",
            "A message broke our reading. Nothing is lost: it has a case of its own, with the raw mail attached.",
            "`madoguchi quarantine list` says why; read the raw mail at `/v1/messages/ID/raw`, and tell us of it.",
        ),
        "part.fell": Advice(
            "a part of the daemon fell",
            "A part ended with an error and is started again; the others go on. While it lasts, what that part does waits.",
            "Look for `part.fell` in the log. A listener that falls has a port that somebody else holds.",
        ),
        "staff.flood": Advice(
            "colleagues are flooded",
            "A colleague has had all the mails of this hour about what customers write; the rest of this hour is not told.",
            "Look at the list of cases; raise `per_hour` in `[[staff]]` if the hour was an ordinary one.",
        ),
        "store.trouble": Advice(
            "new mail is put off",
            "The store takes nothing, or its disk is nearly full: senders are asked to come again (4xx). Nothing is lost, and nothing needs a restart.",
            "Make room on the disk of `data_dir`, or see that the database answers; `df` and `/readyz` show which.",
        ),
    },
    "ja": {
        "acknowledgements.robot": Advice(
            "新規のお客様が不自然に多数",
            "よく似た内容の新しい差出人が続いています。一つのロボットが多数のアドレスを使っている可能性が高く、受付の自動返信を一時的に控えています。受信は通常どおりです。",
            "最近のメールを `madoguchi why ID` で確認し、メールの受け口でその送信元を止めてください。",
        ),
        "acknowledgements.strangers": Advice(
            "未認証の差出人が多数",
            "未認証の差出人あての自動返信が、1時間の上限に達しました。差出人の詐称か、キャンペーンへの返信が考えられます。受信は通常どおりです。",
            "最近のお問い合わせを確認し、実際のお客様であれば `[acknowledge.limits]` の `unauthenticated_hour` を上げてください。",
        ),
        "alarms.undelivered": Advice(
            "管理者あてのメールの不達",
            "警報のメールが確実には届きませんでした。連鎖を避けるため、この警報はメールではお知らせしません。",
            "`[alarms] notify` のアドレスかそのメールボックスを直してください。相手サーバーの応答は `madoguchi why ID` にあります。",
        ),
        "channel.canary": Advice(
            "確認メールが戻らない",
            "自分あてに送った確認メールが時間内に届きませんでした。窓口に届くまでの経路でメールが止まっているおそれがあります。",
            "外部から窓口のアドレスにメールを送り、プロバイダーの送信待ちと迷惑メールフォルダーを確認してください。",
        ),
        "channel.login": Advice(
            "ログインの期限",
            "プロバイダーへのログインがまもなく切れるか、すでに切れています。切れるとそのチャネルは止まり、メッセージは先方で待ちます。",
            "デーモンを動かしているユーザーで `madoguchi login CHANNEL` を実行してください。",
        ),
        "channel.month": Advice(
            "今月の送信数が残りわずか",
            "そのチャネルで今月送れる数の80%または100%を使いました。上限を超えた分は送られません。",
            "プロバイダーと `monthly_limit` の上限を上げるか、月末まで別のチャネルで連絡してください。",
        ),
        "channel.sending": Advice(
            "チャネルから送信できない",
            "接続先が15分のあいだ応答しないか、1時間のあいだ送信を延期しているか、続けて10通を拒否しています。延期された分は待機し、5日間再送を試みます。",
            "`madoguchi check --connect` で拒まれた理由を、`madoguchi audit` で送れなかったものを確認してください。",
        ),
        "channel.silent": Advice(
            "チャネルの応答なし",
            "接続先が確認2回分のあいだ応答していません。メッセージは先方で待っており、応答が戻れば届きます。",
            "プロバイダーの稼働状況と、このマシンからの接続を `madoguchi check --connect` で確認してください。",
        ),
        "channel.trouble": Advice(
            "チャネルに対応が必要",
            "ログインやトークンなどが接続先に拒まれています。自然には直らず、メッセージは先方で待ちます。",
            "`madoguchi check --connect` で拒まれた理由を確かめて直してください。新しい鍵やパスワードには再起動が必要です。",
        ),
        "delivery.in_doubt": Advice(
            "届いたか不明な送信",
            "送信中に接続またはプロセスが終わり、届いたかどうかが分かりません。自動のメールは二度送りません。",
            "`madoguchi audit` の一覧を見て、スマートホストのログで探してください。出ていなければお客様に直接ご連絡ください。",
        ),
        "follow_ups.missed": Advice(
            "フォローアップの大幅な遅れ",
            "100件を超えるフォローアップが1時間以上遅れています（長い停止や時計のずれなど）。お客様へは1分に60件ずつ送ります。",
            "マシンの時計を確認してください。古い案内を止めるには `/v1/follow_ups` で延期または取り消しができます。",
        ),
        "message.quarantined": Advice(
            "読み取れないメッセージ",
            "読み取れないメッセージがありました。失われてはおらず、元のメールを添えた案件になっています。",
            "`madoguchi quarantine list` で理由を確かめ、`/v1/messages/ID/raw` で内容を読み、開発元にお知らせください。",
        ),
        "part.fell": Advice(
            "デーモンの一部が停止",
            "一部の処理がエラーで終わり、再起動されました。ほかの処理は続いています。その間、その処理の仕事は待ちます。",
            "ログの `part.fell` を確認してください。受け口が落ちた場合は、そのポートを別のプログラムが使っています。",
        ),
        "staff.flood": Advice(
            "担当者への通知が上限に到達",
            "お客様からの連絡を知らせるメールが、担当者ごとの1時間の上限に達しました。この1時間の残りは通知されません。",
            "お問い合わせの一覧を確認し、普段どおりの量であれば `[[staff]]` の `per_hour` を上げてください。",
        ),
        "store.trouble": Advice(
            "新しいメールの受け入れを延期",
            "データベースが書き込めないか、ディスクの空きがほとんどありません。送信元には後で送り直すよう返しています（4xx）。失われるものはなく、再起動も要りません。",
            "`data_dir` のディスクを空けるか、データベースの応答を確認してください。どちらかは `df` と `/readyz` で分かります。",
        ),
    },
}


class Frame(NamedTuple):
    """The sentences around an advice."""

    raised: str
    over: str
    happened: str
    ended: str
    more: str
    means: str
    first: str
    foot: str


FRAMES: Mapping[str, Frame] = {
    "en": Frame(
        raised="[{name}] Alarm: {title}",
        over="[{name}] Over: {title}",
        happened="What happened ({zone})",
        ended="over: ",
        more="{more} more, not listed here",
        means="What it means",
        first="What to do first",
        foot="The kind of this alarm is {kind}; `Alarms` in docs/operations.md says more. There is at most"
        " one such mail an hour for each kind, and one when it is over; [alarms] in config.toml says to"
        " whom. Sent automatically.",
    ),
    "ja": Frame(
        raised="【{name}】警報：{title}",
        over="【{name}】解消：{title}",
        happened="起きたこと（{zone}）",
        ended="解消：",
        more="ほかに{more}件（個別には記載していません）",
        means="意味",
        first="まずすること",
        foot="警報の種類は {kind} です。詳しくは docs/operations.md の Alarms の章をご覧ください。種類ごとに"
        "1時間に1通まで、解消したときにもう1通お送りします。宛先は config.toml の [alarms] で変えられます。"
        "このメールは自動でお送りしています。",
    ),
}  # fmt: skip


def spoken(language: str) -> str:
    """The language of a letter: the gateway's, or English."""
    tag = language.lower().partition("-")[0]
    return tag if tag in FRAMES else "en"
