"""What leaves, for whom, and how a Maildir takes it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from channels import maildir, maildir_files
from channels.base import ChannelDown, Host, Rejected, Retry
from channels.mail import MailSettings
from channels.mail_compose import Mail
from channels.mail_out import MailOut, bounce_address
from channels.maildir_files import Failed, Letter
from normalizer.message import Address, Kind, Message, Part, Spooled

ANSWER = Message(
    kind="acknowledgement",
    message_id="1.2.token@example.com",
    to=(Address("ゆき", "yuki@example.jp"),),
    subject="Re: 返品",
    text=".\n..\nお問い合わせありがとうございます。\n",
    date=datetime(2026, 11, 21, 12, tzinfo=UTC),
)


def settings(path: Path, **more: object) -> MailSettings:
    known = {
        "name": "mail",
        "type": "smtp",
        "addresses": ["support@example.com", "sales@example.com"],
    }
    return MailSettings.model_validate(
        known | {"from_name": "Example Support", "send": f"maildir:{path}"} | more
    )


@asynccontextmanager
async def mail_out(
    path: Path, failpoint: Callable[[str], None] = lambda _: None, **more: object
) -> AsyncIterator[MailOut]:
    out = MailOut(settings(path, **more), Host("mx.example.com", path, failpoint=failpoint))
    yield out
    await out.close()


def files(path: Path) -> list[Path]:
    return sorted((path / "new").iterdir())


async def test_a_mail_is_one_synced_file_that_begins_with_its_return_path(tmp_path: Path) -> None:
    """In new/, readable by us only, with the line ends of a Maildir, nothing left in tmp/."""
    async with mail_out(tmp_path / "sent") as out:
        sent = await out.send(ANSWER, "7")
    [file] = files(tmp_path / "sent")
    assert file.name == sent.peer_id
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    octets = file.read_bytes()
    assert octets.startswith(b"Return-Path: <>\nDate: ")
    assert b"\r" not in octets
    read = message_from_bytes(octets, policy=policy.default)
    assert read["From"] == "Example Support <support@example.com>"
    assert read["To"] == "ゆき <yuki@example.jp>"
    assert read.get_content().replace("\r\n", "\n") == ANSWER.text
    assert not list((tmp_path / "sent" / "tmp").iterdir())
    assert (tmp_path / "sent" / "cur").is_dir()


async def test_the_same_mail_again_is_still_one_file(tmp_path: Path) -> None:
    """Same key, same file; another Message-ID under a key of old is another mail."""
    async with mail_out(tmp_path) as out:
        first = await out.send(ANSWER, "7")
        assert await out.send(ANSWER, "7") == first
        assert len(files(tmp_path)) == 1
        await out.send(replace(ANSWER, message_id="other@example.com"), "7")
        assert len(files(tmp_path)) == 2


async def test_a_hundred_at_a_time_all_arrive(tmp_path: Path) -> None:
    async with mail_out(tmp_path) as out:
        sent = await asyncio.gather(*(out.send(ANSWER, f"key/{n}") for n in range(100)))
    assert {file.name for file in files(tmp_path)} == {peer_id for (peer_id,) in sent}


async def test_what_waits_together_shares_one_sync_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is synced before it is moved, and the folder after the last."""
    trail: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def synced(descriptor: int) -> None:
        trail.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        trail.append("move")
        return rename(path, target)

    maildir_files.put(tmp_path, [])
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    letters = [Letter("", b"x\r\n", f"{n}") for n in range(3)]
    assert maildir_files.put(tmp_path, letters) == [None, None, None]
    assert trail == ["file"] * 3 + ["move"] * 3 + ["folder"]


async def test_folders_that_vanish_are_made_again(tmp_path: Path) -> None:
    async with mail_out(tmp_path) as out:
        await out.send(ANSWER, "1")
        for folder in ("tmp", "new"):
            for file in (tmp_path / folder).iterdir():
                file.unlink()
            (tmp_path / folder).rmdir()
        await out.send(ANSWER, "2")
    assert len(files(tmp_path)) == 1


