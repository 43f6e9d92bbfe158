"""What leaves signed verifies, with the library that signed it and with OpenDKIM."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

import dkim
import pytest
from pydantic import ValidationError

from channels.base import Host
from channels.mail import MailSettings
from channels.mail_out import MailOut
from channels.mail_signing import Dkim, key_for
from gateway.config import ConfigError
from gateway.watch.checking import texts
from normalizer.message import Address, Message, Part
from tests.bench import postfix
from tests.daemon.servers import program, require, wait_until
from tests.making import CONFIG, configure

REPLY = Message(
    kind="reply",
    message_id="2.2.token@example.com",
    in_reply_to="question@example.jp",
    references=("first@example.jp", "question@example.jp"),
    to=(Address("山田 太郎", "yuki@example.jp"),),
    subject="Re: 注文した商品がまだ届きません。いつごろ発送されますか",
    text=".\n..  two  blanks \n\nお問い合わせありがとうございます。\n\n\n",
    html="<p>お問い合わせ</p>",
    parts=(
        Part(
            role="attachment", content_type="application/pdf", size=512, sha256="",
            data=bytes(range(256)) * 2, filename="請求書.pdf",
        ),
    ),
)  # fmt: skip
PLAIN = Message(
    kind="acknowledgement", message_id="1.2.token@example.com", text="x",
    to=(Address("", "yuki@example.jp"),),
)  # fmt: skip
UTF8 = replace(PLAIN, to=(Address("", "用户@example.jp"),))
MAILS = {"reply": REPLY, "plain": PLAIN, "beyond ascii": UTF8}


def rsa_key(folder: Path, bits: int = 2048, *more: str) -> str:
    path = folder / f"{bits}.pem"
    command = ["openssl", "genrsa", *more, "-out", str(path), str(bits)]
    subprocess.run(command, check=True, capture_output=True)
    return path.read_text()


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> str:
    return rsa_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def table(pem: str) -> dict[str, str]:
    return {"domain": "example.com", "selector": "desk1", "key": pem}


def settings(folder: Path, dkim: object, *addresses: str) -> MailSettings:
    listed = addresses or ("support@example.com",)
    known = {"name": "mail", "type": "smtp", "addresses": listed, "send": f"maildir:{folder}"}
    return MailSettings.model_validate({**known, "dkim": dkim})


@asynccontextmanager
async def mail_out(settings: MailSettings, folder: Path) -> AsyncIterator[MailOut]:
    out = MailOut(settings, Host("mx.example.com", folder))
    yield out
    await out.close()


async def sent(folder: Path, dkim: object, message: Message, *addresses: str) -> bytes:
    """The mail as the Maildir has it, without the Return-Path that a delivery adds."""
    async with mail_out(settings(folder, dkim, *addresses), folder) as out:
        peer = await out.send(message, message.message_id)
    octets = (folder / "new" / peer.peer_id).read_bytes()
    assert octets.startswith(b"Return-Path")
    return octets.partition(b"\n")[2].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def verifies(mail: bytes, dkim_table: dict[str, str]) -> bool:
    name, text = Dkim.model_validate(dkim_table).record()
    known = {f"{name}.".encode(): text.encode()}
    return bool(dkim.verify(mail, dnsfunc=lambda asked, timeout=5: known.get(asked)))


@pytest.mark.parametrize("message", MAILS.values(), ids=MAILS)
async def test_a_signed_mail_verifies(
    tmp_path: Path, table: dict[str, str], message: Message
) -> None:
    mail = await sent(tmp_path, table, message)
    assert mail.startswith(b"DKIM-Signature: ")
    assert verifies(mail, table)


async def test_nothing_can_be_changed_or_added_afterwards(
    tmp_path: Path, table: dict[str, str]
) -> None:
    """Oversigned headers and no `l=` (RFC 6376 sections 8.2 and 8.15)."""
    mail = await sent(tmp_path, table, REPLY)
    assert not verifies(mail + b"more\r\n", table)
    assert not verifies(mail.replace(b"question", b"answer"), table)
    for header in (b"From: a@b.jp", b"Subject: x", b"Reply-To: a@b.jp", b"Content-Type: text/html"):
        assert not verifies(header + b"\r\n" + mail, table)
    tags = str(message_from_bytes(mail)["DKIM-Signature"]).split(";")
    assert "l" not in {tag.partition("=")[0].strip() for tag in tags}


@pytest.mark.daemon
@pytest.mark.parametrize("message", [REPLY, PLAIN], ids=("reply", "plain"))
async def test_opendkim_finds_it_good_and_finds_what_was_changed(
    tmp_path: Path, table: dict[str, str], message: Message
) -> None:
    """With the record as `madoguchi check` shows it."""
    require("opendkim")
    mail = await sent(tmp_path, table, message)
    said = await asyncio.to_thread(opendkim, tmp_path, Dkim.model_validate(table), mail)
    assert "dkim=pass (2048-bit key) header.d=example.com" in said
    changed = mail.replace(b"MIME-Version: 1.0", b"MIME-Version: 1.1")
    said = await asyncio.to_thread(opendkim, tmp_path, Dkim.model_validate(table), changed)
    assert "dkim=fail" in said


@pytest.mark.daemon
async def test_it_is_still_good_after_a_relay_has_handled_it(
    tmp_path: Path, table: dict[str, str]
) -> None:
    """Through a real Postfix, which adds headers and puts dots, blanks and lines through SMTP."""
    require("opendkim", "master", "postfix")
    message = replace(REPLY, to=(Address("", "yuki@example.com"),))
    with postfix.start() as relay:
        way = {"send": f"smtp://127.0.0.1:{relay.port}?tls=none"}
        async with mail_out(settings(tmp_path, table).model_copy(update=way), tmp_path) as out:
            await out.send(message, "1")
        await asyncio.to_thread(
            wait_until, lambda: any(relay.delivered.glob("*")), 20, "Postfix delivers"
        )
        [file] = relay.delivered.glob("*")
        mail = file.read_bytes().replace(b"\n", b"\r\n")
    assert b"Received: " in mail.partition(b"DKIM-Signature: ")[0]
    assert verifies(mail, table)
    said = await asyncio.to_thread(opendkim, tmp_path, Dkim.model_validate(table), mail)
    assert "dkim=pass" in said


def opendkim(folder: Path, key: Dkim, mail: bytes) -> str:
    """What OpenDKIM says of a mail, when DNS has our record and nothing else."""
    (folder / "dns").write_text(" ".join(key.record()) + "\n")
    (folder / "mail").write_bytes(mail)
    (folder / "conf").write_text(f"Mode v\nTestDNSData file:{folder}/dns\nSyslog no\n")
    command = [str(program("opendkim")), "-x", f"{folder}/conf", "-vvv", "-t", f"{folder}/mail"]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    return told.stdout


async def test_without_a_key_nothing_is_signed(tmp_path: Path) -> None:
    assert not (await sent(tmp_path, (), PLAIN)).startswith(b"DKIM")


async def test_the_key_is_that_of_the_address_in_from(tmp_path: Path, pem: str) -> None:
    """Its own domain's first, else an aligned one; a domain without a key leaves unsigned."""
    one = {"domain": "example.com", "selector": "a", "key": pem}
    other = one | {"domain": "shop.example.org", "selector": "b"}
    addresses = ("support@example.com", "desk@shop.example.org", "info@elsewhere.example")
    signers = []
    for address in addresses:
        message = replace(REPLY, from_=(Address("", address),), message_id=f"1@{address}")
        mail = message_from_bytes(await sent(tmp_path, [one, other], message, *addresses))
        signature = mail["DKIM-Signature"] or ""
        signers.append(next((d for d in ("example.com", "shop.example.org") if d in signature), ""))
    assert signers == ["example.com", "shop.example.org", ""]


