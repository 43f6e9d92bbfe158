"""Ten thousand forged senders: little goes out, and nothing of the attacker's in it (R12, L14, L18)."""

from __future__ import annotations

import asyncio
import quopri
import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.header import decode_header, make_header
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from gateway.metrics import Metrics
from tests.making import DESK, NOON, RELAY, mail
from tests.zoo.figures import figures
from tests.zoo.people import Person
from tests.zoo.world import HOUR, House, Post, World, house

FORGED = 10_000
AT_ONCE = 500
CANARY = "Zq7Kanarienvogel"
PILLS = (
    f"{CANARY} buy pills at https://{CANARY}.example/ and be as well and merry as all those who did"
    " so very long before you came to know of them"
)


def forged(n: int, **headers: str) -> bytes:
    """Everything that a sender may choose says what the attacker wants read."""
    wanted = {
        "Reply_To": f'"{CANARY}" <{CANARY}@evil.example>',
        "Sender": f"{CANARY}@evil.example",
        "Cc": f"{CANARY} <cc@evil.example>",
        "References": f"<{CANARY}.0@evil.example> <{CANARY}.1@evil.example>",
        "In_Reply_To": f"<{CANARY}.1@evil.example>",
        "Organization": CANARY,
        "Disposition_Notification_To": f"{CANARY}@evil.example",
        "Thread_Topic": PILLS,
    }
    victim = f'"{PILLS} {n}" <victim{n}@d{n % 97}.example.org>'
    return mail(victim, f"{PILLS} {n}", f"{PILLS}\n{n * 7919}", **(wanted | headers))


def readings(raw: bytes) -> Iterator[str]:
    """A mail as it is, and with all that is coded in it decoded in every way."""
    text = raw.decode("utf-8", "replace")
    yield text
    unfolded = re.sub(r"\r?\n[ \t]", " ", text)
    yield from (str(make_header(decode_header(line))) for line in unfolded.splitlines())
    yield quopri.decodestring(raw).decode("utf-8", "replace")
    yield unquote_to_bytes(text).decode("utf-8", "replace")
    for run in re.findall(rb"[A-Za-z0-9+/=\r\n]{16,}", raw):
        octets = re.sub(rb"\s", b"", run)
        for start in range(4):  # a run may begin within a group of four
            try:
                piece = octets[start:].rstrip(b"=")
                yield b64decode(piece + b"=" * (-len(piece) % 4)).decode("utf-8", "replace")
            except Error:
                continue


def canaries(raw: bytes) -> int:
    return sum(CANARY.lower() in reading.lower() for reading in readings(raw))


CODED = {
    "plain": CANARY.encode(),
    "base64": b"Content: " + b64encode(f"well, {CANARY}".encode()),
    "quoted-printable": quopri.encodestring(f"ä {CANARY[:5]}".encode()) + CANARY[5:].encode(),
    "an encoded word": b"Subject: =?utf-8?B?" + b64encode(f"ä{CANARY}".encode()) + b"?=",
    "folded": f"Subject: =?utf-8?Q?{CANARY[:6]}?=\r\n =?utf-8?Q?{CANARY[6:]}?=".encode(),
    "RFC 2231": f"filename*=utf-8''%5A{CANARY[1:]}".encode(),
}


@pytest.mark.parametrize("raw", CODED.values(), ids=CODED)
def test_the_search_finds_what_is_hidden(raw: bytes) -> None:
    assert canaries(raw)


async def _bombard(target: House, raws: list[tuple[bytes, str]]) -> None:
    for start in range(0, len(raws), AT_ONCE):
        batch = raws[start : start + AT_ONCE]
        await asyncio.gather(*(target.desk.accept(raw, by, peer=RELAY) for raw, by in batch))


def _same_words(n: int) -> bytes:
    return forged(n, Date="")


def _short_words(n: int) -> bytes:
    return (
        forged(n, Date="")
        .replace(b"and merry as all those who did so very long", b"")
        .replace(b".example/", b"/")
    )


@pytest.mark.parametrize(
    ("write", "count", "most"), [(_short_words, FORGED, 60), (_same_words, 500, 60)]
)
async def test_of_ten_thousand_forged_senders_sixty_an_hour_get_fixed_words_l18(
    tmp_path: Path, write: Callable[[int], bytes], count: int, most: int
) -> None:
    home = house(tmp_path)
    await home.open(NOON)
    raws = [(write(n), f"victim{n}@d{n % 97}.example.org") for n in range(count)]
    await _bombard(home, raws)
    said = await home.say(NOON)
    await home.desk.rules.alarms.tell(home.desk.store, Metrics())
    alarms = await home.desk.rows("SELECT data FROM events WHERE type = 'alarm.raised'")
    assert await home.desk.count("cases") == count
    await home.close()
    assert len(said) == most
    assert len({heard.to for heard in said}) == len(said)
    assert all(re.fullmatch(r"victim\d+@d\d+\.example\.org", heard.to) for heard in said)
    assert sum(canaries(heard.raw) for heard in said) == 0
    assert len(alarms) == 1


