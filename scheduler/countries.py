"""Pure: which countries there are, without loading what is known of each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def codes() -> frozenset[str]:
    """The two-letter codes of ISO 3166-1, from the time zone database.

    The library of holidays knows all of them (`tests/scheduler/test_countries.py`), but takes a
    third of a second to load: a daemon shall be ready before that.
    """
    table = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text("utf-8")
    return frozenset(line[:2] for line in table.splitlines() if line[:1] not in ("", "#"))
