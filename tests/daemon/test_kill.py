"""Nothing is lost, doubled or answered twice, however often the daemon is killed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.daemon.servers import require
from tests.soak.checker import Left, judge
from tests.soak.lives import FAILPOINTS, Chronicle, draw_lives
from tests.soak.run import STORES, Outcome, Plan, failpoints_of, soak

SHORT = {
    "sqlite": Plan(mails=600, kills=4, failpoints=failpoints_of("sqlite"), seed=11),
    "postgresql": Plan(mails=600, kills=3, failpoints=("F2", "F4", "F5"), seed=12),
}


@pytest.mark.daemon
@pytest.mark.timeout(900)
@pytest.mark.parametrize("store", SHORT)
def test_every_promise_survives_kill_9(tmp_path: Path, store: str) -> None:
    """D02, D04, D07: mail under load, SIGKILL at random times and at each failpoint."""
    if store == "postgresql":
        require("postgres")
    with STORES[store]() as url:
        outcome = soak(SHORT[store], tmp_path, url)
    assert outcome.faults() == [], str(outcome)
    assert outcome.accepted >= SHORT[store].mails
    assert sorted(outcome.seen.died_at) == sorted(SHORT[store].failpoints)


def _left(stored: list[str], acknowledged: list[str], in_doubt: tuple[str, ...] = ()) -> Left:
    return Left(Counter(stored), Counter(acknowledged), 0, frozenset(in_doubt), 1, 1)


def test_the_books_tell_a_lost_mail() -> None:
    assert judge(["a", "b"], _left(["a"], ["a"])).lost == ["b"]


def test_the_books_tell_a_mail_stored_twice() -> None:
    assert judge(["a"], _left(["a", "a"], ["a"])).stored_twice == ["a"]


def test_the_books_tell_a_second_acknowledgement() -> None:
    assert judge(["a"], _left(["a"], ["a", "a"])).acknowledged_twice == ["a"]


def test_the_books_forgive_silence_only_where_doubt_is_listed() -> None:
    verdict = judge(["a", "b"], _left(["a", "b"], [], ("a",)))
    assert verdict.silent == ["b"]
    assert verdict.in_doubt == 1


def test_the_books_tell_a_customer_parted_in_two() -> None:
    assert judge(["a"], _left(["a"], ["a"])._replace(customers=2)).parted == 1


def test_quarantining_what_can_be_read_is_a_fault() -> None:
    assert not judge(["a"], _left(["a"], ["a"])._replace(quarantined=1)).kept


def test_mail_stored_without_its_250_is_no_fault() -> None:
    """RFC 1047: the sender may be gone before it hears us."""
    assert judge([], _left(["a"], ["a"])).kept


def test_faults_name_what_the_sender_and_the_supervisor_saw() -> None:
    verdict = judge([], _left([], [], tuple("abcdefghijklmnopqrstu")))
    seen = Chronicle(never_passed=["F5:3"], corrupt=["page 7"], orphans=2, kills=1)
    told = " ".join(Outcome(0, 0, ["a: 554"], False, seen, verdict).faults())
    for word in ("a: 554", "never got their 250", "page 7", "F5:3", "2 processes", "21 in doubt"):
        assert word in told


def test_lives_are_drawn_alike_from_one_seed_and_hit_every_failpoint() -> None:
    lives = draw_lives(5, 10, FAILPOINTS, 1000)
    assert lives == draw_lives(5, 10, FAILPOINTS, 1000)
    assert sorted(life.failpoint for life in lives if life.failpoint) == sorted(FAILPOINTS)
    assert sum(not life.failpoint for life in lives) == 10