async def test_a_full_disk_holds_up_only_what_it_did_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENOSPC halfway through a file: ChannelDown, no trace of it, its neighbours arrive."""
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if b"refused" not in data:
            return write(descriptor, data)
        if data.startswith(b"Return-Path"):
            return write(descriptor, data[:5])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    letters = [Letter("", f"{word}\r\n".encode(), word) for word in ("one", "refused", "two")]
    assert maildir_files.put(tmp_path, letters) == [
        None,
        Failed("down", "No space left on device"),
        None,
    ]
    assert [file.name for file in files(tmp_path)] == ["one", "two"]
    assert not list((tmp_path / "tmp").iterdir())


def test_a_disk_that_cannot_sync_is_never_a_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EIO: the mail is not in new/; EIO on the folder alone: it is tried again, as one file."""
    fsync = os.fsync
    broken = stat.S_ISREG

    def bad(descriptor: int) -> None:
        if broken(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(descriptor)

    letter = Letter("", b"x\r\n", "7")
    maildir_files.put(tmp_path, [])
    monkeypatch.setattr(os, "fsync", bad)
    assert maildir_files.put(tmp_path, [letter]) == [Failed("down", "Input/output error")]
    assert not files(tmp_path)
    broken = stat.S_ISDIR
    assert maildir_files.put(tmp_path, [letter]) == [Failed("unsynced", "Input/output error")]
    monkeypatch.undo()
    assert maildir_files.put(tmp_path, [letter]) == [None]
    assert len(files(tmp_path)) == 1


async def test_a_path_that_cannot_be_a_folder_is_told(tmp_path: Path) -> None:
    """By `check` and by each mail."""
    (tmp_path / "file").write_text("in the way")
    async with mail_out(tmp_path / "file") as out:
        with pytest.raises(ChannelDown, match="Not a directory"):
            await out.check()
        with pytest.raises(ChannelDown, match="Not a directory"):
            await out.send(ANSWER, "7")


async def test_a_process_that_dies_leaves_nobody_waiting(tmp_path: Path) -> None:
    """Who waits is told to try again, and the next mail finds a new process."""
    out = maildir.Maildir(tmp_path, lambda _: None)
    letter = Mail("", ("yuki@example.jp",), b"x\r\n", "7")
    await out.deliver(letter)
    assert out._child is not None
    os.kill(out._child.process.pid, signal.SIGSTOP)
    waiting = asyncio.ensure_future(out.deliver(letter))
    await asyncio.sleep(0)
    out._child.kill()
    with pytest.raises(Retry, match="ended"):
        await waiting
    await out.deliver(letter)
    await out.close()
    assert len(files(tmp_path)) == 1


async def test_the_fifth_failpoint_comes_once_the_file_is_there(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []

    def failpoint(name: str) -> None:
        seen.append((name, len(files(tmp_path))))

    async with mail_out(tmp_path, failpoint) as out:
        await out.send(ANSWER, "7")
    assert seen == [("F5", 1)]


async def test_who_no_longer_waits_harms_nobody(tmp_path: Path) -> None:
    """A cancelled delivery ends quietly, and the next one works."""
    async with mail_out(tmp_path) as out:
        task = asyncio.create_task(out.send(ANSWER, "1"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await out.send(ANSWER, "2")
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize(
    ("kind", "return_path", "sender"),
    [
        ("acknowledgement", "null", ""),
        ("follow_up", "null", ""),
        ("notice", "bounce", "support+bounce-1.2.token@example.com"),
        ("survey", "bounce", "support+bounce-1.2.token@example.com"),
        ("reply", "null", "support@example.com"),
        ("reply", "bounce", "support@example.com"),
    ],
)
async def test_bounces_come_back_to_where_nothing_answers(
    tmp_path: Path, kind: Kind, return_path: str, sender: str
) -> None:
    """RFC 3834 section 3.3; only people's replies have a plain return path."""
    async with mail_out(tmp_path, return_path=return_path) as out:
        mail = out.mail(replace(ANSWER, kind=kind), "1.2.token@example.com")
    assert mail.sender == sender


def test_a_key_that_is_no_address_makes_one_all_the_same() -> None:
    assert bounce_address("a@example.com", "x y\r\n/z") == "a+bounce-x-y---z@example.com"


@pytest.mark.parametrize(
    ("given", "header"),
    [
        ((), "Example Support <support@example.com>"),
        ((Address("Aiko", "sales@example.com"),), "Aiko <sales@example.com>"),
        ((Address("Aiko", "aiko@elsewhere.example"),), "Aiko <support@example.com>"),
        ((Address("", "Sales@Example.com"),), "Example Support <Sales@Example.com>"),
    ],
)
async def test_from_is_always_an_address_of_this_channel(
    tmp_path: Path, given: tuple[Address, ...], header: str
) -> None:
    async with mail_out(tmp_path) as out:
        mail = out.mail(replace(ANSWER, from_=given), "7")
    assert message_from_bytes(mail.data, policy=policy.default)["From"] == header


async def test_a_reply_goes_to_each_of_its_recipients_once(tmp_path: Path) -> None:
    yuki, ken = Address("Y", "yuki@example.jp"), Address("K", "ken@example.jp")
    async with mail_out(tmp_path) as out:
        mail = out.mail(replace(ANSWER, kind="reply", to=(yuki, ken), cc=(yuki,)), "7")
    assert mail.recipients == ("yuki@example.jp", "ken@example.jp")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (replace(ANSWER, to=()), "no recipient"),
        (replace(ANSWER, cc=(Address("", "boss@example.jp"),)), "one recipient only"),
        (replace(ANSWER, to=(Address("", "a@b\r\nRCPT TO:<v@x>"),)), "not a mail address"),
        (replace(ANSWER, reply_to=(Address("", "a b@example.com"),)), "not a mail address"),
    ],
)
async def test_what_must_not_leave_does_not(tmp_path: Path, wrong: Message, why: str) -> None:
    """S04: refused before there is a file or a connection."""
    async with mail_out(tmp_path / "sent") as out:
        with pytest.raises(Rejected, match=why):
            await out.send(wrong, "7")
    assert not (tmp_path / "sent").exists()


async def test_large_attachments_come_from_their_files(tmp_path: Path) -> None:
    data = os.urandom(300_000)
    (tmp_path / "blob").write_bytes(data)
    spooled = Spooled(str(tmp_path / "blob"), len(data), "")
    part = Part(
        role="attachment", content_type="image/png", size=len(data), sha256="", data=spooled
    )
    message = replace(ANSWER, kind="reply", parts=(part,))
    async with mail_out(tmp_path) as out:
        await out.send(message, "7")
        (tmp_path / "blob").unlink()
        with pytest.raises(Retry, match="No such file"):
            await out.send(message, "8")
    read = message_from_bytes(files(tmp_path)[0].read_bytes(), policy=policy.default)
    assert next(read.iter_attachments()).get_content() == data
