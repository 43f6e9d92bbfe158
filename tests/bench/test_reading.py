"""The comparison with Python's email package counts what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.reading import compare, decoded, found, sets
from tests.normalizer.email.mail import HEAD

MAIL = HEAD + b"\r\nHello\r\n"


def test_both_ways_are_measured_on_the_same_mails() -> None:
    told = compare("x", [MAIL] * 20, rounds=1)
    assert (told.mails, told.octets) == (20, 20 * len(MAIL))
    assert told.ours.failed == told.finding.failed == told.decoding.failed == 0
    assert told.ratio == told.ours.mails / told.finding.mails
    assert str(told).startswith("x: 20 mails")


def test_the_package_finds_the_body_and_the_attachments() -> None:
    kind = b'Content-Type: multipart/mixed; boundary="B"\r\n\r\n'
    body = b"--B\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    file = (
        b"--B\r\nContent-Type: image/png\r\nContent-Disposition: attachment\r\n\r\nx\r\n--B--\r\n"
    )
    assert len(found(HEAD + kind + body + file)) == 2


def test_a_mail_that_python_cannot_read_is_counted_and_not_hidden() -> None:
    unknown = HEAD + b"Content-Type: text/plain; charset=nobody-knows\r\n\r\n\xff"
    with pytest.raises(LookupError):
        decoded(unknown)
    told = compare("x", [unknown, MAIL], rounds=1)
    assert (told.ours.failed, told.finding.failed, told.decoding.failed) == (0, 0, 1)


def test_a_folder_of_mails_is_a_set_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL)
    monkeypatch.setenv("MAILS", str(tmp_path))
    assert sets()[tmp_path.name] == [MAIL]
    monkeypatch.delenv("MAILS")
    assert list(sets()) == ["own samples"]
