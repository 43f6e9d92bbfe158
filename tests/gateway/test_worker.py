"""Reading within limits: whatever a mail does, there is an answer."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from gateway import worker
from normalizer.message import Message, Spooled
from tests.making import envelope, mail


def answered(monkeypatch: pytest.MonkeyPatch, spool: Path, do: Any) -> Message:
    monkeypatch.setattr(worker, "normalize", do)
    (message,) = worker.read(envelope(mail()), spool)
    return message


def hang(_: object) -> tuple[Message, ...]:
    while True:
        hashlib.sha256(b"x" * 1000)


def test_a_mail_that_takes_too_much_cpu_is_quarantined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    monkeypatch.setattr(worker, "CPU_LIMIT", 0.05)
    before = signal.signal(signal.SIGPROF, worker._out_of_time)
    try:
        found = answered(monkeypatch, tmp_path, hang)
    finally:
        signal.signal(signal.SIGPROF, before)
    assert "CPU time" in found.unreadable
    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0


def test_a_mail_that_takes_too_much_memory_is_quarantined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(_: object) -> tuple[Message, ...]:
        raise MemoryError

    assert "memory" in answered(monkeypatch, tmp_path, greedy).unreadable


def test_html_becomes_a_part_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = answered(monkeypatch, tmp_path, lambda _: (Message(html="<p>\ud800佐"),))
    (part,) = found.parts
    assert found.html == ""
    assert (part.role, part.data) == ("html", "<p>?佐".encode())
    assert part.sha256 == hashlib.sha256("<p>?佐".encode()).hexdigest()


@pytest.mark.parametrize(("size", "files"), [(worker.SMALL // 2, 0), (worker.SMALL * 2, 1)])
def test_large_parts_leave_as_files(tmp_path: Path, size: int, files: int) -> None:
    raw = mail(Content_Type="application/pdf", body="x" * size)
    (found,) = worker.read(envelope(raw), tmp_path)
    (part,) = (p for p in found.parts if p.content_type == "application/pdf")
    assert len(list(tmp_path.iterdir())) == files
    data = Path(part.data.path).read_bytes() if isinstance(part.data, Spooled) else part.data
    assert hashlib.sha256(data).hexdigest() == part.sha256
    assert len(data) == part.size


def test_a_spooled_mail_is_read_as_its_bytes_would_be(tmp_path: Path) -> None:
    raw = mail()
    (tmp_path / "spooled").write_bytes(raw)
    sha256 = hashlib.sha256(raw).hexdigest()
    spooled = envelope(Spooled(str(tmp_path / "spooled"), len(raw), sha256))
    loaded, known = worker._load(spooled)
    assert (loaded.raw, known) == (raw, sha256)
    assert worker._load(envelope(raw))[1] == sha256
