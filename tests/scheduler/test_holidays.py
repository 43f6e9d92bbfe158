"""Public holidays are those of the library, which no process of ours keeps."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest
from holidays import country_holidays

from scheduler.holidays import public_holidays


@pytest.mark.parametrize("country", ["JP", "US", "DE-BY", "SA"])
@pytest.mark.parametrize("year", [2019, 2020, 2026, 2030])
def test_a_years_holidays_are_those_of_the_library(country: str, year: int) -> None:
    code, _, region = country.partition("-")
    known = country_holidays(code, subdiv=region or None, years=year, expand=False)
    expected = {day for day in known if day.year == year}
    assert public_holidays(country, year) == expected
    assert expected


def test_a_country_that_nobody_knows_is_said_to_be_unknown() -> None:
    with pytest.raises(NotImplementedError):
        public_holidays("DE-XX", 2026)


def test_who_asks_does_not_load_the_library() -> None:
    script = (
        "import sys; from datetime import date; from scheduler.holidays import public_holidays; "
        "print(date(2026, 1, 1) in public_holidays('JP', 2026), 'holidays' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.split() == [b"True", b"False"]
    assert date(2026, 1, 1) in public_holidays("JP", 2026)
