"""Pure: why an alarm was raised, in the language and by the clock of whoever reads it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.admin.words import spoken

# Instants as reasons hold them.
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d)(?::\d\d)?(?:Z| UTC)")

# What we say, as the log has it. `said`, `before` and `after` are sentences themselves; all else is
# a name or a number. The words around a channel's reason are those of channels/.
_JAPANESE: dict[str, str] = {
    "nothing heard since {at}": "{at} 以降、応答がありません",
    "nothing has left since {at}: {said}": "{at} 以降、何も送信できていません：{said}",
    "the last {n} messages were refused: {said}": "直近の{n}通が続けて拒否されました：{said}",
    "message {n} did not surely arrive: {said}": "メッセージ {n} の到着を確認できません：{said}",
    "nobody knows whether message {n} arrived; it is not sent again": (
        "メッセージ {n} が届いたかどうか分かりません。再送はしません"
    ),
    "{n} messages were being sent when a process ended; they may or may not be there": (
        "プロセスの終了時に送信中だったメッセージが{n}通あります。届いたかどうか分かりません"
    ),
    "{used} of {limit} messages of the month are sent": (
        "今月の上限{limit}通のうち{used}通を送信しました"
    ),
    "one of {at} is late": "{at} に送った確認メールが戻っていません",
    "one came round in {n} s": "確認メールが{n}秒で戻りました",
    "the disk is nearly full": "ディスクの空きがほとんどありません",
    "the database takes nothing": "データベースに書き込めません",
    "the part {name} ended with {error}, and is started again": (
        "処理 {name} がエラー（{error}）で終わり、再起動されました"
    ),
    "colleagues have had all the mails of this hour: not each message is told": (
        "この1時間に送れる通知をすべて送りました。以降のメッセージは個別に通知されません"
    ),
    "more than {n} are over an hour late": "{n}件を超えるフォローアップが1時間以上遅れています",
    "a message could not be read; it waits in quarantine, in a case of its own": (
        "読み取れないメッセージがあります。独立した案件として隔離されています"
    ),
    "a mail to the admin came back: {status}": "管理者あてのメールが戻ってきました：{status}",
    "newcomers write the same words: a robot with a new address each time": (
        "新しい差出人から同じ文面が続いています（毎回アドレスを変えるロボット）"
    ),
    "newcomers come from addresses that count up: a robot's": (
        "連番のアドレスからの新しい差出人が続いています（ロボット）"
    ),
    "far more newcomers from this domain than usual": (
        "同じドメインの新しい差出人が普段より大幅に増えています"
    ),
    "the budget for unauthenticated senders this hour is spent": (
        "未認証の差出人あての自動返信が、1時間の上限に達しました"
    ),
    "not seen since the restart": "再起動のあとは起きていません",
    "nobody has logged in yet; {after}": "まだログインされていません。{after}",
    "the log-in has ended and cannot be renewed; {after}": (
        "ログインが切れ、更新できません。{after}"
    ),
    "the log-in ended at {at}; {after}": "ログインは {at} に切れました。{after}",
    "the log-in ends at {at}; before then, {after}": "ログインは {at} に切れます。それまでに：{after}",
    "{before}; run: madoguchi login {name}": "{before}。`madoguchi login {name}` を実行してください",
    "run: madoguchi login {name}": "`madoguchi login {name}` を実行してください",
    "the mailbox has no folder {names}; there are: {others}": (
        "メールボックスに {names} というフォルダーがありません（あるもの：{others}）"
    ),
    "{name} refuses us ({said}); see {page}": (
        "{name} に接続を拒否されました：{said}。{page} をご覧ください"
    ),
    "{name} refuses {key} ({said}); issue a new one": (
        "{name} が {key} を拒否しました：{said}。新しいものを発行してください"
    ),
    "{before}; look at {names}": "{before}。{names} を確認してください",
    "{name} cannot call us: {said}": "{name} からこちらに接続できません：{said}",
    "{name} does not answer: {error}": "{name} が応答しません（{error}）",
    "{name} cannot be reached: {error}": "{name} に接続できません（{error}）",
    "{name} does not take the mail in time": "{name} がメールを時間内に受け取りません",
    "the smarthost refused user or password ({n})": (
        "送信サーバーがユーザー名またはパスワードを拒否しました（{n}）"
    ),
    "the connection broke": "接続が切れました",
    "no answer in time": "時間内に応答がありません",
    "the Maildir cannot take mail: {error}": "Maildir に書き込めません（{error}）",
    "{path} cannot be written to": "{path} に書き込めません",
    "our own notes cannot be read now": "こちらの記録を今は読み取れません",
    "{host}:{n}: {said}": "{host}:{n}：{said}",
}
_SHAPES = {
    "n": r"[\d.]+", "used": r"\d+", "limit": r"\d+", "name": r"[\w.:-]+(?: [\w.:-]+)?",
    "error": r"[^;:]+", "key": r"\w+", "host": r"[\w.-]+|\[[\da-f:]+\]", "path": r"/[^:;]+",
    "at": r"[\d-]+ [\d:]+", "page": r"docs/\S+", "status": r"no status|[\d.]+",
}  # fmt: skip
_SENTENCES = ("said", "before", "after")


def told(reason: str, language: str, zone: ZoneInfo) -> str:
    """A reason of the log as a person reads it; somebody else's words stay as they were said."""
    here = _INSTANT.sub(lambda found: _local(found[1], zone), reason)
    return _japanese(here) if spoken(language) == "ja" else here


def _local(instant: str, zone: ZoneInfo) -> str:
    try:
        moment = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    except ValueError:
        return instant  # no time of ours
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _japanese(reason: str) -> str:
    for pattern, said in _KNOWN:
        if found := pattern.fullmatch(reason):
            values = found.groupdict()
            deeper = {name: _japanese(values[name]) for name in _SENTENCES if name in values}
            return said.format(**{**values, **deeper})
    return f"「{reason}」（原文）"


def _pattern(said: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", said)
    return re.compile("".join(
        f"(?P<{part}>{_SHAPES.get(part, '.+')})" if turn % 2 else re.escape(part)
        for turn, part in enumerate(parts)
    ))  # fmt: skip


_KNOWN = tuple((_pattern(said), japanese) for said, japanese in _JAPANESE.items())
