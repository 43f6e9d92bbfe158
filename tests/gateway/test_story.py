"""A whole story on a virtual clock, in two languages; its transcript is a page for readers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.story import ENGLISH, JAPANESE, Told, lines, page, stories

PAGE = Path(__file__).parents[2] / "docs/story.md"


async def test_the_page_tells_what_happened(tmp_path: Path) -> None:
    """If this fails: python -m tests.gateway.story > docs/story.md."""
    assert PAGE.read_text(encoding="utf-8") == page(await stories(tmp_path))


@pytest.mark.parametrize(
    ("told", "promised", "renewed"),
    [(JAPANESE, "16日(月)9時より順に確認し、同日12時までに", "本日16時までに"),
     (ENGLISH, "will reply by noon that day", "will reply by 4 pm today")],
)  # fmt: skip
async def test_nobody_has_to_ask_twice(
    told: Told, promised: str, renewed: str, tmp_path: Path
) -> None:
    found = await lines(told, tmp_path)
    assert [line.kind for line in found] == [
        "message", "acknowledgement", "reminder", "notice", "reply", "status", "follow_up",
        "status", "survey", "message", "vote",
    ]  # fmt: skip
    _, acknowledgement, reminder, notice, *_ = found
    assert promised in acknowledgement.text
    assert renewed in notice.text
    noon = notice.at.replace(hour=12, minute=0)
    assert reminder.at < notice.at < noon
    assert (noon.isoweekday(), acknowledgement.at.isoweekday()) == (1, 5)