LANGUAGES = {
    "ja": "商品がまだ届きません。確認してください。",
    "de": "Meine Bestellung ist nicht angekommen.",
}


@pytest.mark.parametrize("words", LANGUAGES.values(), ids=LANGUAGES)
async def test_every_stranger_reads_the_same_fixed_words_l18(tmp_path: Path, words: str) -> None:
    """Only the reference, the addresses and the language differ; the Message-ID is repeated."""
    home = house(tmp_path)
    await home.open(NOON)
    for n in range(3):
        raw = forged(n, Subject=f"{PILLS} {words}", Message_ID=f"<{n}.id@evil.example>")
        await home.desk.accept(raw.replace(b"buy pills", words.encode()), f"v{n}@example.org")
    said = await home.say(NOON)
    await home.close()
    assert len(said) == 3
    bodies = {re.sub(r"[A-Z0-9]{4}-[A-Z0-9]{4}", "REF", heard.text) for heard in said}
    assert len(bodies) == 1
    for n, heard in enumerate(said):
        assert canaries(heard.raw) == 0
        assert heard.parsed["In-Reply-To"] == heard.parsed["References"] == f"<{n}.id@evil.example>"
        assert heard.parsed.get_content_type() == "text/plain"
        assert heard.parsed["Cc"] is None


HOSTILE_IDS = {
    "a line end": f"<a\r\nBcc: {CANARY}@evil.example>",
    "blanks": f"<{CANARY} is here@evil.example>",
    "quotes and brackets": f"<<{CANARY}>@evil.example>",
    "very long": f"<{CANARY * 40}@evil.example>",
    "letters of another script": f"<{CANARY}ä@evil.example>",
}


@pytest.mark.parametrize("id_", HOSTILE_IDS.values(), ids=HOSTILE_IDS)
async def test_a_message_id_is_repeated_only_if_it_is_one_l18(tmp_path: Path, id_: str) -> None:
    home = house(tmp_path)
    await home.open(NOON)
    await home.desk.accept(mail("v@example.org", Message_ID=id_), "v@example.org")
    (heard,) = await home.say(NOON)
    await home.close()
    assert "Bcc" not in heard.parsed
    assert "is here" not in str(heard.parsed["In-Reply-To"])
    assert all(len(line) <= 998 for line in heard.raw.split(b"\r\n"))
    threading = (b"in-reply-to:", b"references:")
    rest = [line for line in heard.raw.split(b"\r\n") if not line.lower().startswith(threading)]
    assert not canaries(b"\r\n".join(rest))


REPLY_TO = {
    "a victim": "victim@example.net",
    "a list": "list@lists.example.net",
    "fifty": ", ".join(f"v{n}@example.net" for n in range(50)),
    "ourselves": DESK,
}


@pytest.mark.parametrize("vouched", ["", "example.jp"])
@pytest.mark.parametrize("reply_to", REPLY_TO.values(), ids=REPLY_TO)
async def test_reply_to_points_nobody_at_nobody_l14(
    tmp_path: Path, reply_to: str, vouched: str
) -> None:
    home = house(tmp_path)
    await home.open(NOON)
    await home.desk.accept(mail(Reply_To=reply_to, vouched=vouched))
    (heard,) = await home.say(NOON)
    await home.close()
    assert heard.to == "yuki@example.jp"
    assert heard.parsed["To"] == "yuki@example.jp"


async def test_a_bomb_of_a_day_leaves_known_people_alone_l18(tmp_path: Path) -> None:
    """One victim in many spellings and many victims, for a day: the authenticated notice nothing."""
    people = [Person(n, vouched=True, at=n * HOUR) for n in range(24)]
    home = house(tmp_path)
    world = World({person.domain: person for person in people}, [home])
    spellings = ("one@victim.example", "o.n.e@victim.example", "ONE+{}@victim.example")
    for n in range(480):
        by = spellings[n % 3].format(n) if n % 2 else f"v{n}@w{n % 9}.example"
        raw = mail(f'"{PILLS}" <{by}>', f"{PILLS} {n}", f"{PILLS} {n}")
        world.send(Post(raw, by, timedelta(minutes=3 * n)))
    await world.run()
    found = await figures(world)
    assert [len(person.heard) for person in people] == [1] * 24
    assert found.unauthenticated_day == 1
    assert found.unauthenticated_hour <= 60
    assert sum(canaries(heard.raw) for heard in world.said) == 0
