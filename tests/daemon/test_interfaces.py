"""What INTERFACES promises of a start, of a mail, of its acknowledgement, and of the way back."""

from __future__ import annotations

import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr
from pathlib import Path

import pytest

from tests.daemon.servers import (
    API_TOKEN,
    Site,
    await_ready,
    daemon,
    launch,
    lay_out,
    log_tail,
    stop,
    wait_until,
)
from tests.daemon.window import (
    OURS,
    YUKI,
    acknowledgements,
    all_read,
    api,
    bare,
    change,
    get,
    holds,
    mail,
    refusal,
    rows,
    send,
    talking,
)

pytestmark = pytest.mark.daemon

MAIL_CHANNEL = re.compile(r"\[\[channel\]\].*?(?=\[acknowledge\])", re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A daemon for all tests that harm nothing."""
    laid = lay_out(tmp_path_factory.mktemp("window"))
    with daemon(laid):
        yield laid


def madoguchi(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the site's configuration."""
    command = Path(sys.executable).with_name("madoguchi")
    return subprocess.run(
        [str(command), *arguments, "-c", str(site.config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


# Start


def test_relative_paths_count_from_the_folder_of_the_file(site: Site) -> None:
    assert Path.cwd() != site.folder
    assert site.database.is_file()
    assert (site.folder / "var" / "secret.key").is_file()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/"])
def test_what_needs_no_token_is_answered_without(site: Site, path: str) -> None:
    assert get(site, path).status == 200


@pytest.mark.parametrize("path", ["/v1/conversations", "/v1/events?after=0", "/v1/nothing/there"])
def test_nothing_below_v1_is_said_without_a_token(site: Site, path: str) -> None:
    for token in (None, "wrong"):
        answer = get(site, path, token)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json["status"] == 401


def test_the_token_of_the_environment_is_the_first_one(site: Site) -> None:
    assert get(site, "/v1/conversations", API_TOKEN).status == 200
    assert API_TOKEN not in log_tail(site.log)


def test_a_token_that_nobody_gave_is_printed_once_kept_and_replaceable(tmp_path: Path) -> None:
    laid = lay_out(tmp_path)
    nobody = {"MADOGUCHI_API_TOKEN": ""}
    with daemon(laid, nobody):
        token = _printed_token(log_tail(laid.log))
        assert get(laid, "/v1/conversations", token).status == 200
    kept = laid.folder / "var" / "api-token"
    assert kept.read_text().strip() == token
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    laid.log.unlink()
    with daemon(laid, nobody):
        assert token not in log_tail(laid.log)
        assert get(laid, "/v1/conversations", token).status == 200
        fresh = _printed_token(madoguchi(laid, "token").stdout)
        assert fresh != token
        wait_until(lambda: _is_let_in(laid, fresh), 60, "the new token is good")
        wait_until(lambda: not _is_let_in(laid, token), 60, "the old token is no longer good")
    assert kept.read_text().strip() == fresh
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def _printed_token(output: str) -> str:
    found = [line for line in output.splitlines() if "token" in line and "mado_" in line]
    assert len(found) == 1, output
    return found[0].split()[-1]


def _is_let_in(site: Site, token: str) -> bool:
    return get(site, "/v1/conversations", token).status == 200


def test_sigint_ends_it_like_sigterm(tmp_path: Path) -> None:
    with daemon(lay_out(tmp_path)) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_ready_is_said_only_once_every_listener_accepts(tmp_path: Path) -> None:
    """Somebody else holds the SMTP port at first."""
    laid = lay_out(tmp_path)
    with socket.create_server(("127.0.0.1", laid.smtp)):
        process = launch(laid)
        try:
            wait_until(holds(laid, "/healthz", 200), 90, "/healthz is 200")
            unready = get(laid, "/readyz")
            assert unready.status == 503
            assert unready.json["missing"] == ["listener mail"]
        except BaseException:
            process.kill()
            raise
    try:
        await_ready(laid, process)
        assert send(laid, mail("one")).code == 250
    finally:
        assert stop(process) == 0


def test_a_port_that_is_taken_ends_the_start_with_a_word(tmp_path: Path) -> None:
    laid = lay_out(tmp_path)
    with socket.create_server(("127.0.0.1", laid.http)):
        assert refusal(laid) == 1
    assert str(laid.http) in log_tail(laid.log) or "in use" in log_tail(laid.log)
    assert "Traceback" not in log_tail(laid.log)


def test_a_file_without_a_mail_channel_is_valid(tmp_path: Path) -> None:
    laid = lay_out(tmp_path)
    laid.config.write_text(MAIL_CHANNEL.sub("", laid.config.read_text("utf-8")), "utf-8")
    assert "channel" not in laid.config.read_text("utf-8")
    assert madoguchi(laid, "check").returncode == 0
    with daemon(laid):
        assert api(laid, "/v1/conversations") == {"items": [], "next": None}


def test_a_wrong_file_is_told_by_check_and_by_run(tmp_path: Path) -> None:
    laid = lay_out(tmp_path)
    change(laid, ("timezone =", "time_zone ="), ('type = "smtp"', 'type = "pigeon"'))
    checked = madoguchi(laid, "check")
    assert checked.returncode == 1
    for word in ("config.toml:3: gateway.time_zone", "config.toml:15: channel[0].type"):
        assert word in checked.stderr
    assert refusal(laid) == 1
    assert "Traceback" not in log_tail(laid.log)


# A mail, in the views and over HTTP


@pytest.fixture(scope="module")
def told(site: Site) -> tuple[EmailMessage, EmailMessage]:
    """A mail and its acknowledgement."""
    letter = mail("told")
    assert send(site, letter).code == 250
    return letter, _acknowledgement_of(site, letter)


def _acknowledgement_of(site: Site, letter: EmailMessage) -> EmailMessage:
    def found() -> list[EmailMessage]:
        sent = acknowledgements(site, 0)
        return [one for one in sent if one["In-Reply-To"] == letter["Message-ID"]]

    wait_until(lambda: bool(found()), 60, "the acknowledgement is sent")
    assert len(found()) == 1
    return found()[0]


Told = tuple[EmailMessage, EmailMessage]


def _received(site: Site, letter: EmailMessage) -> dict[str, object]:
    all_read(site)
    query = "SELECT * FROM v_messages WHERE direction = 'in' AND message_id = '{}'"
    (row,) = rows(site, query.format(bare(letter)))
    return row


def test_a_mail_is_in_the_views_as_it_was_written(site: Site, told: Told) -> None:
    letter, _ = told
    row = _received(site, letter)
    assert (row["channel"], row["kind"], row["status"]) == ("mail", "message", "stored")
    assert row["subject"] == letter["Subject"]
    assert str(row["text"]).strip() == str(row["reply_text"]).strip() == "Where is my parcel?"
    received = datetime.fromisoformat(str(row["received_at"]))
    assert received.utcoffset() == timedelta(0)
    (person,) = rows(site, f"SELECT * FROM v_identities WHERE customer_id = {row['customer_id']}")
    assert person["address"] == f"email:{YUKI}"
    (case,) = rows(site, f"SELECT * FROM v_cases WHERE id = {row['case_id']}")
    assert (case["status"], case["subject"]) == ("new", letter["Subject"])
    assert case["conversation_id"] == row["conversation_id"]
    (receipt,) = rows(site, f"SELECT * FROM v_ledger WHERE message_id = {row['id']}")
    assert (receipt["channel"], receipt["outcome"]) == ("mail", "accepted")


def test_a_mail_is_told_as_events_in_growing_order(site: Site, told: Told) -> None:
    conversation = _received(site, told[0])["conversation_id"]
    events = rows(site, "SELECT * FROM v_events")
    cursors = [event["cursor"] for event in events]
    assert sorted(set(cursors)) == cursors
    mine = {event["type"] for event in events if event["conversation_id"] == conversation}
    assert {"message.received", "case.opened", "acknowledgement.queued"} <= mine
    over_http = api(site, "/v1/events?after=0&limit=3")["items"]
    assert [event["cursor"] for event in over_http] == cursors[:3]


def test_a_conversation_is_there_over_http(site: Site, told: Told) -> None:
    conversation = _received(site, told[0])["conversation_id"]
    items = api(site, "/v1/conversations")["items"]
    assert str(conversation) in {str(item["id"]) for item in items}


def test_an_acknowledgement_cannot_start_a_loop(told: Told) -> None:
    """RFC 3834"""
    _, answer = told
    assert answer.keys()[0] == "Return-Path"
    assert answer["Return-Path"] == "<>"
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["X-Auto-Response-Suppress"] == "All"


def test_an_acknowledgement_goes_to_one_person_from_our_plain_address(told: Told) -> None:
    _, answer = told
    recipients = getaddresses([*answer.get_all("To", []), *answer.get_all("Cc", [])])
    assert [address for _, address in recipients] == [YUKI]
    assert answer["Bcc"] is None
    assert parseaddr(answer["From"]) == ("Example Support", OURS)


def test_an_acknowledgement_belongs_to_the_thread_and_finds_the_way_back(told: Told) -> None:
    letter, answer = told
    assert answer["In-Reply-To"] == letter["Message-ID"]
    assert answer["References"].split()[-1] == letter["Message-ID"]
    token = answer["Message-ID"].strip("<>").partition("@")[0]
    assert parseaddr(answer["Reply-To"])[1] == f"support+{token}@example.com"
    assert answer["Date"].datetime.tzinfo is not None


def test_an_acknowledgement_says_the_reference_and_nothing_of_a_strangers_words(
    site: Site, told: Told
) -> None:
    letter, answer = told
    case = _received(site, letter)["case_id"]
    (row,) = rows(site, f"SELECT reference FROM v_cases WHERE id = {case}")
    body = answer.get_content()
    assert row["reference"] in body + answer["Subject"]
    for word in ("parcel", "Tanaka", letter["Subject"]):
        assert word.lower() not in (body + answer["Subject"] + answer["To"]).lower()


def test_the_acknowledgement_is_sent_in_the_views(site: Site, told: Told) -> None:
    query = "SELECT * FROM v_messages WHERE direction = 'out' AND message_id = '{}'"

    def status() -> str:
        (row,) = rows(site, query.format(bare(told[1])))
        assert row["kind"] == "acknowledgement"
        return str(row["status"])

    wait_until(lambda: status() == "sent", 60, "the view says that it is sent")


def _answer_to(told: Told, name: str, sender: str) -> EmailMessage:
    letter, answer = told
    reply = mail(name, sender)
    reply.replace_header("Subject", "quite another subject")
    reply["In-Reply-To"] = answer["Message-ID"]
    reply["References"] = f"{letter['Message-ID']} {answer['Message-ID']}"
    return reply


def test_an_answer_to_it_continues_the_case_and_is_not_acknowledged(site: Site, told: Told) -> None:
    reply = _answer_to(told, "answer", YUKI)
    assert send(site, reply).code == 250
    first, second = _received(site, told[0]), _received(site, reply)
    assert second["case_id"] == first["case_id"]
    assert second["conversation_id"] == first["conversation_id"]
    said = f"SELECT * FROM v_messages WHERE case_id = {first['case_id']} AND direction = 'out'"
    assert len(rows(site, said)) == 1


def test_a_stranger_with_the_same_token_gets_a_conversation_of_his_own(
    site: Site, told: Told
) -> None:
    reply = _answer_to(told, "stranger", "mallory@example.net")
    assert send(site, reply, "mallory@example.net").code == 250
    first, second = _received(site, told[0]), _received(site, reply)
    assert second["conversation_id"] != first["conversation_id"]
    assert second["case_id"] != first["case_id"]


def test_the_same_mail_again_is_one_message_with_two_receipts(site: Site) -> None:
    letter = mail("again", "twice@example.jp")
    for _ in range(2):
        assert send(site, letter, "twice@example.jp").code == 250
    row = _received(site, letter)
    receipts = rows(
        site, f"SELECT outcome FROM v_ledger WHERE message_id = {row['id']} ORDER BY id"
    )
    assert [receipt["outcome"] for receipt in receipts] == ["accepted", "duplicate"]
    _acknowledgement_of(site, letter)


def test_odd_octets_in_every_header_are_stored_and_answered(site: Site) -> None:
    """NUL, halves of surrogate pairs, line ends: no database and no template falls over them."""
    letter = mail("odd", "odd@example.jp")
    raw = letter.as_bytes().replace(
        b"Subject: Parcel odd",
        b"Subject: =?utf-8?Q?a=00b=0D=0Ac?= =?utf-16-be?B?2AA=?= =?utf-7?Q?+2AA-?= \xff\xfe",
    )
    with talking(site) as line:
        line.mail("odd@example.jp")
        line.rcpt(OURS)
        assert line.data(raw)[0] == 250
    assert _received(site, letter)["status"] == "stored"
    _acknowledgement_of(site, letter)


def test_metrics_count_what_happened(site: Site, told: Told) -> None:
    text = get(site, "/metrics").body.decode()
    counted = r'^madoguchi_messages_total\{channel="mail",outcome="accepted"\} [1-9]'
    assert re.search(counted, text, re.MULTILINE), text
