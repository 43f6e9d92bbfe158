"""The picture of a day has a column for each hour, up and down, and can be read as XML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.docs.pages import page
from tests.zoo.figures import Figures
from tests.zoo.picture import HOURS, svg

FOUND = Figures(7, 3, 1, 2, 2, 1)


def test_the_picture_has_two_columns_an_hour_on_one_scale() -> None:
    drawn = ET.fromstring(svg(5, FOUND, [*range(HOURS)], [1] * HOURS))
    heights = [float(bar.attrib["height"]) for bar in drawn if bar.tag.endswith("rect")]
    assert len(heights) == 2 * HOURS
    assert heights[20] == pytest.approx(2 * heights[10], rel=0.01)
    assert heights[20] > 9 * heights[21]


def test_the_picture_of_the_page_keeps_the_promises() -> None:
    told = "".join(ET.fromstring(page("docs/loops.svg")).itertext())
    assert "At most 1 a day to one unauthenticated sender, 5 to an authenticated one" in told
    assert "of these one to each of the people" in told
