"""The report sets each round against the same round of Postfix, and hides nothing."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tests.bench import chart, report
from tests.bench.host import MB, Memory
from tests.bench.measure import Measurement


def measured(contender: str, number: int, rate: float, refused: int = 0) -> Measurement:
    memory = Memory(100 * MB, 50 * MB, 200 * MB)
    return Measurement(
        contender=contender,
        mode="4k",
        number=number,
        asked=0,
        accepted=1000 - refused,
        refused=refused,
        unfinished=0,
        rate=rate,
        finished_rate=rate / 2,
        p50=0.001,
        p99=0.002,
        delay50=0.01,
        delay99=0.02,
        server_cpu=0.0003,
        generator_cpu=0.00002,
        syncs=5000,
        busy=memory,
        idle=memory,
        complaints=["451 4.3.0 later"] if refused else [],
    )


ROUNDS = [
    measured("postfix", 1, 1000),
    measured("postfix", 2, 2000),
    measured("sqlite", 2, 3000),
    measured("sqlite", 1, 3000),
]


def test_a_ratio_is_taken_within_its_round() -> None:
    assert report.ratios(ROUNDS, "sqlite", "4k") == [3.0, 1.5]


def test_the_table_shows_median_and_spread() -> None:
    assert "**1,500** (1,000 to 2,000)" in report.markdown(ROUNDS)
    assert "**2.25** (1.50 to 3.00)" in report.markdown(ROUNDS)


def test_refusals_are_told_with_their_words() -> None:
    told = report.markdown([*ROUNDS, measured("sqlite", 3, 10, refused=7)])
    assert "round 3: 7 refused" in told
    assert "451 4.3.0 later" in told


def test_the_chart_is_sound_and_as_long_as_the_figures() -> None:
    root = ET.fromstring(report.rates_chart(ROUNDS))
    widths = [float(each.attrib["width"]) for each in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[1] == 2 * widths[0]


def test_words_in_a_chart_cannot_break_it() -> None:
    bar = chart.Bar("a<b>&", 1, 1, 1, "<", 0)
    ET.fromstring(chart.svg("<", "&", [chart.Group("<&>", [bar])]))
