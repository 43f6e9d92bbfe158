"""The Dovecot of the tests does what the tests believe of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.daemon.dovecot import Dovecot, dovecot
from tests.daemon.servers import require
from tests.making import mail

pytestmark = pytest.mark.daemon


@pytest.fixture
def server() -> Iterator[Dovecot]:
    require("dovecot")
    with dovecot() as running:
        yield running


def test_mail_is_delivered_and_lies_in_its_folder(server: Dovecot) -> None:
    """Two by LMTP, one put into Sent; both folders survive a restart."""
    server.deliver(mail(), mail())
    server.append("Sent", mail())
    server.restart()
    with server.connect() as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 2
        assert client.select_folder("Sent")[b"EXISTS"] == 1


def test_a_renumbered_folder_has_its_mails_and_another_uidvalidity(server: Dovecot) -> None:
    server.deliver(mail(), mail())
    with server.connect() as client:
        before = client.select_folder("INBOX")
    server.renumber()
    with server.connect() as client:
        after = client.select_folder("INBOX")
    assert after[b"EXISTS"] == 2
    assert after[b"UIDVALIDITY"] != before[b"UIDVALIDITY"]