@pytest.mark.parametrize(
    ("domain", "chosen"),
    [
        ("example.com", "example.com"),
        ("Mail.Example.com", "mail.example.com"),
        ("a.example.com", "example.com"),
        ("example.org", None),
        ("badexample.com", None),
        ("com", "example.com"),
    ],
)
def test_only_an_aligned_key_signs(pem: str, domain: str, chosen: str | None) -> None:
    domains = ("example.com", "mail.example.com")
    keys = [Dkim(domain=one, selector="a", key=pem) for one in domains]
    found = key_for(keys, domain)
    assert (found.domain if found else None) == chosen


WRONG = {
    'selector = "desk 1"': "selector: 'desk 1' cannot stand in DNS",
    'domain = "example.org"': "dkim: example.org cannot vouch for support@example.com",
    'key = { file = "none.pem" }': "none.pem: No such file",
    'key = { file = "config.toml" }': "key: is no RSA key in PEM form; make one with",
    'key = { file = "short.pem" }': "key: has 512 bits, which verifiers refuse",
    'key = { file = "locked.pem" }': "key: is encrypted; write it without a passphrase",
    'key = "here"': "a secret does not stand in this file; write key = {",
}


@pytest.mark.parametrize(("line", "said"), WRONG.items(), ids=WRONG)
def test_a_key_that_cannot_sign_is_told_at_start(
    tmp_path: Path, pem: str, line: str, said: str
) -> None:
    """One error with its line, and no word of the key."""
    (tmp_path / "dkim.pem").write_text(pem)
    (tmp_path / "short.pem").write_text(rsa_key(tmp_path, 512))
    (tmp_path / "locked.pem").write_text(rsa_key(tmp_path, 1024, "-aes128", "-passout", "pass:x"))
    good = {"domain": '"example.com"', "selector": '"desk1"', "key": '{ file = "dkim.pem" }'}
    name, _, value = line.partition(" = ")
    fields = ", ".join(f"{key} = {one}" for key, one in (good | {name: value}).items())
    with pytest.raises(ConfigError) as error:
        configure(tmp_path, f"{CONFIG}dkim = {{ {fields} }}\n")
    [problem] = error.value.problems
    assert said in str(error.value)
    assert problem.line == CONFIG.count("\n") + 1
    assert "BEGIN" not in str(error.value)


def test_windows_line_ends_are_no_error(pem: str) -> None:
    assert Dkim(domain="a.jp", selector="s", key=pem.replace("\n", "\r\n")).key == pem.strip()


def test_neither_list_nor_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        settings(tmp_path, "example.com")


def test_check_shows_what_to_publish(tmp_path: Path, pem: str) -> None:
    (tmp_path / "dkim.pem").write_text(pem)
    key = 'dkim = { domain = "example.com", selector = "s", key = { file = "dkim.pem" } }\n'
    said = [str(finding) for finding in texts(configure(tmp_path, CONFIG + key))]
    [line] = [one for one in said if "publish" in one]
    assert 'publish in DNS: s._domainkey.example.com TXT "v=DKIM1; k=rsa; p=MII' in line
