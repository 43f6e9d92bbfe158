"""Channels and readers of other packages: found by entry points, and named when they are broken."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

import channels
import normalizer
from channels.base import Host
from gateway.config import ConfigError, load
from normalizer import normalize
from normalizer.message import Envelope
from tests.docs.pages import blocks, page
from tests.making import NOON

TABLE = '[[channel]]\nname = "p"\ntype = "pager"\nport = 0\n'


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages with the pager of docs/channels.md in it."""
    folder = tmp_path / "site"
    install(folder)
    monkeypatch.syspath_prepend(folder)
    yield folder
    normalizer.reader.cache_clear()
    for name in [name for name in sys.modules if name.startswith("madoguchi_pager")]:
        del sys.modules[name]


def install(folder: Path) -> None:
    """Put the page's pager there, as pip would."""
    package = folder / "madoguchi_pager"
    package.mkdir(parents=True)
    channel, reader, _ = blocks(page("docs/channels.md"), "python")
    (package / "__init__.py").touch()
    (package / "channel.py").write_text(channel, "utf-8")
    (package / "reader.py").write_text(reader, "utf-8")
    _installed(folder, "madoguchi-pager", blocks(page("docs/channels.md"), "ini")[0])


def _installed(folder: Path, name: str, points: str) -> None:
    about = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    (about / "entry_points.txt").write_text(dedent(points), "utf-8")


def _config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(TABLE, "utf-8")
    return path


def test_a_package_adds_a_channel(site: Path, tmp_path: Path) -> None:
    settings = load(_config(tmp_path), {}).channels[0]
    channel = channels.load("pager")(settings, Host("mx.example", tmp_path))
    assert (channel.name, channel.ready) == ("p", False)
    assert "pager" in channels.kinds()


def test_and_its_reader(site: Path) -> None:
    raw = b"yuki hello\n"
    envelope = Envelope(channel="p", format="pager", raw=raw, unit="1", received_at=NOON)
    (message,) = normalize(envelope)
    assert (message.text, message.unreadable) == ("hello", "")


def test_a_format_that_nobody_offers_is_unreadable() -> None:
    envelope = Envelope(channel="p", format="smoke", raw=b"", unit="1", received_at=NOON)
    assert normalize(envelope)[0].unreadable == "BrokenPackage while reading smoke"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_library", "madoguchi-pager 1.0 cannot be loaded: ModuleNotFoundError"),
        ("1 / 0", "madoguchi-pager 1.0 cannot be loaded: ZeroDivisionError"),
        ("class Another: ...", "madoguchi-pager 1.0 cannot be loaded: AttributeError"),
        ("class Pager: ...", "its `Settings` must be a channels.base.Settings"),
    ],
)
def test_a_broken_package_is_an_error_of_the_file_that_names_it(
    site: Path, tmp_path: Path, code: str, said: str
) -> None:
    (site / "madoguchi_pager" / "channel.py").write_text(code, "utf-8")
    with pytest.raises(ConfigError) as error:
        load(_config(tmp_path), {})
    assert said in str(error.value)
    assert "line 3" in str(error.value) or ":3" in str(error.value)


def test_two_packages_of_one_name_are_told_apart_by_nobody(site: Path, tmp_path: Path) -> None:
    _installed(site, "other-pager", "[madoguchi.channels]\npager = madoguchi_pager.channel:Pager\n")
    with pytest.raises(ConfigError, match=r"madoguchi-pager 1\.0, other-pager 1\.0"):
        load(_config(tmp_path), {})


def test_our_own_names_cannot_be_taken(site: Path) -> None:
    _installed(site, "thief", "[madoguchi.channels]\nsmtp = madoguchi_pager.channel:Pager\n")
    assert channels.load("smtp").__module__ == "channels.smtp"
    assert channels.kinds().count("smtp") == 1
