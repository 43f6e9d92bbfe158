"""The spoof matrix in small, where no relay tells who wrote: our own SPF, DKIM and DMARC do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from gateway import ingest
from tests.dns_server import resolving
from tests.gateway.spoofs import (
    ELSEWHERE,
    EVIL,
    FORGERIES,
    HOME,
    PLACINGS,
    THIEF,
    VICTIM,
    Forgery,
    forged,
)
from tests.gateway.test_spoofing import (
    SURE,
    TEXT,
    Victim,
    answered_by_a_colleague,
    case_of,
    led_in,
    revealed,
    settled,
    stands,
    state,
)
from tests.making import CONFIG, Desk, mail, opened
from tests.signing import key, published, sign

ALONE = TEXT.replace('trusted_relays = ["192.0.2.7"]\n', "").replace("trusted_authserv", "# ")
FORGERS = key(number=1)
LOOKS_ALIKE = "exarnple.jp"


def _first(name: str, number: int = 0) -> Forgery:
    return FORGERIES[name][number]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no reason to read a mail later: what is tried here is who wrote it."""
    monkeypatch.setattr(ingest, "READ_PATIENCE", 20.0)
    monkeypatch.setattr(ingest, "_DNS_PATIENCE", 20.0)


COPIES = FORGERIES["an exact copy of From"]
OTHERS = (
    _first("the display name (S08)"),
    _first("a look-alike domain", 2),
    _first("a subdomain, a longer domain"),
    _first("two mailboxes in From (S07)"),
    _first("two From headers (S07)"),
    _first("Sender, Reply-To, X-Original-From"),
)


@asynccontextmanager
async def house(folder: Path, policy: str) -> AsyncIterator[Desk]:
    """A desk without relays, and a DNS in which the victim's domain asks for `policy`."""
    records = {
        (HOME, "TXT"): ["v=spf1 -all"],
        (f"_dmarc.{HOME}", "TXT"): [f"v=DMARC1; p={policy}"],
        (EVIL, "TXT"): [f"v=spf1 ip4:{ELSEWHERE} -all"],
        (f"_dmarc.{EVIL}", "TXT"): ["v=DMARC1; p=reject"],
        **published(EVIL, FORGERS),
        **published(LOOKS_ALIKE, FORGERS),
        **published(HOME),
        **published("work.example"),
        **published("corp.example"),
    }
    assert ALONE.count("trusted") == 0
    assert CONFIG.count("trusted") == 1
    async with (
        resolving(records) as (resolver, _),
        opened(folder, ALONE, resolver=resolver) as desk,
    ):
        yield desk


def honest(sender: str = f"Yuki <{VICTIM}>", subject: str = "Hello", **more: str) -> bytes:
    """A mail that its author's domain has signed."""
    return sign(mail(sender, subject, **more), sender.rpartition("@")[2].rstrip(">"))


async def attack(
    desk: Desk, victim: Victim, forgery: Forgery, placings: set[str], *, signs: bool
) -> dict[str, int]:
    """Some placings of one forgery; how often each led into one of the victim's cases."""
    joined, numbers = {}, count()
    domain = LOOKS_ALIKE if forgery.domain == LOOKS_ALIKE else EVIL
    before = await state(desk, victim)
    for placing in (one for one in PLACINGS if one in placings):
        tries = [beside for loot in victim.loot for beside in PLACINGS[placing](loot)]
        mails = [
            forged(forgery, b._replace(peer=ELSEWHERE), next(numbers), signs=signs) for b in tries
        ]
        if signs:
            mails = [sign(raw, domain, FORGERS, headers=(b"from", b"subject")) for raw in mails]
        receipts = await asyncio.gather(*(
            desk.accept(raw, THIEF, peer=ELSEWHERE, to=(beside.to,))
            for raw, beside in zip(mails, tries, strict=True)
        ))  # fmt: skip
        assert await state(desk, victim) == before, (placing, forgery)
        joined[placing] = await led_in(desk, victim, [receipt.message for receipt in receipts])
    return joined


