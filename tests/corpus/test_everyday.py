"""Everyday Japanese mail is read as its writer saw it."""

from __future__ import annotations

import pytest

from tests.corpus.everyday import MAILS, Expected
from tests.normalizer.email.mail import reading


@pytest.mark.parametrize("sample", MAILS, ids=lambda sample: str(sample[0]))
def test_an_everyday_mail_is_read_as_written(sample: tuple[str, bytes, Expected]) -> None:
    name, raw, expected = sample
    message = reading(raw)
    assert message.from_[0] == (expected.name, expected.address)
    assert message.subject == expected.subject
    assert message.text.strip() == expected.text
    assert tuple(part.filename for part in message.parts) == expected.files
    if expected.claims or name == "two-froms":
        assert tuple(claim.identity.address for claim in message.claims) == expected.claims


@pytest.mark.parametrize("sample", MAILS, ids=lambda sample: str(sample[0]))
def test_line_ends_of_an_everyday_mail_do_not_matter(sample: tuple[str, bytes, Expected]) -> None:
    _, raw, _ = sample
    assert reading(raw.replace(b"\r\n", b"\n")) == reading(raw)
