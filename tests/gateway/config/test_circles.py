"""Statuses that rules alone would change for ever are refused, of one and the same case only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.config.test_errors import CHANNEL, problems
from tests.gateway.config.test_never import rule


def ring(*statuses: str, only: tuple[str, ...] = ()) -> str:
    """Rules that lead from each status to the next, and from the last to the first."""
    following = (*statuses[1:], statuses[0])
    some = (*only, *[""] * (len(statuses) - len(only)))
    return "".join(
        rule(f"r{n}", before, "1 day", f'set_status = "{after}"\n{which}')
        for n, (before, after, which) in enumerate(zip(statuses, following, some, strict=True))
    )


@pytest.mark.parametrize(
    "statuses",
    [
        ("pending",),
        ("pending", "open"),
        ("pending", "open", "on_hold"),
        ("new", "open", "pending", "on_hold", "resolved"),
    ],
)
def test_a_circle_of_any_length_is_refused_at_the_rule_that_closes_it(
    tmp_path: Path, statuses: tuple[str, ...]
) -> None:
    (problem,) = problems(tmp_path, ring(*statuses))
    assert problem.key == f"follow_up[{len(statuses) - 1}].set_status"
    assert problem.line == 6 * len(statuses) - 1
    assert f'leads back to "{statuses[-1]}"' in problem.message


@pytest.mark.parametrize(
    ("only", "is_good"),
    [
        (('language = "ja"', 'language = "en"'), True),
        (('language = "en-GB"', 'language = "en"'), False),
        (('language = ["ja", "en"]', 'language = "en"'), False),
        (('language = "ja"', ""), False),
        (('tag = "a"', 'tag = "b"'), False),  # a case may have both
        (('channel = "mail"', ""), False),
    ],
)
def test_a_circle_is_one_only_if_a_case_can_go_round_it(
    tmp_path: Path, only: tuple[str, ...], *, is_good: bool
) -> None:
    text = CHANNEL + ring("pending", "open", only=only)
    assert (problems(tmp_path, text) == []) is is_good


def test_two_ways_out_of_a_status_are_both_followed(tmp_path: Path) -> None:
    out = rule("end", "open", "1 hour", 'set_status = "resolved"\nlanguage = "ja"')
    assert len(problems(tmp_path, out + ring("pending", "open"))) == 1
