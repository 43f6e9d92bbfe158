"""The channel `imap` on a real Dovecot: each mail once, whatever happens to the mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.base import Unavailable
from normalizer.message import Spooled
from tests.channels.imap_box import Ledger, reading, until_true
from tests.daemon.dovecot import Dovecot, dovecot
from tests.daemon.servers import require
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
