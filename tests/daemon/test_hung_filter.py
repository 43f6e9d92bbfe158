"""A spam filter that takes every question and answers none: no mail waits for it, and none is lost."""

from __future__ import annotations

import smtplib
import socket
from contextlib import closing
from pathlib import Path

import pytest

from tests.daemon.servers import daemon, lay_out, wait_until
from tests.daemon.window import logged, rows
from tests.making import mail

pytestmark = pytest.mark.daemon

MAILS = 10


def test_a_hung_filter_delays_no_250_and_loses_no_mail(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=128)) as hung:
        port = hung.getsockname()[1]
        site = lay_out(tmp_path, more=f'\n[spam]\nrspamd = "http://127.0.0.1:{port}"\n')
        with daemon(site), smtplib.SMTP("127.0.0.1", site.smtp, timeout=60) as line:
            for n in range(MAILS):
                line.sendmail("a@x.jp", ["support@example.com"], mail(subject=f"Matter {n}"))
            query = "SELECT id FROM v_messages WHERE direction = 'in' AND status = 'stored'"
            wait_until(lambda: len(rows(site, query)) == MAILS, 90, "all mails are read")
    assert logged(site, "spam.filter_failed")
    assert logged(site, "message.read_later")  # it had its 250 before the filter's time was over
    assert len(rows(site, "SELECT id FROM v_cases")) == MAILS
