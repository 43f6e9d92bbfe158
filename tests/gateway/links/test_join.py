"""Two customers become one and are taken apart again; nobody's message ends at somebody else's."""

from __future__ import annotations

from dataclasses import replace

from gateway.desk.speak import Refused
from gateway.links import join
from store.known import Token
from tests.gateway.links.world import World


def test_a_merged_customer_stands_whole_in_the_other_s_conversation(world: World) -> None:
    kept, other = world.hears("a@x.example"), world.hears("b@x.example", "chair")
    said = world.says(world.case_of(other), "b@x.example")
    a, b = world.customer("a@x.example"), world.customer("b@x.example")
    link = world.merge(a, b)
    assert {world.home(one) for one in (kept, other, said)} == {a}
    assert world.customer("b@x.example") == a
    assert world.home(world.hears("b@x.example", "chair")) == a
    world.consistent()
    (kind, data) = world.one("SELECT type, data FROM events WHERE type LIKE 'customer.%'")
    assert kind == "customer.merged"
    assert f'"link_id":{link.id}' in data


def test_an_undone_merge_leaves_every_row_as_it_was(world: World) -> None:
    first = world.hears("a@x.example")
    for address in ("b@x.example", "b@x.example"):
        case = world.case_of(world.hears(address, "chair"))
    world.says(case, "b@x.example")
    world.lets_in(world.case_of(first), "b@x.example")
    world.hears("b@x.example", answers=first)
    before = world.dump()
    link = world.merge(world.customer("a@x.example"), world.customer("b@x.example"))
    assert world.dump() != before
    world.undo(link.id)
    assert world.dump() == before


def test_what_came_since_a_merge_goes_by_who_wrote_it(world: World) -> None:
    first = world.hears("a@x.example")
    world.hears("b@x.example", "chair")
    a, b = world.customer("a@x.example"), world.customer("b@x.example")
    link = world.merge(a, b)
    shared = world.hears("b@x.example", answers=first)
    new = world.hears("b@x.example", "table")
    mine = world.hears("a@x.example", "chair")
    assert world.case_of(shared) == world.case_of(first)
    world.undo(link.id)
    assert [world.home(one) for one in (first, shared, new, mine)] == [a, b, b, a]
    linked = world.one("SELECT linked_case_id FROM cases WHERE id = :id", id=world.case_of(shared))
    assert linked == world.case_of(first)
    world.consistent()


def test_a_split_identity_takes_its_own_and_a_linked_case_and_comes_back_exactly(
    world: World,
) -> None:
    first, chair = world.hears("a@x.example"), world.hears("b@x.example", "chair")
    a = world.customer("a@x.example")
    world.merge(a, world.customer("b@x.example"))
    both = world.hears("b@x.example", answers=first)
    said = world.says(world.case_of(first), "b@x.example")
    note = world.notes(world.case_of(first))
    world.hears("c@x.example", "lamp")
    world.merge(a, world.customer("c@x.example"))
    before = world.dump()
    link = world.split(a, "b@x.example")
    b = world.customer("b@x.example")
    assert b != a
    assert [world.home(one) for one in (first, chair, both, said, note)] == [a, b, b, b, a]
    world.consistent()
    world.undo(link.id)
    assert world.dump() == before


def test_what_is_owed_to_both_is_owed_to_each_of_them_when_they_are_parted(world: World) -> None:
    first = world.hears("a@x.example")
    a = world.customer("a@x.example")
    world.hears("b@x.example", "chair")
    world.merge(a, world.customer("b@x.example"))
    both = world.hears("b@x.example", answers=first)
    world.says(world.case_of(first), "a@x.example", next_update_by="2 business days")
    before = world.dump()
    link = world.split(a, "b@x.example")
    parted = {world.case_of(first), world.case_of(both)}
    owing = world.ask("SELECT id, next_update_by FROM cases WHERE next_update_by IS NOT NULL")
    assert {row[0] for row in owing} == parted
    assert len({row[1] for row in owing}) == 1
    watched = world.ask("SELECT case_id FROM follow_ups WHERE rule = 'owed' AND state = 'pending'")
    assert {row[0] for row in watched} == parted
    world.undo(link.id)
    assert world.dump() == before


def test_merging_what_was_split_puts_everything_back(small: World) -> None:
    first = small.hears("a@x.example")
    a = small.customer("a@x.example")
    small.hears("b@x.example", "chair")
    small.merge(a, small.customer("b@x.example"))
    small.hears("b@x.example", answers=first)
    small.says(small.case_of(first), "b@x.example")
    small.hears("c@x.example", "lamp")
    small.merge(a, small.customer("c@x.example"))
    before = small.dump()
    small.split(a, "b@x.example", "c@x.example")
    assert small.dump() != before
    small.merge(a, small.customer("b@x.example"))
    assert small.dump() == before


