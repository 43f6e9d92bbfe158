"""What may stand in a mailbox's table, and what is refused with a word on what would be right."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from channels.imap.settings import ImapSettings
from tests.channels.imap_box import settings


def refusal(**more: Any) -> str:
    with pytest.raises(ValidationError) as error:
        settings(1143, **more)
    return str(error.value)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\nA1 DELETE INBOX", "\0"])
@pytest.mark.parametrize("key", ["sent", "username", "password", "host", "afterwards"])
def test_a_line_end_in_what_is_sent_to_the_server_is_refused(key: str, end: str) -> None:
    """S05: it would end our command and begin another (CVE-2025-15366)."""
    assert "line end" in refusal(**{key: f"move:x{end}"})
    assert "line end" in refusal(folders=["INBOX", f"x{end}"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"folders": []}, "at least 1"),
        ({"folders": ["INBOX", "inbox"]}, "stands once"),
        ({"folders": [""]}, "needs a name"),
        ({"afterwards": "delete"}, '"move:FOLDER"'),
        ({"afterwards": "move:"}, "needs a folder"),
        ({"afterwards": "move:INBOX"}, "is read itself"),
        ({"sent": "INBOX"}, "be the Sent folder, too"),
        ({"port": 993, "tls": "starttls"}, "port = 143"),
        ({"poll": "soon"}, "not a duration"),
        ({"idle": 0}, "greater than 0"),
    ],
)
def test_what_cannot_work_is_refused(more: dict[str, Any], said: str) -> None:
    assert said in refusal(**more)


def test_the_defaults_are_those_of_most_providers() -> None:
    facts = {"name": "m", "type": "imap", "host": "imap.example.com", "username": "a@b.c"}
    made = ImapSettings.model_validate(
        facts | {"addresses": ["a@b.c"], "send": "maildir:sent", "password": "x"}
    )
    assert (made.port, made.tls, made.folders, made.sent) == (993, "implicit", ("INBOX",), "Sent")
    assert (made.poll, made.idle, made.afterwards, made.since) == (60, 540, "leave", None)
    assert "x'" not in repr(made).partition("password")[2]


def test_durations_and_days_are_read_as_people_write_them() -> None:
    made = settings(1143, poll="5 minutes", idle="2 hours", since="2026-01-31")
    assert (made.poll, made.idle, made.rest) == (300, 7200, 300)
    assert made.since == date(2026, 1, 31)
    assert settings(1143, afterwards="move:Done").move_to == "Done"
    assert settings(1143, folders=["Inbox"]).folders == ("INBOX",)
