"""D10: the power goes at any moment, and every mail that was answered 250 is there, with its files."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from store.store import prepare
from tests.daemon.power import COMMAND, Call, Disk, File, calls
from tests.daemon.servers import daemon, lay_out, require
from tests.daemon.trace import traced
from tests.daemon.window import acknowledgements, hand_over, mail, talking

CUTS = 200
SMALL, LARGE = 40, 4  # mails; a large one is a file beside the database


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Call]]:
    """The folder as it lay there before, the same while mail came in, and every call meanwhile."""
    require("strace")
    folder = tmp_path_factory.mktemp("power")
    site, before, trace = lay_out(folder), folder / "before", folder / "trace"
    with daemon(site):
        """The store is made."""
    shutil.copytree(site.folder / "var", before)
    with traced(site, COMMAND, trace), talking(site) as line:
        for number in range(SMALL + LARGE):
            size = 300_000 if number % 10 == 5 else 2_000
            assert hand_over(line, mail(f"m{number}", size=size)).code == 250
        acknowledgements(site, SMALL + LARGE, 120)
    with trace.open(encoding="utf-8", errors="replace") as lines:
        return before, site.folder / "var", list(calls(lines))


def disk_of(story: tuple[Path, Path, list[Call]]) -> Disk:
    """The disk as it was before; its files are called as those that the daemon wrote."""
    before, var, _ = story
    found, renamed = Disk.of(before), Disk(str(var))
    renamed.named = {path.replace(str(before), str(var), 1): f for path, f in found.named.items()}
    renamed.synced = dict(renamed.named)
    return renamed


def missing(files: dict[str, bytes], disk: Disk, folder: Path, *, opens: bool) -> list[str]:
    """What a daemon would miss that starts on these files; raises where the database is damaged."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path, octets in files.items():
        if Path(path).name.startswith("madoguchi.db") and not path.endswith("-shm"):
            (folder / Path(path).name).write_bytes(octets)
    database = folder / "madoguchi.db"
    if opens:
        prepare(f"sqlite:///{database}")
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        query = "SELECT unit FROM ledger WHERE message_id IS NOT NULL"
        stored = {unit for (unit,) in connection.execute(query)}
        large = [
            name for (name,) in connection.execute("SELECT sha256 FROM blobs WHERE data IS NULL")
        ]
    blobs = {name: files.get(f"{disk.folder}/blobs/{name[:2]}/{name[2:]}", b"") for name in large}
    lost = [unit for unit in disk.answered if unit not in stored]
    return lost + [name for name, octets in blobs.items() if sha256(octets).hexdigest() != name]


def cuts(
    story: tuple[Path, Path, list[Call]], disk: Disk, chosen: Random
) -> Iterator[dict[str, bytes]]:
    """The files after each of so many cuts, spread over the whole story."""
    made = story[2]
    moments = set(chosen.sample(range(len(made)), min(CUTS, len(made))))
    for number, call in enumerate(made):
        disk.take(call)
        if number in moments:
            yield disk.after(chosen)


@pytest.mark.daemon
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("power")  # one story for both
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a lock file closes with the process
def test_at_200_cuts_of_the_power_nothing_that_was_answered_250_is_lost_d10(
    story: tuple[Path, Path, list[Call]], tmp_path: Path
) -> None:
    disk, chosen = disk_of(story), Random(10)
    for number, files in enumerate(cuts(story, disk, chosen)):
        assert missing(files, disk, tmp_path / "cut", opens=number % 10 == 0) == []
    assert len(disk.answered) == SMALL + LARGE
    assert sum("/blobs/" in path for path in disk.synced) >= LARGE


@pytest.mark.daemon
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("power")
def test_on_a_disk_that_does_not_sync_the_same_cuts_lose_mail(
    story: tuple[Path, Path, list[Call]], tmp_path: Path
) -> None:
    """Else the test above would find nothing, whatever the daemon did."""
    disk, chosen, lost = disk_of(story), Random(10), 0
    disk.is_lying = True
    for files in cuts(story, disk, chosen):
        try:
            lost += len(missing(files, disk, tmp_path / "cut", opens=False))
        except (AssertionError, sqlite3.DatabaseError):
            lost += 1
    assert lost > 0


WRITTEN = [
    '7 openat(AT_FDCWD, "/v/a", O_WRONLY|O_CREAT, 0600) = 5</v/a>',
    '7 write(5</v/a>, "xy", 2) = 2',
]


def hexed(line: str) -> str:
    """A line as -xx writes it."""

    def written(found: re.Match[str]) -> str:
        octets = "".join(f"\\x{ord(one):02x}" for one in found[2])
        return f"{found[1]}{octets}{found[3]}"

    quoted = re.sub(r'(")(.*?)(")', written, line, flags=re.DOTALL)
    return re.sub(r"(<)(/.*?)(>)", written, quoted)


def after(lines: list[str]) -> list[dict[str, bytes]]:
    """What a hundred cuts after these calls leave behind."""
    disk = Disk("/v")
    for call in calls(map(hexed, lines)):
        disk.take(call)
    return [disk.after(Random(seed)) for seed in range(100)]


def test_a_file_is_there_once_it_and_its_folder_are_synced() -> None:
    synced = [*WRITTEN, "7 fsync(5</v/a>) = 0", "7 fsync(6</v>) = 0"]
    assert all(files == {"/v/a": b"xy"} for files in after(synced))
    for half in (synced[:2], synced[:3], [*synced[:2], synced[3]]):
        assert any(files.get("/v/a") != b"xy" for files in after(half))


def test_a_renamed_file_may_have_either_name_until_the_folder_is_synced() -> None:
    lines = [*WRITTEN, "7 fsync(5</v/a>) = 0", "7 fsync(6</v>) = 0", '7 rename("/v/a", "/v/b") = 0']
    assert {name for files in after(lines) for name in files} == {"/v/a", "/v/b"}
    assert all(files == {"/v/b": b"xy"} for files in after([*lines, "7 fsync(6</v>) = 0"]))


def test_a_file_in_a_new_folder_is_there_once_the_folder_s_own_name_is_synced() -> None:
    inside = [line.replace("/v/a", "/v/new/a") for line in WRITTEN]
    lines = [
        '7 mkdir("/v/new", 0777) = 0',
        *inside,
        "7 fsync(5</v/new/a>) = 0",
        "7 fsync(6</v/new>) = 0",
    ]
    assert any(files == {} for files in after(lines))
    assert all(files == {"/v/new/a": b"xy"} for files in after([*lines, "7 fsync(8</v>) = 0"]))


def test_a_sector_is_whole_or_not_there() -> None:
    file = File(bytearray(b"a" * 2048), [(0, b"b" * 2048)])
    found = [file.after(Random(seed)) for seed in range(50)]
    assert len(set(found)) > 2
    assert all(len({*octets[at : at + 512]}) == 1 for octets in found for at in range(0, 2048, 512))


def test_a_250_counts_from_the_moment_at_which_its_writing_began() -> None:
    disk = Disk("/v")
    begun = hexed('7 write(9<socket:[1]>, "250 2.0.0 ok queued as u-1\r\n", 30 <unfinished ...>')
    for call in calls([begun]):
        disk.take(call)
    assert disk.answered == ["u-1"]
