"""Memory of many is bounded: what was set longest ago goes first."""

from __future__ import annotations

from channels.recent import Recent


def test_what_was_set_longest_ago_is_forgotten_first() -> None:
    seen: Recent[str, int] = Recent(3)
    for name in "abcad":
        seen[name] = len(seen)
    assert list(seen) == ["c", "a", "d"]
    seen["c"] = 7
    assert list(seen.items())[-1] == ("c", 7)
