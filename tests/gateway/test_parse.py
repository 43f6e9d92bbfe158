"""`madoguchi parse` prints the fixed shape, a line for every file."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.parse import parse_files
from normalizer.email.forms import Places

MAIL = (
    b"From: =?utf-8?B?5L2Q6Jek?= <yuki@example.jp>\nTo: support@example.com\nSubject: Re: box\n"
    b"Date: Mon, 2 Feb 2026 10:00:00 +0900\nMessage-ID: <1@example.jp>\n\nHello\n"
)
KEYS = {
    "file", "message_id", "in_reply_to", "references", "from", "to", "cc", "reply_to", "subject",
    "base_subject", "date", "text", "html", "reply_text", "language", "attachments", "auto", "bounce",
}  # fmt: skip


def test_every_file_gives_one_object_in_order(tmp_path: Path) -> None:
    mail = tmp_path / "one.eml"
    mail.write_bytes(MAIL)
    missing = str(tmp_path / "none.eml")
    first, second = parse_files([str(mail), missing])
    assert first["file"] == str(mail)
    assert second["file"] == missing
    assert "error" in second


def test_the_shape_is_the_documented_one(tmp_path: Path) -> None:
    mail = tmp_path / "one.eml"
    mail.write_bytes(MAIL)
    (shown,) = parse_files([str(mail)])
    assert set(shown) >= KEYS
    assert shown["from"] == {"address": "yuki@example.jp", "name": "佐藤"}
    assert shown["base_subject"] == "box"
    assert shown["date"] == "2026-02-02T10:00:00+09:00"
    assert set(shown["auto"]) >= {"is_auto", "kind", "suppress_reply"}
    assert json.loads(json.dumps(shown)) == shown


def test_a_rule_for_form_mail_shows_what_it_finds(tmp_path: Path) -> None:
    mail = tmp_path / "one.eml"
    mail.write_bytes(
        MAIL.replace(b"Hello", "お名前: 山田\nメール: hana@example.jp\n番号: 7".encode())
    )
    places = Places(("body", "メール"), ("body", "お名前"), None, {"number": ("body", "番号")})
    (shown,) = parse_files([str(mail)], places)
    assert shown["form"] == {
        "author": "hana@example.jp", "name": "山田", "subject": "", "fields": {"number": "7"},
    }  # fmt: skip


def test_a_rule_that_finds_nobody_says_so(tmp_path: Path) -> None:
    mail = tmp_path / "one.eml"
    mail.write_bytes(MAIL)
    (shown,) = parse_files([str(mail)], Places(("header", "Reply-To")))
    assert shown["form"] == {"author": None, "name": "", "subject": "", "fields": {}}
