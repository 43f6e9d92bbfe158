"""A person answers over HTTP, and the mail that leaves continues the customer's own thread."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.servers import API_TOKEN, Site, daemon, lay_out
from tests.daemon.window import (
    acknowledgements,
    all_read,
    api,
    bare,
    change,
    mail,
    rows,
    send,
    talking,
)

pytestmark = pytest.mark.daemon


def ask(site: Site, method: str, path: str, body: Any) -> Any:
    """What the API answers when somebody changes something."""
    headers = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", site.http, timeout=60)) as connection:
        connection.request(method, path, json.dumps(body), headers)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        assert answer.status in {200, 201}, found
        return found


def test_an_answer_over_http_arrives_in_the_customers_thread(tmp_path: Path) -> None:
    site = lay_out(tmp_path)
    letter = mail("answered")
    with daemon(site):
        assert send(site, letter).code == 250
        acknowledgements(site, 1)
        case = api(site, "/v1/cases")["items"][0]
        said = ask(
            site, "POST", f"/v1/cases/{case['id']}/reply",
            {"text": "It left today.\n", "status": "pending"},
        )  # fmt: skip
        sent = acknowledgements(site, 2)
        (answer,) = [one for one in sent if bare(one) == said["message_id"]]
        assert answer["To"] == "yuki@example.jp" or "<yuki@example.jp>" in answer["To"]
        assert answer["In-Reply-To"] == letter["Message-ID"]
        assert answer["References"] == letter["Message-ID"]
        assert answer["Auto-Submitted"] is None
        assert answer["Return-Path"] == "<support@example.com>"
        assert answer.get_content() == "It left today.\n"
        again = mail("again")
        again["In-Reply-To"] = answer["Message-ID"]
        assert send(site, again).code == 250
        all_read(site)
        found = rows(site, "SELECT direction, kind, case_id FROM v_messages ORDER BY id")
    assert [(r["direction"], r["kind"]) for r in found] == [
        ("in", "message"), ("out", "acknowledgement"), ("out", "reply"), ("in", "message"),
    ]  # fmt: skip
    assert {r["case_id"] for r in found} == {case["id"]}


STAFF = """
[[staff]]
name = "Aiko"
address = "aiko@corp.example"
notify = ["new case"]
"""
VOUCHED = "mx.example.com; dmarc=pass header.from=corp.example"


def test_a_colleague_answers_by_mail_and_a_forger_with_the_same_code_does_not(
    tmp_path: Path,
) -> None:
    """S13: what goes to the customer is from us; the forged mail ends as a note."""
    site = lay_out(tmp_path, more=STAFF)
    change(site, ('addresses = ["s', 'trusted_relays = ["127.0.0.1"]\naddresses = ["s'))
    with daemon(site):
        assert send(site, mail("told")).code == 250
        told = next(m for m in acknowledgements(site, 2) if m["To"] == "aiko@corp.example")
        assert told["Auto-Submitted"] == "auto-generated"
        for name, vouched, body in (("forged", "", "Pay me."), ("real", VOUCHED, "It left.")):
            letter = mail(name, "aiko@corp.example")
            letter.replace_header("From", "Aiko Sato <aiko@corp.example>")
            letter.replace_header("To", told["Reply-To"])
            letter.set_content(f"{body}\n\n-- \nAiko, aiko@corp.example\n")
            if vouched:
                letter["Authentication-Results"] = vouched
            with talking(site) as line:
                line.mail("aiko@corp.example")
                line.rcpt(told["Reply-To"])
                assert line.data(letter.as_bytes())[0] == 250
        sent = acknowledgements(site, 3)
        (answer,) = [m for m in sent if m["Auto-Submitted"] is None]
        all_read(site)
        found = rows(site, "SELECT direction, kind FROM v_messages ORDER BY id")
    assert "yuki@example.jp" in answer["To"]
    assert answer["From"] == "Example Support <support@example.com>"
    assert answer.get_content() == "It left.\n"
    assert b"corp.example" not in answer.as_bytes()
    assert [(r["direction"], r["kind"]) for r in found].count(("in", "note")) == 2
    assert [r["kind"] for r in found].count("reply") == 1
