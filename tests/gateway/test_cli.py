"""The commands, as people type them."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway import secrets
from gateway.cli import app
from store import tokens
from store.store import prepare
from tests.making import CONFIG, Desk, mail, opened

# The lock file of a store closes with the process that opened it.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.usefixtures("own_log"),
]


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def madoguchi(folder: Path, *command: str, config: bool = True) -> Result:
    given = ["-c", str(folder / "config.toml")] if config else []
    return CliRunner().invoke(app, [*command, *given], catch_exceptions=False)


def on(folder: Path, work: Callable[[Desk], Awaitable[Any]]) -> Any:
    """Do something on the store that the commands will find."""

    async def main() -> Any:
        async with opened(folder) as desk:
            return await work(desk)

    return asyncio.run(main())


def arrived(folder: Path, raw: bytes, *, unreadable: bytes = b"") -> int:
    async def work(desk: Desk) -> int:
        desk.inline.unreadable = unreadable
        return (await desk.accept(raw)).message

    return int(on(folder, work))


def test_check_is_good_or_tells_every_error_with_its_line(folder: Path) -> None:
    good = madoguchi(folder, "check")
    assert good.exit_code == 0
    assert "good, 1 channel(s)" in good.output
    (folder / "config.toml").write_text(CONFIG + "[oops]\n[http]\nlisten = 5\n", encoding="utf-8")
    bad = madoguchi(folder, "check")
    assert bad.exit_code == 1
    assert "oops" in bad.stderr
    assert "listen" in bad.stderr
    assert "Traceback" not in bad.output


def test_check_connect_tries_the_store_and_each_channel(folder: Path) -> None:
    assert "store: the next start makes it" in madoguchi(folder, "check", "--connect").output
    arrived(folder, mail())
    found = madoguchi(folder, "check", "--connect")
    assert "store: answers\n" in found.output
    assert "channel mail:" in found.output + found.stderr


def test_check_connect_fails_where_a_channel_cannot_send(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    text = CONFIG.replace("maildir:sent", f"smtp://127.0.0.1:{port}?tls=none")
    (folder / "config.toml").write_text(text, encoding="utf-8")
    found = madoguchi(folder, "check", "--connect")
    assert found.exit_code == 1
    assert "error: channel mail:" in found.stderr


def test_a_file_that_is_not_there_is_one_clear_line(folder: Path) -> None:
    (folder / "config.toml").unlink()
    for command in (("check",), ("audit",), ("why", "1"), ("run",), ("token",)):
        told = madoguchi(folder, *command)
        assert told.exit_code == 1
        assert "config.toml" in told.stderr
        assert "Traceback" not in told.stderr


def test_parse_prints_a_line_a_file_in_order_and_succeeds(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(mail(subject="佐藤\u2028x"))
    files = [str(tmp_path / name) for name in ("a.eml", "none.eml", "a.eml")]
    told = madoguchi(tmp_path, "parse", *files, config=False)
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert told.exit_code == 0
    assert [line["file"] for line in lines] == files
    assert "error" in lines[1]


def test_parse_shows_what_a_rule_for_form_mail_finds_or_which_rules_there_are(folder: Path) -> None:
    rule = 'form = "contact"\nfrom = "form@shop.example"\nauthenticated_by = ["shop.example"]'
    (folder / "config.toml").write_text(f"{CONFIG}\n[[form_mail]]\n{rule}\n", encoding="utf-8")
    (folder / "a.eml").write_bytes(mail(Reply_To="hana@example.jp"))
    for name in ("contact", "Form@shop.example"):
        told = madoguchi(folder, "parse", str(folder / "a.eml"), "--form", name)
        assert json.loads(told.stdout)["form"]["author"] == "hana@example.jp"
    told = madoguchi(folder, "parse", str(folder / "a.eml"), "--form", "other")
    assert told.exit_code == 1
    assert "it has contact" in told.stderr


def test_why_tells_the_story_by_id_and_by_message_id(folder: Path) -> None:
    number = arrived(folder, mail(Message_ID="<known@x.jp>"))
    for name in (str(number), "<known@x.jp>"):
        told = madoguchi(folder, "why", name)
        assert told.exit_code == 0
        assert "acknowledgement" in told.output
        assert "a new case" in told.output
    assert json.loads(madoguchi(folder, "why", str(number), "--json").stdout)["id"] == number


def test_why_of_nothing_says_so(folder: Path) -> None:
    told = madoguchi(folder, "why", "4711")
    assert (told.exit_code, told.stderr) == (1, "madoguchi: there is no message 4711\n")


def test_audit_accounts_for_everything(folder: Path) -> None:
    arrived(folder, mail())
    told = madoguchi(folder, "audit")
    assert told.exit_code == 0
    assert "everything is accounted for" in told.output
    assert json.loads(madoguchi(folder, "audit", "--json").stdout)["open"] == []


def test_audit_fails_when_a_unit_has_no_message(folder: Path) -> None:
    arrived(folder, mail())

    async def lose(desk: Desk) -> None:
        from sqlalchemy import text

        await desk.store.write(lambda c, _: c.execute(text("UPDATE ledger SET message_id = NULL")))

    on(folder, lose)
    told = madoguchi(folder, "audit")
    assert told.exit_code == 1
    assert "no message" in told.output


def test_quarantine_is_listed_and_retried_in_place(folder: Path) -> None:
    assert "nothing is in quarantine" in madoguchi(folder, "quarantine", "list").output
    number = arrived(folder, mail(subject="At last", body="poison"), unreadable=b"poison")
    listed = madoguchi(folder, "quarantine", "list")
    assert "a defect of the reader" in listed.output
    assert json.loads(madoguchi(folder, "quarantine", "list", "--json").stdout)[0]["id"] == number
    told = madoguchi(folder, "quarantine", "retry")
    assert told.output == f"{number}: quarantined -> stored, subject 'At last'\n"
    assert "nothing is in quarantine" in madoguchi(folder, "quarantine", "list").output


def test_import_takes_every_kind_once_and_says_nothing(folder: Path) -> None:
    raw = mail().replace(b"\r\n", b"\n")
    old = folder / "old"
    for name in ("cur", "new"):
        (old / "box" / name).mkdir(parents=True)
    (old / "box" / "cur" / "1:2,").write_bytes(mail())
    (old / "a.eml").write_bytes(raw)
    (old / "b.mbox").write_bytes(b"From x\n" + raw + b"\nFrom y\n" + mail().replace(b"\r\n", b"\n"))
    told = madoguchi(folder, "import", str(old))
    assert told.exit_code == 0
    assert "imported 3, known before 1, quarantined 0" in told.output
    again = madoguchi(folder, "import", str(old))
    assert "imported 0, known before 4, quarantined 0" in again.output
    assert on(folder, lambda desk: desk.count("outbox")) == 0
    assert not list(folder.glob("sent/new/*"))


def test_import_of_nothing_says_what_is_missing(folder: Path) -> None:
    told = madoguchi(folder, "import", str(folder / "nowhere"))
    assert told.exit_code == 1
    assert "nowhere" in told.stderr


def test_token_replaces_the_one_before(folder: Path) -> None:
    first, second = (madoguchi(folder, "token").stdout.split() for _ in range(2))
    assert first[0] == second[0] == "token"
    assert first[1] != second[1]
    active = on(folder, lambda desk: desk.store.read(tokens.active))
    assert tokens.find(active, second[1])
    assert not tokens.find(active, first[1])
    kept = folder / "var" / "api-token"
    assert kept.read_text().strip() == second[1]
    assert kept.stat().st_mode & 0o077 == 0


def test_a_damaged_store_is_one_clear_line(folder: Path) -> None:
    (folder / "desk.db").write_bytes(b"this is no database" * 1000)
    told = madoguchi(folder, "audit")
    assert told.exit_code == 1
    assert told.stderr.startswith("madoguchi: ")
    assert "desk.db" in told.stderr
    assert told.stderr.count("\n") == 1


def at(folder: Path, revision: str) -> None:
    """Leave a store of that revision, without the tables where there is none."""
    prepare(f"sqlite:///{folder / 'desk.db'}")
    with closing(sqlite3.connect(folder / "desk.db", isolation_level=None)) as connection:
        if revision:
            connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        else:
            connection.execute("DROP TABLE alembic_version")


@pytest.mark.parametrize(
    ("prepared", "remedy", "checked"),
    [
        (lambda _: None, "`madoguchi run` makes it", "the next start makes it"),
        (lambda f: (f / "desk.db").touch(), "`madoguchi run` makes its tables", "brings it up"),
        (lambda f: at(f, ""), "`madoguchi run` makes its tables", "brings it up"),
        (lambda f: at(f, "0003"), "`madoguchi run` brings it up to date", "brings it up"),
        (lambda f: at(f, "9999"), "run that version", "run that version"),
        (lambda f: (f / "desk.db").write_bytes(b"?" * 9999), "from a backup", "from a backup"),
    ],
    ids=["none", "an empty file", "no tables", "an older schema", "a newer schema", "no database"],
)
def test_looking_at_a_store_that_is_not_ready_says_what_helps(
    folder: Path, prepared: Callable[[Path], object], remedy: str, checked: str
) -> None:
    prepared(folder)
    before = {one: one.stat().st_size for one in folder.iterdir()}
    told = madoguchi(folder, "preview", "nudge", "--case", "K4TZ-9QHM")
    assert told.exit_code == 1
    assert told.stderr.startswith("madoguchi: ")
    assert remedy in told.stderr
    assert told.stderr.count("\n") == 1
    assert {one: one.stat().st_size for one in before} == before
    found = madoguchi(folder, "check", "--connect")
    assert checked in found.output + found.stderr


def test_a_newer_store_is_refused_by_every_command_with_what_helps(folder: Path) -> None:
    at(folder, "9999")
    (folder / "a.eml").write_bytes(mail())
    for command in (
        ("audit",), ("why", "1"), ("quarantine", "list"), ("quarantine", "retry"),
        ("spam", "list"), ("spam", "release", "1"), ("token",), ("import", str(folder / "a.eml")),
        ("run",),
    ):  # fmt: skip
        told = madoguchi(folder, *command)
        assert told.exit_code == 1, command
        assert "run that version" in told.stderr.splitlines()[-1]


def test_a_damaged_key_is_one_clear_line(folder: Path) -> None:
    secrets.key(folder / "var")
    (folder / "var" / "secret.key").write_text("")
    for command in ("audit", "run"):
        told = madoguchi(folder, command)
        assert told.exit_code == 1
        assert "secret.key" in told.stderr


def test_a_server_that_is_down_is_told_at_once(folder: Path) -> None:
    text = CONFIG.replace("sqlite:///desk.db", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    (folder / "config.toml").write_text(text, encoding="utf-8")
    for command in (("audit",), ("token",), ("preview", "nudge", "--case", "K4TZ-9QHM")):
        told = madoguchi(folder, *command)
        assert told.exit_code == 1
        assert told.stderr.startswith("madoguchi: the store cannot be used now: ")
        assert "[store] url" in told.stderr
        assert told.stderr.count("\n") == 1


def test_a_port_that_is_taken_ends_the_start_with_a_word(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = f'[store]\nurl = "sqlite:///desk.db"\n[http]\nlisten = "127.0.0.1:{port}"\n'
        (folder / "config.toml").write_text(text, encoding="utf-8")
        told = madoguchi(folder, "run")
    assert told.exit_code == 1
    assert str(port) in told.stderr
    assert told.stderr.splitlines()[-1].startswith("madoguchi: ")


def test_a_data_folder_that_is_none_is_one_clear_line(folder: Path) -> None:
    (folder / "var").write_text("in the way")
    told = madoguchi(folder, "audit")
    assert told.exit_code == 1
    assert told.stderr.startswith("madoguchi: ")
    assert "var" in told.stderr


def test_without_a_command_it_says_what_there_is(folder: Path) -> None:
    told = madoguchi(folder, "--help", config=False)
    for command in ("run", "check", "parse", "import", "audit", "why", "quarantine", "token"):
        assert command in told.output


def test_spam_is_listed_and_released_by_its_id(folder: Path) -> None:
    rules = f'{CONFIG}[spam]\nblock = ["spam.example"]\n'
    (folder / "config.toml").write_text(rules, encoding="utf-8")
    assert madoguchi(folder, "spam", "list").output == "there is no spam\n"

    async def main() -> int:
        async with opened(folder, rules) as desk:
            spam = mail("A <a@spam.example>", subject="Buy\x1b[2J")
            return (await desk.accept(spam)).message

    number = asyncio.run(main())
    listed = madoguchi(folder, "spam", "list").output
    assert f"{number}  2026-11-24 03:00Z  mail" in listed
    assert "the block list names the sender" in listed
    assert "\x1b" not in listed
    assert json.loads(madoguchi(folder, "spam", "list", "--json").stdout)[0]["id"] == number
    told = madoguchi(folder, "spam", "release", str(number), "4711")
    assert told.output == f"{number}: released\n4711: is not spam\n"
    assert told.exit_code == 1
    assert madoguchi(folder, "spam", "list").output == "there is no spam\n"
