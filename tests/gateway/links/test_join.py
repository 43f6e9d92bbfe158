"""Two customers become one and are taken apart again; nobody's message ends at somebody else's."""

from __future__ import annotations

from gateway.desk.speak import Refused
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
    first = small.hears("a@x.example")
    a = small.customer("a@x.example")
    small.hears("b@x.example", "chair")
    small.merge(a, small.customer("b@x.example"))
    small.hears("b@x.example", answers=first)
    said = small.says(small.case_of(first), "b@x.example")
    small.split(a, "b@x.example")
    again = small.hears("b@x.example", answers=said)
    assert small.home(again) == small.customer("b@x.example") != a
    assert small.case_of(again) == small.case_of(said)


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
    refused = small.do(lambda k, ch: _undo(small, k, ch, first.id))
    assert isinstance(refused, Refused)
    assert f"Link {second.id}" in refused.detail
    small.undo(second.id)
    small.undo(first.id)
    assert [small.customer(f"{one}@x.example") for one in "abc"] == [a, b, c]


def _undo(world: World, connection: object, changes: object, link: int) -> object:
    from gateway.links import join

    return join.undo(connection, changes, link, world.who)  # type: ignore[arg-type]


def test_a_platform_does_not_join_what_a_person_took_apart_but_a_proof_does(small: World) -> None:
    small.hears("a@x.example")
    small.hears("b@x.example")
    link = small.join("a@x.example", "b@x.example", "platform")
    assert (link.evidence, link.by) == ("platform", "")
    small.undo(link.id)
    assert isinstance(small.join("a@x.example", "b@x.example", "platform"), Refused)
    assert small.join("a@x.example", "b@x.example", "proof").kind == "merge"
