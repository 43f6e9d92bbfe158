"""`[[staff]]`: whom the file may name, and what is told about whom it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import load
from gateway.desk.staffing import people
from tests.gateway.config.test_errors import CHANNEL, problems

AIKO = '[[staff]]\nname = "Aiko"\naddress = "Aiko@corp.example"\n'
KEN = '[[staff]]\nname = "Ken"\naddress = "ken@corp.example"\n'


def test_a_colleague_is_told_nothing_unless_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CHANNEL + AIKO, encoding="utf-8")
    (one,) = people(load(path, {}))
    assert (one.address, one.login, one.notify) == (
        "aiko@corp.example", "Aiko@corp.example", frozenset(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "key", "said"),
    [
        (AIKO.replace("Aiko@corp", "Support@"), "staff[0].address", "channel[0]"),
        (AIKO + AIKO.replace("Aiko", "aiko"), "staff[1].address", "staff[0] already"),
        (AIKO + AIKO.replace("Aiko@", "b@"), "staff[1].name", "each its own name"),
        (AIKO + 'notify = ["everything"]\n', "staff[0].notify[0]", "new case"),
        (AIKO + "per_hour = 0\n", "staff[0].per_hour", "1"),
        (AIKO.replace("Aiko@corp.example", "Aiko"), "staff[0].address", "boss@example.com"),
        (AIKO + 'deputy = "Jun"\n', "staff[0].deputy", "add them as [[staff]]"),
        (AIKO + 'deputy = "Jun"\n' + KEN, "staff[0].deputy", 'possible: "Ken"'),
        (AIKO + 'deputy = " aiko"\n', "staff[0].deputy", "their own deputy"),
        (AIKO + 'deputy = "Ken"\n' + KEN + 'deputy = "Aiko"\n', "staff[1].deputy", "back to"),
        (AIKO + 'public_name = { english = "A" }\n', "staff[0].public_name.english", "language"),
        (AIKO + "public_name = 5\n", "staff[0].public_name", "a table"),
        (AIKO + 'absent = ["2026-12-32"]\n', "staff[0].absent[0]", "2026-12-28..2027-01-03"),
        (AIKO + 'absent = ["2026-12-28-2026-12-30"]\n', "staff[0].absent[0]", "must be days"),
        (
            AIKO + 'absent = ["2027-01-03..2026-12-28"]\n',
            "staff[0].absent[0]",
            "turn the days round",
        ),
    ],
)
def test_what_is_wrong_with_a_colleague_is_said(
    tmp_path: Path, more: str, key: str, said: str
) -> None:
    more = more.replace("Support@.example", "Support@example.com")
    (problem,) = problems(tmp_path, CHANNEL + more)
    assert problem.key == key
    assert said in problem.message


def test_deputies_may_follow_one_another(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    mika = KEN.replace("Ken", "Mika").replace("ken@", "mika@")
    more = AIKO + 'deputy = "ken"\n' + KEN + 'deputy = "Mika"\n' + mika
    path.write_text(CHANNEL + more, encoding="utf-8")
    assert [one.deputy for one in people(load(path, {}))] == ["ken", "Mika", ""]


def test_colleagues_need_a_way_to_mail(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, AIKO)
    assert "needs a channel that sends mail" in problem.message
