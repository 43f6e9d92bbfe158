"""Why an alarm was raised reads in the language of its letter, and by the reader's clock."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from channels.oauth_grant import Grant, health
from gateway.admin.reasons import _JAPANESE, told
from gateway.alarm import Alarms
from gateway.outgoing.acknowledge import ALARMS
from gateway.watch.sending import Sending
from store.astray import DOWN
from store.outbox import Settlement
from tests.making import NOON, Clock

TOKYO = ZoneInfo("Asia/Tokyo")
_LATIN = re.compile(r"[A-Za-z]{4,}")


def japanese(reason: str) -> str:
    return told(reason, "ja", TOKYO)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("nothing heard since 2026-11-24 03:00:00Z", "2026-11-24 12:00 以降、応答がありません"),
        ("80 of 100 messages of the month are sent", "今月の上限100通のうち80通を送信しました"),
        (
            "the part http ended with OSError, and is started again",
            "処理 http がエラー（OSError）で終わり、再起動されました",
        ),
        (
            "a mail to the admin came back: no status",
            "管理者あてのメールが戻ってきました：no status",
        ),
        (
            "more than 100 are over an hour late",
            "100件を超えるフォローアップが1時間以上遅れています",
        ),
        (
            "nothing has left since 2026-11-24 03:00:00Z: mx.example:587: no answer in time",
            "2026-11-24 12:00 以降、何も送信できていません：mx.example:587：時間内に応答がありません",
        ),
    ],
)
def test_what_we_say_is_said_in_japanese(reason: str, said: str) -> None:
    assert japanese(reason) == said


def test_somebody_else_s_words_stay_and_are_known_for_theirs() -> None:
    assert japanese("NO [AUTH] bad") == "「NO [AUTH] bad」（原文）"
    assert japanese("the last 10 messages were refused: 550 {n} no") == (
        "直近の10通が続けて拒否されました：「550 {n} no」（原文）"
    )
    assert japanese("9999-99-99 99:99:99Z") == "「9999-99-99 99:99」（原文）"


def test_in_english_it_is_the_log_s_with_the_reader_s_clock() -> None:
    assert told("nothing heard since 2026-11-24 03:00:00Z", "de", TOKYO) == (
        "nothing heard since 2026-11-24 12:00"
    )


def test_a_log_in_says_what_to_type() -> None:
    told_of = [
        health(None, "box", NOON),
        health(Grant("a", NOON, refresh="", since=NOON), "box", NOON + timedelta(days=1)),
        health(
            Grant("a", NOON, "r", NOON - timedelta(days=6), NOON + timedelta(days=1)),
            "box", NOON,
        ),
    ]  # fmt: skip
    for one in told_of:
        assert "`madoguchi login box`" in japanese(one.text)
        assert "原文" not in japanese(one.text)


@pytest.mark.parametrize("reason", ALARMS)
def test_a_silence_that_is_an_alarm_has_japanese_words(reason: str) -> None:
    assert not _LATIN.search(japanese(reason))


def test_a_peer_that_is_down_is_told_whole_in_japanese() -> None:
    clock, alarms = Clock(), Alarms()
    reasons: list[str] = []
    alarms.post = lambda alarm: reasons.append(japanese(alarm.reason))
    sending = Sending(alarms, clock)
    down = Settlement(
        1, 1, None, "mail", "deferred", 1, astray=DOWN,
        error="mx.example cannot be reached: ConnectError",
    )  # fmt: skip
    for _ in range(2):
        sending._worse(down)
        clock.advance(minutes=20)
    assert reasons == [
        "2026-11-24 12:00 以降、何も送信できていません：mx.example に接続できません（ConnectError）"
    ]


def _literals(folder: Path) -> Iterator[str]:
    """Every sentence of the sources, with `{}` where it holds a value."""
    for file in folder.rglob("*.py"):
        if file.name == "reasons.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "{}"
                    for part in node.values
                )


def test_each_reason_that_has_japanese_words_is_one_that_we_still_give() -> None:
    """Words changed in the log shall not leave a letter half in English."""
    root = Path(__file__).parents[3]
    names = ("gateway", "channels", "scheduler")
    found = "\n".join(text for name in names for text in _literals(root / name))
    for reason in _JAPANESE.keys() - ALARMS.keys():
        parts = [part for part in re.split(r"\{\w+\}", reason) if len(part.strip(" ;:(),")) > 3]
        missing = [part for part in parts if part.strip(" ;:()") not in found]
        assert not missing, reason
