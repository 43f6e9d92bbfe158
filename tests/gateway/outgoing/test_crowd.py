"""Newcomers share budgets: by their words, by addresses that count up, by their domain."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

import pytest

from gateway.outgoing.crowd import ALIKE, BURST, SAME_WORDS, Crowd, likeness, pattern, remember
from store.known import Arrival
from tests.making import NOON, Desk, arrival, mail, message

LONG = "Thank you for getting in touch. We have your request, and one of us will look at it within a day. Number {}."
HOUR = timedelta(hours=1)
_numbers = count(1)


def newcomer(text: str = "", sender: str = "", at: datetime = NOON) -> Arrival:
    name = "".join(chr(97 + int(digit)) for digit in f"{next(_numbers):06}")
    return arrival(message(sender or f"{name}@example.jp", text=text), received_at=at)


def say(crowd: Crowd, who: Arrival) -> str:
    """Why not; and if nothing is against it, it is said."""
    assert who.message
    if not (reason := crowd.why_not(who, who.message)):
        crowd.note(who, who.message)
    return reason


def test_the_same_words_are_acknowledged_a_few_times_a_week_l12() -> None:
    crowd = Crowd(same_words_week=4)
    reasons = [say(crowd, newcomer(LONG.format(n))) for n in range(10)]
    assert reasons == [""] * 4 + [SAME_WORDS] * 6
    assert not say(crowd, newcomer("Where is the parcel that you promised? " * 4))
    assert not say(crowd, newcomer(LONG, at=NOON + timedelta(days=8)))


def test_short_words_are_the_same_by_chance() -> None:
    crowd = Crowd(same_words_week=4)
    assert not any(say(crowd, newcomer("Where is my parcel?")) for _ in range(20))
    assert likeness("先日注文した商品がまだ届いていないのですが、いつ届きますか。") == ""
    assert likeness(
        "お問い合わせありがとうございます。担当者が内容を確認し、あらためてご連絡いたします。"
    )


def test_numbers_make_no_other_words() -> None:
    assert likeness(LONG.format("A-4711")) == likeness(LONG.format("#4712"))
    assert likeness(LONG) != likeness(LONG.replace("request", "complaint"))


ADDRESSES = {
    "ticket-4711@desk.example": "ticket-#@desk.example",
    "reply-3f9a@desk.example": "reply-#@desk.example",
    "case_12=x@desk.example": "case-#-x@desk.example",
    "yuki1985@example.jp": "",
    "mary-jane@example.jp": "",
    "support@example.jp": "",
}


@pytest.mark.parametrize(("address", "shape"), ADDRESSES.items())
def test_addresses_that_count_up_have_a_pattern_and_people_s_have_none(
    address: str, shape: str
) -> None:
    assert pattern(address) == shape


def test_addresses_that_count_up_share_a_budget() -> None:
    crowd = Crowd(similar_week=20)
    reasons = [say(crowd, newcomer(sender=f"ticket-{n}@desk.example")) for n in range(25)]
    assert reasons == [""] * 20 + [ALIKE] * 5
    assert not say(crowd, newcomer(sender="ticket-1@other.example"))


def test_a_domain_has_its_hour_and_heals_in_the_next() -> None:
    crowd = Crowd(domain_hour=100)
    reasons = [say(crowd, newcomer()) for _ in range(103)]
    assert reasons == [""] * 100 + [BURST] * 3
    assert not say(crowd, newcomer(at=NOON + HOUR))


def test_five_times_the_usual_is_too_much_and_a_burst_is_not_usual() -> None:
    crowd = Crowd(domain_hour=10)
    for hour in range(24):
        assert not any(say(crowd, newcomer(at=NOON + hour * HOUR)) for _ in range(9))
    busy = NOON + 24 * HOUR
    assert [say(crowd, newcomer(at=busy)) for _ in range(46)] == [""] * 45 + [BURST]
    for hour in range(25, 60):
        at = NOON + hour * HOUR
        assert sum(not say(crowd, newcomer(at=at)) for _ in range(100)) <= 45
    assert sum(not say(crowd, newcomer(at=NOON + 60 * HOUR)) for _ in range(100)) == 10


def test_a_batch_that_is_replayed_counts_once() -> None:
    crowd, who = Crowd(same_words_week=2), newcomer(LONG)
    assert who.message
    for _ in range(5):
        crowd.note(who, who.message)
    assert not say(crowd, newcomer(LONG))
    assert say(crowd, newcomer(LONG))


def test_without_limits_nothing_is_counted() -> None:
    crowd = Crowd()
    assert not any(say(crowd, newcomer(LONG, "ticket-1@desk.example")) for _ in range(200))


async def test_what_an_earlier_process_said_is_remembered(desk: Desk) -> None:
    for n in range(3):
        await desk.accept(mail(f"ticket-{n}@desk.example"), f"ticket-{n}@desk.example")
    crowd = Crowd(similar_week=3, domain_hour=3)
    await remember(crowd, desk.store, NOON)
    assert say(crowd, newcomer(sender="ticket-9@desk.example")) == ALIKE
    assert say(crowd, newcomer(sender="yuki@desk.example")) == BURST
