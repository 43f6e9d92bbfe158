"""What is fetched next, what is history, and what becomes of a mail that cannot be had."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from channels.imap.folder import Facts, First, Folder, batches, known_places, wait
from tests.making import NOON

MINUTE = 60.0


def folder(*listed: int, known: tuple[int, ...] = ()) -> Folder:
    made = Folder("INBOX", validity=7)
    made.compare(frozenset(listed), frozenset(known), 0)
    return made


def test_what_the_ledger_does_not_have_is_fetched_newest_first() -> None:
    assert folder(1, 2, 3, 9, known=(2,)).next(10, 0) == [9, 3, 1]


def test_new_mail_goes_before_old_mail() -> None:
    box = folder(*range(1, 100))
    box.next(2, 0)
    box.hear([100, 101])
    assert box.next(4, 0) == [101, 100, 97, 96]


def test_the_last_mail_named_again_is_no_news() -> None:
    """RFC 3501 section 6.4.8: n:* always names the last mail."""
    box = folder(4, 5, known=(4, 5))
    box.hear([5])
    assert not box.has_work(0)
    assert box.unit(5) == "INBOX;7:5"


def test_a_mail_that_cannot_be_had_never_blocks_the_next_and_is_tried_less_and_less() -> None:
    """R8: it waits for longer and longer, an hour at most, while others go on."""
    box, waits, now = folder(1, 2), [], 0.0
    assert box.next(1, now) == [2]
    for _ in range(8):
        waits.append(box.fail(2, now) / MINUTE)
        box.hear([])
        now += waits[-1] * MINUTE
        if 1 in box.waiting:
            assert box.next(1, now) == [1]
            box.land(1)
        assert box.next(1, now - 1) == []
        assert box.next(1, now) == [2]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_after_a_broken_connection_each_of_its_mails_is_fetched_alone() -> None:
    """One of them may have broken it; a mail that breaks it alone waits."""
    box = folder(1, 2, 3, 4)
    box.suspect(box.next(2, 0))
    assert box.next(10, 0) == [4]
    box.fail(4, 0)
    assert box.next(10, 0) == [3]
    box.land(3)
    assert box.next(10, 0) == [2, 1]


def test_what_is_under_way_is_not_fetched_again_by_a_comparison() -> None:
    box = folder(1, 2)
    assert box.next(1, 0) == [2]
    box.compare(frozenset({1, 2}), frozenset(), 1)
    assert box.next(10, 1) == [1]


def test_a_mail_that_has_left_is_forgotten_at_the_next_comparison() -> None:
    box = folder(1, 2)
    for uid in box.next(2, 0):
        box.fail(uid, 0)
    box.compare(frozenset({1}), frozenset(), 1)
    assert set(box.troubles) == {1}
    assert box.waiting == []


def test_another_numbering_makes_everything_unknown() -> None:
    box = folder(1, 2)
    box.renumber(8)
    assert not box.has_work(0)
    assert box.unit(1) == "INBOX;8:1"


@given(st.sets(st.integers(1, 99)), st.sets(st.integers(1, 99)), st.data())
def test_every_missing_mail_lands_exactly_once(
    listed: set[int], known: set[int], data: st.DataObject
) -> None:
    """Whatever breaks, is refused, or has to wait on the way."""
    box, now, landed = folder(*listed, known=tuple(known)), 0.0, list[int]()
    while box.waiting or box.troubles:
        now += 3600
        taken = box.next(data.draw(st.integers(1, 20)), now)
        end = data.draw(st.sampled_from(["land", "land", "land", "suspect", "back"]))
        if end == "suspect" and len(taken) > 1:
            box.suspect(taken)
        elif end == "back":
            box.put_back(taken)
        else:
            landed += taken
            for uid in taken:
                box.land(uid)
    assert sorted(landed) == sorted(listed - known)
    assert not box.flying


def test_history_is_what_was_there_by_number_or_in_another_numbering_by_date() -> None:
    """I04: after a renumbering only the date of arrival can tell."""
    first = First(7, 100, NOON)
    hour = timedelta(hours=1)
    assert first.was_there(7, 99, NOON + hour)
    assert not first.was_there(7, 100, NOON - hour)
    assert first.was_there(8, 500, NOON - hour)
    assert not first.was_there(8, 5, NOON + hour)
    assert not first.was_there(8, 5, None)
    assert First.from_note(first.to_note()) == first
    untold = First(7, 0, NOON)
    assert untold.was_there(7, 1, NOON - hour)
    assert not untold.was_there(7, 1, NOON + hour)


def test_another_mailbox_under_the_same_name_has_units_of_its_own() -> None:
    """Two servers may number alike; what one had says nothing about the other."""
    assert known_places("", "a") == ["a"]
    assert known_places('["a"]', "b") == ["a", "b"]
    assert known_places('["a", "b"]', "a") == ["a", "b"]
    assert Folder("INBOX", validity=7).unit(5) == "INBOX;7:5"
    assert Folder("INBOX", place=1, validity=7).unit(5) == "INBOX;7.1:5"


def test_batches_are_bounded_by_number_and_by_size_and_keep_their_order() -> None:
    mails = [Facts(uid, size, None) for uid, size in enumerate([1, 1, 1, 50, 900, 1, 1])]
    found = [[mail.uid for mail in batch] for batch in batches(mails, 2, 100)]
    assert found == [[0, 1], [2, 3], [4], [5, 6]]


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_tries_come_less_often_and_never_in_step(attempt: int, draw: float) -> None:
    assert 0.5 <= wait(attempt, 60, draw) <= 60
    assert wait(attempt, 60, 0) != wait(attempt, 60, 0.9)


def test_a_mail_of_the_second_of_our_first_contact_is_no_history() -> None:
    """INTERNALDATE tells whole seconds: 12:00:00.9 is 12:00:00, after a first contact at .6."""
    first = First(validity=7, next=0, at=NOON + timedelta(milliseconds=600))
    assert not first.was_there(8, 1, NOON)
    assert first.was_there(8, 1, NOON - timedelta(seconds=1))
