"""The channel `imap` on a real Dovecot: each mail once, whatever happens to the mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from channels.base import ChannelDown, Unavailable
from normalizer.message import Address, Message, Spooled
from tests.channels.imap_box import Ledger, channel, reading, until_true
from tests.channels.imap_peer import script
from tests.channels.smtp_peer import certificate
from tests.daemon.dovecot import Dovecot, dovecot
from tests.daemon.servers import free_port, require
from tests.making import mail

pytestmark = pytest.mark.daemon


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    require("dovecot")
    with dovecot() as running:
        yield running


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    """Each test has a mailbox of its own."""
    name = request.node.name.encode().hex()[-60:]
    return f"u{name}"


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def subjects(ledger: Ledger) -> list[bytes]:
    lines = (line for raw in ledger.contents for line in raw.split(b"\r\n\r\n")[0].splitlines())
    return [line.removeprefix(b"Subject: ") for line in lines if line.startswith(b"Subject: ")]


async def test_what_was_there_at_first_contact_is_history_and_new_mail_is_not(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    """Newest first, each once, in the folder's own numbers; and nothing changes in the mailbox."""
    server.deliver(*(mail(subject=f"old {n}") for n in range(5)), user=user)
    async with reading(server.imap, tmp_path, ledger, username=user) as mailbox:
        await ledger.holds(5)
        assert subjects(ledger) == [b"old %d" % n for n in (4, 3, 2, 1, 0)]
        assert all(envelope.transport.history for envelope in ledger.mails)
        await asyncio.to_thread(server.deliver, mail(subject="new"), user=user)
        await ledger.holds(6)
        assert mailbox.ready
        assert mailbox.trouble == ""
        assert mailbox.heard_at is not None
        assert await mailbox.listing() <= {envelope.unit for envelope in ledger.mails}
    assert subjects(ledger)[-1] == b"new"
    assert not ledger.mails[-1].transport.history
    assert ledger.mails[-1].unit.endswith(":6")
    assert set(ledger.seen.values()) == {1}
    with server.connect(user) as client:
        client.select_folder("INBOX")
        assert client.search("UNSEEN") == [1, 2, 3, 4, 5, 6]


