"""What many tests stand on: a whole desk on SQLite in a folder of its own."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from gateway import log
from tests.daemon.synapse import Synapse, synapse
from tests.making import Desk, opened

# A busy machine is no finding. What CI tries is the same each time; elsewhere it is always new.
settings.register_profile(
    "ours",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ours")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """The gateway's parts, reading in this process; its one relay is trusted."""
    async with opened(tmp_path) as desk:
        yield desk


@pytest.fixture(scope="session")
def homeserver() -> Iterator[Synapse]:
    """A real one, for all tests of one process; each makes accounts of its own."""
    with synapse() as running:
        yield running


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB, where a daemon of this folder has its data_dir."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    place = tmp_path / "var"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def own_log() -> Iterator[None]:
    """Whatever a test makes of the log, the next test has it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    _forget_loggers()
    yield
    structlog.reset_defaults()
    _forget_loggers()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def logged(own_log: None) -> io.StringIO:
    """The log as the daemon writes it where nobody looks: one JSON object a line."""
    stream = io.StringIO()
    log.configure("json", stream)
    return stream


def _forget_loggers() -> None:
    """A logger keeps the first configuration that it meets; ours live as long as their modules."""
    for name in [name for name in sys.modules if name.partition(".")[0] in log._OURS]:
        for value in vars(sys.modules[name]).values():
            if isinstance(value, structlog._config.BoundLoggerLazyProxy):
                vars(value).pop("bind", None)
