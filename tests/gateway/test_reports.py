"""What the commands print: complete, on one line each, safe on a terminal."""

from __future__ import annotations

import json

import pytest

from gateway import reports
from store.accounts import Audit, Count, Open, Story
from store.unfinished import Kept
from tests.making import envelope

HOSTILE = "a\r\nb\x1b[31m\u202e\u2028c"
STORY = Story(
    7, "in", "message", "mail", "stored", HOSTILE, HOSTILE, "2026-11-24T03:00:00Z",
    ({"about": "author", "outcome": HOSTILE, "reason": HOSTILE},),
    (("2026-11-24T03:00:00Z", "unit-1", "accepted", ""),),
    (("failed", 2, "2026-11-24T03:00:00Z", HOSTILE),),
)  # fmt: skip
KEPT = Kept(7, "quarantined", HOSTILE, HOSTILE, "ab", envelope())


def test_a_clean_audit_says_so() -> None:
    shown = reports.audit(Audit((Count("mail", "accepted", 3),), (), (), ()))
    assert "everything is accounted for" in shown
    assert "accepted" in shown
    assert shown.count("nothing") == 2


def test_an_audit_names_each_thing_to_look_at() -> None:
    found = Audit(
        (), (), (), (Open("no message", 4, "mail", HOSTILE), Open("in_doubt", 5, "m", "x"))
    )
    shown = reports.audit(found)
    assert "to look at: 2" in shown
    assert "no message" in shown
    assert "in_doubt" in shown


def test_a_story_tells_every_decision_receipt_and_delivery() -> None:
    lines = reports.story(STORY).splitlines()
    assert len(lines) == 6
    assert [line.split()[0] for line in lines] == [
        "message", "Message-ID", "subject", "received", "author", "delivery",
    ]  # fmt: skip


def test_a_message_without_names_is_shown_so() -> None:
    assert reports.story(STORY._replace(message_id="", subject="")).count("(none)") == 2


SHOWN = {
    "story": reports.story(STORY),
    "audit": reports.audit(Audit((), (), (), (Open("unread", 1, "mail", HOSTILE),))),
    "quarantine": reports.quarantine([KEPT]),
    "changed": reports.changed(KEPT, STORY),
    "unchanged": reports.changed(KEPT, STORY._replace(status="quarantined")),
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
def test_a_stranger_s_text_is_harmless_on_a_terminal_g02(shown: str) -> None:
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert "b [31m" in shown


def test_what_changed_is_one_line() -> None:
    assert reports.changed(KEPT, None).startswith("7: a copy of another message")
    assert reports.changed(KEPT, STORY).startswith("7: quarantined -> stored, subject ")
    assert reports.changed(KEPT, STORY._replace(status="quarantined")).startswith(
        "7: still quarantined"
    )


def test_json_holds_everything_as_it_is() -> None:
    audit = Audit((Count("mail", "accepted", 3),), (), (), (Open("unread", 1, "mail", HOSTILE),))
    assert json.loads(reports.audit(audit, as_json=True))["open"][0]["about"] == HOSTILE
    assert json.loads(reports.story(STORY, as_json=True))["subject"] == HOSTILE
    (kept,) = json.loads(reports.quarantine([KEPT], as_json=True))
    assert kept == {
        "id": 7, "channel": "mail", "received_at": "2026-11-24T03:00:00+00:00", "reason": HOSTILE,
    }  # fmt: skip


def test_an_empty_quarantine_is_good_news() -> None:
    assert reports.quarantine([]) == "nothing is in quarantine"


def test_a_long_text_is_cut() -> None:
    assert len(reports.one_line("x" * 10_000)) == 120
