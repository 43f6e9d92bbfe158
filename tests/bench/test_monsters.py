"""The monsters are hostile in shape only: as SMTP they are whole, and no larger than is promised."""

from __future__ import annotations

import pytest

from tests.bench.monsters import MONSTERS, Monster, mail


@pytest.mark.parametrize("monster", MONSTERS, ids=lambda monster: monster.name)
def test_a_monster_is_one_whole_mail_of_at_most_25_mib(monster: Monster) -> None:
    data = mail(monster, 7)
    assert len(data) <= 25 * 2**20
    assert data.index(b"\r\n.\r\n") == len(data) - 5
    assert b"\r\n\r\n" in data
