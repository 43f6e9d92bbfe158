"""Who may call a mail spam: the lists, and the headers of a server that we trust."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from gateway.config import ConfigError
from gateway.sender.trust import NOBODY_VOUCHES, Trust, Verdict
from gateway.spam.verdict import Asked, Rules, by_rspamd, decide, in_headers
from normalizer.message import Transport
from tests.making import CONFIG, RELAY, configure, mail, read, with_header

KNOWN = Verdict(True, "dmarc passed for example.jp")
FLAG = ("X-Spam-Flag", "YES")
HOP = ("Received", "from mx.example by relay.example; Tue, 24 Nov 2026 12:00:00 +0900")
NEXT_HOP = ("Received", "from somewhere by mx.example; Tue, 24 Nov 2026 11:59:00 +0900")


def asked(raw: bytes, *, peer: str = RELAY, known: bool = False, **more: Any) -> Asked:
    facts: dict[str, Any] = {
        "channel": "mail",
        "message": read(raw),
        "transport": Transport(peer=peer, sender="bounce@lists.example"),
        "verdict": KNOWN if known else NOBODY_VOUCHES,
        "trust": Trust((RELAY,)),
        "answers_us": False,
    }
    return Asked(**(facts | more))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Spam-Flag", "YES"),
        ("X-Spam", "Yes"),
        ("X-Spam-Status", "Yes, score=7.3 required=5.0 tests=BAYES_99,\r\n HTML_MESSAGE"),
        ("X-Spamd-Result", "default: True [15.20 / 15.00];\r\n BAYES_SPAM(5.1)[99.9%]"),
        ("X-Forefront-Antispam-Report", "CIP:192.0.2.1;CTRY:;LANG:en;SCL:5;SRV:;SFV:SPM"),
        ("X-Forefront-Antispam-Report", "CIP:192.0.2.1;SCL:9;CAT:HPHISH"),
        ("X-Forefront-Antispam-Report", "CIP:192.0.2.1;SFV:SKB;CAT:NONE"),
    ],
)
def test_the_header_of_each_filter_is_understood(name: str, value: str) -> None:
    assert decide(Rules(), asked(with_header(mail(), [(name, value), HOP]))).spam


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Spam-Flag", "NO"),
        ("X-Spam-Flag", ""),
        ("X-Spam-Status", "No, score=-1.9 required=5.0 tests=YES_TEST"),
        ("X-Spamd-Result", "default: False [3.20 / 15.00]; R_SPF_ALLOW(-0.2)[x: True [99 / 1]]"),
        ("X-Spam-Level", "*" * 40),
        ("X-Forefront-Antispam-Report", "CIP:192.0.2.1;SCL:1;SFV:NSPM"),
        ("X-Forefront-Antispam-Report", "CIP:192.0.2.1;SCL:-1;SFV:SKN"),
        ("X-Microsoft-Antispam", "BCL:9;"),
        ("Subject", "X-Spam-Flag: YES"),
    ],
)
def test_what_says_nothing_against_a_mail_holds_nothing_back(name: str, value: str) -> None:
    assert not decide(Rules(), asked(with_header(mail(), [(name, value), HOP]))).final


@pytest.mark.parametrize(
    ("headers", "spam"),
    [
        ([FLAG, HOP, NEXT_HOP], True),
        ([HOP, FLAG, NEXT_HOP], True),
        ([HOP, NEXT_HOP, FLAG], False),
        ([("X-Spam-Flag", "NO"), HOP, FLAG], False),
    ],
)
def test_a_relay_s_word_stands_above_the_received_of_the_hop_before(
    headers: list[tuple[str, str]], spam: bool
) -> None:
    raw = with_header(mail(), headers)
    assert decide(Rules(), asked(raw)).spam is spam
    assert not decide(Rules(), asked(raw, peer="198.51.100.9")).final


def test_a_server_that_writes_its_own_may_put_them_anywhere() -> None:
    raw = with_header(mail(), [HOP, NEXT_HOP, FLAG])
    rules = Rules(servers=frozenset({"mail"}))
    assert decide(rules, asked(raw, peer="")).spam
    assert not decide(rules, asked(raw, peer="", channel="other")).final


@pytest.mark.parametrize(
    ("value", "threshold", "spam"),
    [
        ("Yes, score=7.3 required=5.0", 10.0, False),
        ("Yes, score=7.3 required=5.0", 7.3, True),
        ("No, hits=6.1 required=9", 6.0, True),
        ("Yes", 6.0, True),
    ],
)
def test_a_threshold_of_ours_stands_above_the_filter_s(
    value: str, threshold: float, spam: bool
) -> None:
    flag = "YES" if spam else "NO"
    assert bool(in_headers([("x-spam-status", value)], threshold)) is spam
    assert bool(in_headers([("x-spam-status", value), ("x-spam-flag", flag)], threshold)) is spam


def test_stars_count_where_a_threshold_is_set() -> None:
    assert in_headers([("x-spam-level", "******")], 6.0) == "scored 6, and 6 is spam"
    assert in_headers([("x-spam-level", "*****")], 6.0) == ""


@pytest.mark.parametrize(
    ("block", "allow", "known", "spam"),
    [
        ((), ("example.jp",), True, False),
        ((), ("example.jp",), False, None),
        (("example.jp",), (), True, True),
        (("jp",), (), True, True),
        (("ple.jp",), (), True, None),
        (("yuki@example.jp",), ("example.jp",), True, True),
        (("example.jp",), ("yuki@example.jp",), True, False),
        (("example.jp",), ("yuki@example.jp",), False, True),
        (("lists.example",), (), True, True),
        (("bounce@lists.example",), (), False, True),
        ((), ("lists.example",), True, None),
    ],
)
def test_of_the_lists_the_longer_entry_decides_and_allowing_needs_proof(
    block: tuple[str, ...], allow: tuple[str, ...], known: bool, spam: bool | None
) -> None:
    ruling = decide(Rules(block, allow), asked(mail(), known=known))
    assert (ruling.spam if ruling.final else None) is spam


def test_who_is_allowed_is_not_held_back_by_a_header() -> None:
    raw = with_header(mail(), [FLAG, HOP])
    assert not decide(Rules(allow=("example.jp",)), asked(raw, known=True)).spam
    assert decide(Rules(allow=("example.jp",)), asked(raw)).spam


def test_what_answers_a_mail_of_ours_is_held_back_by_the_block_list_only() -> None:
    raw = with_header(mail(), [FLAG, HOP])
    ruling = decide(Rules(), asked(raw, answers_us=True))
    assert ruling.final
    assert not ruling.spam
    assert decide(Rules(("example.jp",)), asked(raw, answers_us=True)).spam


def test_what_we_sent_is_never_spam() -> None:
    raw = with_header(mail(), [FLAG, HOP])
    ours = Transport(peer=RELAY, sent=True)
    assert not decide(Rules(("example.jp",)), asked(raw, transport=ours)).spam


@pytest.mark.parametrize("action", ["reject", "add header", "rewrite subject"])
def test_rspamd_s_actions_against_a_mail_are_its_word(action: str) -> None:
    assert by_rspamd({"action": action, "score": 8.25}, None) == f"{action}, scored 8.25"


@pytest.mark.parametrize("action", ["no action", "greylist", "soft reject"])
def test_rspamd_s_other_actions_hold_nothing_back(action: str) -> None:
    answer = {"action": action, "score": 5}
    assert by_rspamd(answer, None) == ""
    assert by_rspamd(answer, 5.0) == "scored 5, and 5 is spam"


def test_no_header_makes_the_reading_of_it_fail() -> None:
    """A stranger writes these; whatever stands there, the mail comes in."""
    values = ["", ";", "SCL:", "SCL:999999999", "default: True [", "score=", "score=-", "*" * 9999]
    names = ["x-spam", "x-spam-flag", "x-spam-status", "x-spam-level", "x-spamd-result"]
    for name, value in product([*names, "x-forefront-antispam-report"], values):
        in_headers([(name, value)], 5.0)
        in_headers([(name, value)], None)


def test_mistakes_in_the_table_are_told_with_the_remedy(tmp_path: Path) -> None:
    wrong = (
        '[spam]\ntrust_headers = ["mial"]\nrspamd = "127.0.0.1:11333"\nmilter = "127.0.0.1:8891"\n'
        'block = ["not an address"]\nthreshold = "six"\n'
    )
    with pytest.raises(ConfigError) as caught:
        configure(tmp_path, CONFIG + wrong)
    said = str(caught.value)
    assert 'there is no channel "mial"; possible: "mail"' in said
    assert '"127.0.0.1:11333" must be an address such as "http://127.0.0.1:11333"' in said
    assert 'must be "inet:HOST:PORT" or "unix:/PATH"' in said
    assert '"not an address" must be an address or a domain' in said
    assert "threshold" in said