def test_an_answer_to_what_we_wrote_before_a_split_comes_to_its_own_writer(small: World) -> None:
    """Our token names the case of then; where our message stands now is what counts."""
    first = small.hears("a@x.example")
    a = small.customer("a@x.example")
    small.hears("b@x.example", "chair")
    small.merge(a, small.customer("b@x.example"))
    small.hears("b@x.example", answers=first)
    said = small.says(small.case_of(first), "b@x.example")
    token = Token(small.case_of(first), said)
    small.split(a, "b@x.example")
    (again,) = small.take([replace(small.arrival("b@x.example", "Re"), tokens=(token,))])
    assert small.home(again) == small.customer("b@x.example") != a
    assert small.case_of(again) == small.case_of(said)


def test_what_a_participant_wrote_stays_in_the_case_whatever_becomes_of_him(small: World) -> None:
    first = small.hears("a@x.example")
    small.hears("b@x.example", "chair")
    small.lets_in(small.case_of(first), "b@x.example")
    token = Token(small.case_of(first), small.says(small.case_of(first), "b@x.example"))
    (guest,) = small.take([replace(small.arrival("b@x.example", "Re"), tokens=(token,))])
    a, b = small.customer("a@x.example"), small.customer("b@x.example")
    small.hears("c@x.example")
    small.merge(b, small.customer("c@x.example"))
    small.merge(a, b)
    small.split(a, "b@x.example")
    assert small.case_of(guest) == small.case_of(first)
    small.consistent()


def test_a_split_of_what_was_merged_takes_along_the_cases_that_it_brought(small: World) -> None:
    small.hears("a@x.example")
    chair = small.hears("b@x.example", "chair")
    a, b = small.customer("a@x.example"), small.customer("b@x.example")
    small.merge(a, b)
    mine = small.hears("a@x.example", answers=chair)
    before = small.case_of(chair)
    link = small.split(a, "b@x.example")
    assert (small.customer("b@x.example"), link.customer_id) == (b, b)
    assert (small.home(chair), small.home(mine)) == (b, a)
    assert small.case_of(mine) != small.case_of(chair) == before
    small.consistent()


def test_a_note_in_a_linked_case_goes_where_the_split_identity_goes(small: World) -> None:
    first = small.hears("a@x.example")
    small.hears("b@x.example", "chair")
    a = small.customer("a@x.example")
    small.merge(a, small.customer("b@x.example"))
    shared = small.hears("b@x.example", answers=first)
    link = small.split(a, "b@x.example")
    note = small.notes(small.case_of(shared))
    small.hears("c@x.example")
    small.merge(small.customer("b@x.example"), small.customer("c@x.example"))
    small.undo(link.id)
    assert small.case_of(shared) == small.case_of(first)
    assert small.home(note) == a != small.customer("c@x.example")


def test_a_merge_into_a_third_is_undone_before_a_split_of_the_first(small: World) -> None:
    small.hears("a@x.example")
    small.hears("b@x.example")
    small.hears("c@x.example")
    a, c = small.customer("a@x.example"), small.customer("c@x.example")
    small.merge(a, small.customer("b@x.example"))
    link = small.split(a, "b@x.example")
    later = small.merge(c, a)
    refused = small.do(lambda k, ch: join.undo(k, ch, link.id, small.who))
    assert isinstance(refused, Refused)
    assert f"Link {later.id}" in refused.detail


def test_two_merges_that_cross_make_one_customer(small: World) -> None:
    small.hears("a@x.example")
    small.hears("b@x.example")
    a, b = small.customer("a@x.example"), small.customer("b@x.example")
    small.merge(a, b)
    refused = small.do(small.merging(b, a))
    assert isinstance(refused, Refused)
    assert "part of another" in refused.detail
    assert small.join("a@x.example", "b@x.example") is None


def test_a_link_is_not_undone_under_a_later_one(small: World) -> None:
    for one in ("a@x.example", "b@x.example", "c@x.example"):
        small.hears(one)
    a, b, c = (small.customer(f"{one}@x.example") for one in "abc")
    first = small.merge(a, b)
    second = small.merge(c, a)
    refused = small.do(lambda k, ch: join.undo(k, ch, first.id, small.who))
    assert isinstance(refused, Refused)
    assert f"Link {second.id}" in refused.detail
    small.undo(second.id)
    small.undo(first.id)
    assert [small.customer(f"{one}@x.example") for one in "abc"] == [a, b, c]


def test_a_platform_does_not_join_what_a_person_took_apart_but_a_proof_does(small: World) -> None:
    small.hears("a@x.example")
    small.hears("b@x.example")
    link = small.join("a@x.example", "b@x.example", "platform")
    assert (link.evidence, link.by) == ("platform", "")
    small.undo(link.id)
    assert isinstance(small.join("a@x.example", "b@x.example", "platform"), Refused)
    assert small.join("a@x.example", "b@x.example", "proof").kind == "merge"