@pytest.mark.parametrize("signs", [False, True], ids=["SPF alone (S10)", "signs as himself (S10)"])
@pytest.mark.parametrize("policy", ["reject", "none"])
async def test_by_our_own_evaluation_nobody_joins_by_forgery_and_every_honest_one_gets_in(
    tmp_path: Path, policy: str, signs: bool
) -> None:
    """S10: SPF passes for the forger's own MAIL FROM in all of them."""
    async with house(tmp_path, policy) as desk:
        victim = await settled(desk, honest)
        everywhere = set(PLACINGS)
        # A token in the very name that it was given to: the next test.
        for forgery in COPIES:
            where = everywhere if policy == "reject" else everywhere - SURE.keys()
            joined = await attack(desk, victim, forgery, where, signs=signs)
            assert not any(joined.values()), joined
        himself = 0
        for forgery in OTHERS:
            joined = await attack(desk, victim, forgery, everywhere, signs=signs)
            # SPF alone proves him too, where his MAIL FROM is of the domain in From.
            known = forgery.himself and (signs or forgery.domain == EVIL)
            himself += known
            expected = SURE if known else {}
            assert {placing: n for placing, n in joined.items() if n} == expected, forgery
        assert await desk.count("participants") == himself
        # Who is proved reads his own subject back, with the reference that he typed there.
        typed = {loot.reference for loot in victim.loot}
        assert set(await revealed(desk, victim)) <= typed
        await honest_ones(desk, victim)


async def honest_ones(desk: Desk, victim: Victim) -> None:
    """Her own reply, a second address of hers, a colleague: signed, each by the domain in From."""
    loot = victim.loot[0]
    case = await case_of(desk, loot.reference)
    hers = await desk.accept(honest(subject="Re: x", In_Reply_To=f"<{loot.ours}>"))
    found = await stands(desk, hers)
    assert (found["case_id"], found["status"]) == (case, "open")
    second = honest("Yuki <yuki@work.example>", "Re: x", In_Reply_To=f"<{loot.ours}>")
    other = await desk.accept(second, "yuki@work.example")
    assert (await stands(desk, other))["case_id"] == case
    names = await desk.rows(
        "SELECT i.address FROM participants p JOIN identities i ON i.id = p.identity_id"
    )
    assert {"address": "email:yuki@work.example"} in names
    assert (await answered_by_a_colleague(desk, honest))["case_id"] == case


async def test_without_a_policy_a_stolen_token_in_her_very_name_goes_on_with_her_case_and_says_so(
    tmp_path: Path,
) -> None:
    """The rule of doubt: it continues and reopens; it is marked, and nothing is told to anybody."""
    async with house(tmp_path, "none") as desk:
        victim = await settled(desk, honest)
        said = (await state(desk, victim))["said"]
        for loot in victim.loot:
            raw = mail(f"Yuki <{VICTIM}>", "Re: x", In_Reply_To=f"<{loot.ours}>")
            receipt = await desk.accept(raw, THIEF, peer=ELSEWHERE)
            found = await stands(desk, receipt)
            assert found["case_id"] == await case_of(desk, loot.reference)
            assert (found["status"], found["unverified"]) == ("open", 0)
            told = await desk.rows("SELECT data FROM events WHERE type = 'message.received'")
            assert json.loads(told[-1]["data"])["unverified"] is True
            row = await desk.one("SELECT author FROM messages WHERE id = :id", id=receipt.message)
            assert json.loads(row["author"])["authenticated"] is False
        assert (await desk.one("SELECT state FROM follow_ups"))["state"] == "cancelled"
        assert (await state(desk, victim))["said"] == said
        assert await revealed(desk, victim) == []
        hers = await desk.accept(honest(subject="Re: x", In_Reply_To=f"<{victim.loot[0].ours}>"))
        told = await desk.rows("SELECT data FROM events WHERE type = 'message.received'")
        assert json.loads(told[-1]["data"]) == {
            "message_id": hers.message, "channel": "mail",
            "case_id": await case_of(desk, victim.loot[0].reference),
        }  # fmt: skip
