"""Which cases a follow-up is for, and which of us hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config.errors import ConfigError
from tests.gateway.follow_ups.waiting import RULES, set_status, states, wait
from tests.making import CONFIG, configure, mail, opened

ONLY = """
[[channel]]
name = "other"
type = "smtp"
listen = "127.0.0.1:2526"
addresses = ["other@example.com"]
send = "maildir:other"
[[follow_up]]
name = "nudge"
when = "pending"
after = "1 hour"
send = "nudge"
"""


@pytest.mark.parametrize(
    ("only", "fires"),
    [
        ('channel = "mail"', True),
        ('channel = ["other", "mail"]', True),
        ('channel = "other"', False),
        ('tag = "vip"', True),
        ('tag = "trade"', False),
        ('language = ["ja", "en"]', True),
        ('language = "ja"', False),
        ('attribute = "product"', True),
        ('attribute = "product=LAMP"', True),
        ('attribute = "product=chair"', False),
        ('channel = "mail"\ntag = "trade"', False),
    ],
)
async def test_a_rule_is_for_the_cases_that_it_names(
    tmp_path: Path, only: str, fires: bool
) -> None:
    async with opened(tmp_path, f"{CONFIG}{ONLY}{only}\n") as desk:
        body = "I ordered a lamp three weeks ago, and nothing has arrived since then."
        await desk.accept(mail(vouched="example.jp", body=body))
        await desk.change(
            """UPDATE cases SET tags = '["vip"]', attributes = '{"product": "Lamp"}'"""
        )
        await set_status(desk, "pending")
        said = await wait(desk, hours=2)
        assert len(said) == fires
        (state, reason) = (await states(desk))["nudge"]
        assert (state, reason) == ("fired", "") if fires else state == "cancelled"
        assert fires or reason.startswith("the rule is for cases of another ")


def test_a_rule_for_a_channel_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        configure(tmp_path, f'{CONFIG}{ONLY}channel = "letters"\ntag = []\n')
    told = sorted((problem.key, problem.message) for problem in error.value.problems)
    assert [key for key, _ in told] == ["follow_up[0].channel", "follow_up[0].tag"]
    assert 'no channel is called "letters"' in told[0][1]


async def test_a_rule_for_a_language_is_for_the_one_in_which_we_write(tmp_path: Path) -> None:
    channel = CONFIG.replace('type = "smtp"', 'type = "smtp"\nlanguage = "ja"', 1)
    async with opened(tmp_path, f'{channel}{ONLY}language = "ja"\n') as desk:
        await desk.accept(mail(subject="12345678", body="12345678", vouched="example.jp"))
        await set_status(desk, "pending")
        (nudge,) = await wait(desk, hours=2)
        assert nudge["language"] == "ja"


@pytest.mark.parametrize("only", ['tag = "trade"', 'language = "ja"', 'channel = "other"'])
async def test_a_nudge_announces_no_end_that_is_for_other_cases(tmp_path: Path, only: str) -> None:
    other = ONLY.partition("[[follow_up]]")[0]
    rules = RULES.replace('set_status = "resolved"', f'set_status = "resolved"\n{only}')
    async with opened(tmp_path, CONFIG + other + rules) as desk:
        await desk.accept(mail(vouched="example.jp"))
        await set_status(desk, "pending")
        (nudge,) = await wait(desk, days=2)
        assert "settled" not in nudge["text"]


TELEGRAM = """
[[channel]]
name = "bot"
type = "telegram"
token = { file = "token" }
"""


async def test_a_colleague_is_reminded_on_a_messenger_too(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("123456:" + "a" * 35)
    rules = RULES.replace('"desk@example.com"', '"telegram:4711"')
    async with opened(tmp_path, CONFIG + TELEGRAM + rules) as desk:
        await desk.accept(mail(vouched="example.jp"))
        by_mail, by_chat = await wait(desk, hours=5)
        assert (by_mail["channel"], by_chat["channel"]) == ("mail", "bot")
        assert by_chat["recipients"] == '{"to":[["","4711"]]}'
        assert (by_chat["subject"], by_chat["kind"]) == ("", "note")
        assert by_chat["text"].startswith("A customer is waiting.")
        assert by_chat["counted"] is None


def test_a_colleague_on_a_messenger_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        configure(tmp_path, CONFIG + RULES.replace("desk@example.com", "telegram:4711"))
    (problem,) = error.value.problems
    assert problem.key == "follow_up[0].notify[1]"
    assert 'no channel of ours reaches "telegram:"; possible: "email"' in problem.message
