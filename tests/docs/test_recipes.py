"""Each recipe is a file that the daemon would start with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from channels import load as kind_of
from channels.base import Host
from gateway.config import load
from tests.docs.pages import blocks, page

RECIPES = blocks(page("docs/recipes.md"), "toml")


def test_every_provider_has_one() -> None:
    said = " ".join(RECIPES)
    for host in ("gmail.com", "office365.com", "xserver.jp", "sakura.ne.jp", "amazonaws.com"):
        assert host in said
    assert len(RECIPES) == len(re.findall(r"^## ", page("docs/recipes.md"), re.MULTILINE)) - 1


@pytest.mark.parametrize("recipe", RECIPES, ids=range(len(RECIPES)))
async def test_a_recipe_is_read_and_built_by_the_real_code(recipe: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(recipe, encoding="utf-8")
    secrets = dict.fromkeys(re.findall(r'env = "(\w+)"', recipe), "s3cret")
    (settings,) = load(path, secrets).channels
    channel = kind_of(settings.type)(settings, Host("mx.example.com", tmp_path))
    assert channel.name == "support"
    health = channel.login_health()
    assert (health is None) == ("oauth" not in recipe)
    await channel.close()