async def test_the_sent_folder_is_read_and_says_so(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    """Found by the server's mark where it has another name."""
    server.append("Sent", mail(subject="ours"), user=user)
    async with reading(server.imap, tmp_path, ledger, username=user, sent="Gesendet") as mailbox:
        await ledger.holds(1)
        assert "sent mail: Sent with 1 mail" in await mailbox.check()
    assert ledger.mails[0].transport.sent
    assert ledger.mails[0].transport.history
    assert ledger.mails[0].unit.startswith("Sent;")


async def test_a_second_run_fetches_only_what_the_ledger_does_not_have(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    """What came while we were away is not history: we had been there before."""
    server.deliver(mail(), mail(), user=user)
    async with reading(server.imap, tmp_path, ledger, username=user):
        await ledger.holds(2)
    server.deliver(mail(subject="meanwhile"), user=user)
    async with reading(server.imap, tmp_path, ledger, username=user):
        await ledger.holds(3)
    assert set(ledger.seen.values()) == {1}
    assert subjects(ledger)[-1] == b"meanwhile"
    assert not ledger.mails[-1].transport.history


async def test_a_large_mail_comes_whole_as_a_synced_file(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    large = mail(subject="large", body="\r\n".join(["x" * 70] * 50_000))
    server.deliver(mail(), large, user=user)
    async with reading(server.imap, tmp_path, ledger, username=user):
        await ledger.holds(2)
    [spooled] = [envelope.raw for envelope in ledger.mails if isinstance(envelope.raw, Spooled)]
    [content] = [raw for raw in ledger.contents if len(raw) > 2**20]
    assert content.endswith(large)
    assert spooled.size == len(content)
    assert list((tmp_path / "spool").iterdir()) == []


async def test_the_store_may_be_down_for_a_while(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    """R6: the mails wait in the mailbox, and come as soon as the store takes them."""
    server.deliver(*(mail() for _ in range(3)), user=user)
    ledger.troubles = [Unavailable() for _ in range(3)]
    async with reading(server.imap, tmp_path, ledger, username=user):
        await ledger.holds(3)
    assert sorted(ledger.seen.values()) == [2, 2, 2]


async def test_what_was_fetched_while_the_store_went_down_comes_as_well(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    """R6: two batches are under way and a third is fetched, when the first is not taken."""
    server.deliver(*(mail(subject=f"{n}") for n in range(100)), user=user)
    ledger.troubles = [Unavailable() for _ in range(32)]
    async with reading(server.imap, tmp_path, ledger, username=user):
        await ledger.holds(100)
    assert sorted(subjects(ledger), key=int) == [b"%d" % n for n in range(100)]
    assert sum(ledger.seen.values()) == 132


async def test_a_mail_that_our_rules_fall_over_never_blocks_the_next(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    """R8: it is not fetched again at once, and the others come in."""
    server.deliver(*(mail() for _ in range(3)), user=user)
    ledger.troubles = [ValueError("a defect of ours")]
    async with reading(server.imap, tmp_path, ledger, username=user):
        await ledger.holds(2)
        await asyncio.to_thread(server.deliver, mail(), user=user)
        await ledger.holds(3)
    assert set(ledger.seen.values()) == {1}


async def test_a_renumbered_folder_is_read_again_and_what_came_before_us_stays_history(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    """I04: under new numbers; the store recognises the copies."""
    server.deliver(mail(subject="one"), mail(subject="two"), user=user)
    async with reading(server.imap, tmp_path, ledger, username=user):
        await ledger.holds(2)
    server.renumber(user=user)
    async with reading(server.imap, tmp_path, ledger, username=user):
        await ledger.holds(4)
    assert sorted(subjects(ledger)[2:]) == [b"one", b"two"]
    assert len({envelope.unit for envelope in ledger.mails}) == 4


async def test_every_mail_is_read_though_each_is_taken_away_while_we_read(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    """I03: six mails wait, and each that is in is expunged by somebody else; UIDs stay theirs."""
    server.deliver(*(mail(subject=f"{n}") for n in range(6)), user=user)
    accept = ledger.accept

    async def taken_away(envelope: object) -> object:
        receipt = await accept(envelope)  # type: ignore[arg-type]
        uid = int(ledger.mails[-1].unit.rpartition(":")[2])
        await asyncio.to_thread(expunge, uid)
        return receipt

    def expunge(uid: int) -> None:
        with server.connect(user) as client:
            client.select_folder("INBOX")
            client.delete_messages([uid], silent=True)
            client.expunge()

    ledger.accept = taken_away  # type: ignore[assignment, method-assign]
    async with reading(server.imap, tmp_path, ledger, username=user):
        await ledger.holds(6)
    assert sorted(subjects(ledger)) == [b"%d" % n for n in range(6)]


@pytest.mark.parametrize(
    ("afterwards", "flags"), [("seen", b"\\Seen"), ("flag", b"\\Flagged"), ("move:Done", b"")]
)
async def test_afterwards_new_mail_is_marked_or_moved_and_history_left_alone(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path, afterwards: str, flags: bytes
) -> None:
    server.deliver(mail(), user=user)
    async with reading(server.imap, tmp_path, ledger, username=user, afterwards=afterwards):
        await ledger.holds(1)
        await asyncio.to_thread(server.deliver, mail(), user=user)
        await ledger.holds(2)
        folder, uid = ("INBOX", 2) if flags else ("Done", 1)

        def done() -> bool:
            with server.connect(user) as client:
                client.select_folder(folder)
                return (
                    flags in client.get_flags([uid]).get(uid, ()) if flags else any(client.search())
                )

        await until_true(done)
    assert ledger.passed.count("F9") == ledger.passed.count("F10") == 2
    with server.connect(user) as client:
        client.select_folder("INBOX")
        assert set(client.get_flags([1])[1]) <= {b"\\Recent"}


async def test_another_user_under_the_same_channel_is_another_mailbox(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    """What lies there is history, and no number of the first hides a mail of the second."""
    for name in (user, user[:-1]):
        server.deliver(mail(subject=name), user=name)
        async with reading(server.imap, tmp_path, ledger, username=name) as mailbox:
            await ledger.holds(len(ledger.mails) + 1)
            assert await mailbox.listing() <= {envelope.unit for envelope in ledger.mails}
    assert subjects(ledger) == [user.encode(), user[:-1].encode()]
    assert [envelope.transport.history for envelope in ledger.mails] == [True, True]
    assert ledger.mails[1].unit.endswith(".1:1")


async def test_a_copy_of_what_a_person_wrote_is_kept_in_sent_if_wanted(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    """A reply, marked as read; not what we say by ourselves."""
    mailbox = channel(server.imap, tmp_path, ledger, username=user, keep_sent=True)
    for kind in ("reply", "acknowledgement"):
        to = (Address("", "yuki@example.jp"),)
        await mailbox.send(Message(kind=kind, to=to, message_id=f"{kind}@x", text="hello"), kind)
    await mailbox.close()
    with server.connect(user) as client:
        client.select_folder("Sent")
        [(_, kept)] = client.fetch(client.search(), ["BODY.PEEK[]", "FLAGS"]).items()
    assert b"<reply@x>" in kept[b"BODY[]"]
    assert b"\\Seen" in kept[b"FLAGS"]
    assert len(list((tmp_path / "sent" / "new").iterdir())) == 2


async def test_a_copy_that_cannot_be_kept_is_no_reason_to_send_again(tmp_path: Path) -> None:
    async with script(spoilt=9, greeting=b"* BYE\r\n") as nothing:
        mailbox = channel(nothing.port, tmp_path, Ledger(), keep_sent=True)
        message = Message(kind="reply", to=(Address("", "yuki@example.jp"),), text="hello")
        await mailbox.send(message, "1")
        await mailbox.close()
        assert nothing.visits == 1


async def test_since_leaves_out_what_is_older(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    with server.connect(user) as client:
        client.append("INBOX", mail(subject="long ago"), (), datetime(2020, 1, 1, tzinfo=UTC))
    server.deliver(mail(subject="today"), user=user)
    async with reading(server.imap, tmp_path, ledger, username=user, since="2026-01-01") as mailbox:
        await ledger.holds(1)
        assert len(await mailbox.listing()) == 0  # younger than two looks
        await asyncio.to_thread(server.deliver, mail(subject="new"), user=user)
        await ledger.holds(2)
    assert subjects(ledger) == [b"today", b"new"]


async def test_a_folder_that_is_not_there_is_told_and_the_others_are_read(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    server.deliver(mail(), user=user)
    folders = ["INBOX", "Shop"]
    async with reading(server.imap, tmp_path, ledger, username=user, folders=folders) as mailbox:
        await ledger.holds(1)
        assert 'no folder "Shop"; there are: INBOX, Sent' in mailbox.trouble


async def test_every_folder_is_looked_at_each_poll(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    server.append("Shop", mail(subject="old"), user=user)
    more: dict[str, Any] = {"username": user, "folders": ["INBOX", "Shop"], "poll": 1}
    async with reading(server.imap, tmp_path, ledger, **more):
        await ledger.holds(1)
        await asyncio.to_thread(server.append, "Shop", mail(subject="new"), user=user)
        await ledger.holds(2)
    assert subjects(ledger) == [b"old", b"new"]
    assert [envelope.transport.history for envelope in ledger.mails] == [True, False]


async def test_what_a_crash_left_unmoved_is_moved_at_the_next_start(
    server: Dovecot, user: str, ledger: Ledger, tmp_path: Path
) -> None:
    """F10: stored, and killed before the move; history stays where it is."""
    server.deliver(mail(subject="old"), user=user)
    async with reading(server.imap, tmp_path, ledger, username=user):
        await ledger.holds(1)
        await asyncio.to_thread(server.deliver, mail(subject="stored"), user=user)
        await ledger.holds(2)
    more = {"username": user, "afterwards": "move:Done"}
    async with reading(server.imap, tmp_path, ledger, **more):

        def moved() -> bool:
            with server.connect(user) as client:
                if not client.folder_exists("Done"):
                    return False
                return bool(client.select_folder("Done")[b"EXISTS"] == 1)

        await until_true(moved)
    with server.connect(user) as client:
        client.select_folder("INBOX")
        assert client.search() == [1]
    assert set(ledger.seen.values()) == {1}


async def test_the_line_is_encrypted_and_the_certificate_has_to_hold(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Implicit TLS and STARTTLS; a certificate that nobody vouches for ends it."""
    require("dovecot")
    files, port = certificate(tmp_path), free_port()
    lines = _TLS.format(**files, port=port)
    with dovecot(lines) as secured:
        secured.deliver(mail())
        facts: dict[str, Any] = {"host": "localhost", "tls": "implicit"}
        stranger = channel(port, tmp_path, ledger, **facts)
        with pytest.raises(ChannelDown, match="certificate does not hold"):
            await stranger.check()
        monkeypatch.setenv("SSL_CERT_FILE", files["certificate"])
        async with reading(port, tmp_path, ledger, **facts):
            await ledger.holds(1)
            await asyncio.to_thread(secured.deliver, mail())
            await ledger.holds(2)
        async with reading(secured.imap, tmp_path, ledger, **(facts | {"tls": "starttls"})):
            await asyncio.to_thread(secured.deliver, mail())
            await ledger.holds(3)
    assert set(ledger.seen.values()) == {1}


_TLS = """
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
service imap-login {{
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
"""
