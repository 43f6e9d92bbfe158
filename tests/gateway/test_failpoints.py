"""A failpoint kills at the named place and count, and is off unless a test sets it."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from gateway.failpoints import failpoint


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    kills: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: kills.append((pid, number)))
    return kills


def test_without_a_setting_nothing_ever_happens(killed: list[tuple[int, int]]) -> None:
    passed = failpoint({})
    for name in ("F1", "", "F2:1"):
        passed(name)
    assert killed == []


@pytest.mark.parametrize(("setting", "times"), [("F2", 1), ("F2:1", 1), ("F2:17", 17)])
def test_it_kills_at_that_place_and_count(
    killed: list[tuple[int, int]], setting: str, times: int
) -> None:
    passed = failpoint({"MADOGUCHI_FAILPOINT": setting})
    for _ in range(times - 1):
        passed("F2")
        passed("F1")
    assert killed == []
    passed("F2")
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_it_counts_across_threads(killed: list[tuple[int, int]]) -> None:
    passed = failpoint({"MADOGUCHI_FAILPOINT": "F8:400"})
    threads = [
        threading.Thread(target=lambda: [passed("F8") for _ in range(100)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(killed) == 1
