"""The conformance kit: tries the promises of the seam on any channel, ours or a stranger's."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Literal, NamedTuple, Protocol

from channels.base import (
    Channel,
    ChannelDown,
    DeliveryError,
    Host,
    InDoubt,
    Rejected,
    Request,
    Retry,
    Sent,
    Unavailable,
    Webhook,
)
from channels.testing_trial import Trial, running, within
from normalizer import normalize
from normalizer.message import Address, Message

Told = Literal["taken", "again", "refused"]
Trouble = Literal["down", "busy", "unwanted", "gone", "vanishes"]
Ability = Literal["units", "key", "pause", "down", "busy", "unwanted", "gone", "vanishes"]

PAUSE = timedelta(seconds=7)  # what a busy peer asks for, where its protocol can say so
LARGE = "seventy thousand words " * 17_000  # above the size from which envelopes are files
_GLANCE = 0.1  # seconds in which a peer that is told too early would be told


class Given(NamedTuple):
    """What the peer was given: the words, and the name by which it knows a second try."""

    text: str
    key: str


class Subject(Protocol):
    """A channel on trial and the double of its peer; one is made for each check.

    `to` is whom the peer can be asked to reach.
    """

    to: Address

    def make(self, host: Host) -> Channel:
        """The channel, not yet receiving; keep it, to ask where it listens."""
        ...

    async def offer(self, id_: str, text: str) -> Told:
        """Hand one message over as the peer does, and say what the peer was told.

        The same id is the same message again. "again" is a peer that was asked to come again, or
        that heard nothing. Where the channel fetches, put the message there unless it is there,
        and return "taken" once the channel is done with it.
        """
        ...

    async def poison(self, octets: bytes) -> None:
        """Send what no peer should, as deep inside as a stranger can; answers do not matter."""
        ...

    async def trouble(self, how: Trouble | None) -> None:
        """Let the peer fail from now on; None: all is well, and `to` can be reached.

        down: nobody answers. busy: not now, come again after PAUSE. unwanted: refused for good.
        gone: `to` is no more. vanishes: takes the message, and leaves without a word.
        """
        ...

    def given(self) -> list[Given]:
        """What the peer was given so far: every try, a second one by the same key, too."""
        ...


class Check(NamedTuple):
    """One promise: awaited with a subject, it raises AssertionError where it is broken."""

    name: str
    needs: frozenset[str]
    run: Callable[[Subject], Awaitable[None]]

    def __str__(self) -> str:
        return self.name

    async def __call__(self, subject: Subject) -> None:
        await self.run(subject)


_CHECKS: list[Check] = []


def checks(cannot: Mapping[Ability, str] | None = None) -> list[Check]:
    """Every check, but for what this peer's protocol cannot do: ability → why it cannot."""
    return [check for check in _CHECKS if not check.needs & set(cannot or {})]


def _check(*needs: Ability) -> Callable[[Callable[[Subject], Awaitable[None]]], None]:
    def enter(run: Callable[[Subject], Awaitable[None]]) -> None:
        _CHECKS.append(Check(run.__name__, frozenset(needs), run))

    return enter


async def call(channel: Webhook, request: Request) -> int:
    """The status that `/in/NAME` answers, for a subject that is called over HTTP."""
    if len(request.body) > channel.most:
        return 413
    try:
        return (await channel.answer(request)).status
    except Unavailable:
        return 503


def told(status: int) -> Told:
    """What a platform makes of an HTTP status."""
    if 200 <= status < 300:
        return "taken"
    return "again" if status == 429 or status >= 500 else "refused"


async def _until_rid(trial: Trial, subject: Subject, id_: str, text: str) -> Told:
    """Be a peer that comes again as long as it is asked to."""
    while (said := await within(subject.offer(id_, text))) == "again":
        await trial.breathe()
    return said


@_check()
async def a_peer_is_told_after_accept(subject: Subject) -> None:
    async with running(subject.make) as trial:
        trial.gate.clear()
        offered = trial.task(subject.offer("m-1", "hello"))
        await trial.asked(1, or_done=offered)
        done = await trial.glance(offered, _GLANCE)
        assert not done, "the peer was told before `accept` had returned"
        trial.gate.set()
        assert await within(offered) == "taken"


@_check()
async def trouble_of_ours_brings_the_peer_again(subject: Subject) -> None:
    async with running(subject.make) as trial:
        trial.troubles = 2
        said = await _until_rid(trial, subject, "m-1", "hello")
        assert said == "taken", f"`accept` raised Unavailable, and in the end the peer was {said}"
        assert trial.calls >= 3, "the peer was told `taken` though `accept` had raised"
        assert len(trial.taken) == 1


@_check("units")
async def the_same_message_has_the_same_unit(subject: Subject) -> None:
    """In a row, and at the same moment."""
    async with running(subject.make) as trial:
        assert await _until_rid(trial, subject, "m-1", "hello") == "taken"
        assert await _until_rid(trial, subject, "m-1", "hello") == "taken", "a duplicate is taken"
        both = [trial.task(_until_rid(trial, subject, "m-2", "ho")) for _ in range(2)]
        assert [await within(one) for one in both] == ["taken", "taken"]
        units = {envelope.unit for envelope in trial.taken}
        assert len(units) == 2, f"two messages, each twice, make the units {sorted(units)}"


@_check()
async def each_message_has_a_unit_of_its_own(subject: Subject) -> None:
    async with running(subject.make) as trial:
        for n in range(3):
            assert await _until_rid(trial, subject, f"m-{n}", "the same words") == "taken"
        units = {envelope.unit for envelope in trial.taken}
        assert len(units) == 3, "the same words in three messages are three units"
        assert "" not in units, "a unit is never empty"


@_check()
async def what_was_said_can_be_read(subject: Subject) -> None:
    text = "Where is my order? 注文はどこ 🙂"
    async with running(subject.make) as trial:
        assert await _until_rid(trial, subject, "m-1", text) == "taken"
        (message,) = normalize(trial.taken[0])
        assert not message.unreadable, message.unreadable
        assert message.text.strip() == text
        assert message.claims, "nobody is named as the one who may have written"
        assert message.fingerprint, "copies of one message are known by their fingerprint"


@_check()
async def poison_ends_nothing(subject: Subject) -> None:
    async with running(subject.make) as trial:
        for octets in _poisons():
            await within(subject.poison(octets))
            assert not trial.receiving.done(), f"`receive` ended on {octets[:40]!r}"
        assert await _until_rid(trial, subject, "m-1", "still there?") == "taken"
        for envelope in trial.taken:
            assert normalize(envelope), "a reader makes at least one message of anything"


def _poisons() -> list[bytes]:
    chance = random.Random(7)  # noqa: S311  # the same octets each time
    bent = [b"", b"\0" * 100, b"\xff\xfe\r\n", b"{", b"null", b"[" * 50_000, b'{"a":' * 20_000]
    wild = [chance.randbytes(chance.randrange(1, 2000)) for _ in range(8)]
    return [*bent, b"9" * 5000, b'{"from":{"id":{}},"text":[]}', b"A" * 1_000_000, *wild]


@_check()
async def what_is_large_is_a_file_or_refused(subject: Subject) -> None:
    async with running(subject.make) as trial:
        trial.troubles = 1
        said = await _until_rid(trial, subject, "m-1", LARGE)
        trial.troubles = 0
        assert said == ("taken" if trial.taken else "refused")
        assert await _until_rid(trial, subject, "m-2", "and go on") == "taken"
        await trial.emptied()


@_check()
async def ready_means_that_it_receives(subject: Subject) -> None:
    async with running(subject.make) as trial:
        assert not trial.ready_before, "`ready` was set before `receive` ran"
        assert trial.channel.name, "a channel has the name of its table"


@_check()
async def a_stop_waits_for_what_is_under_way(subject: Subject) -> None:
    """And no longer than that; the peer's own patience is its own."""
    async with running(subject.make) as trial:
        trial.gate.clear()
        offered = trial.task(subject.offer("m-1", "hello"))
        await trial.asked(1, or_done=offered)
        trial.receiving.cancel()
        trial.gate.set()
        await trial.stopped()
        assert await trial.glance(offered, 1) in (None, "taken", "again")


@_check()
async def a_message_reaches_the_peer(subject: Subject) -> None:
    async with running(subject.make) as trial:
        await subject.trouble(None)
        await within(trial.send(_message(subject), "key-1"))
        await trial.until(lambda: bool(subject.given()), "the peer has the message")
        assert [" ".join(one.text.split()) for one in subject.given()] == [_WORDS]


@_check("key")
async def a_second_try_carries_the_same_key(subject: Subject) -> None:
    async with running(subject.make) as trial:
        await subject.trouble(None)
        for key in ("key-1", "key-1", "key-2"):
            await within(trial.send(_message(subject, key), key))
        await trial.until(lambda: len(subject.given()) >= 3, "the peer has three messages")
        first, again, other = (one.key for one in subject.given())
        assert first == again, "the same key, twice, is one message to the peer"
        assert other not in ("", first), "another key is another message"


@_check("down")
async def a_peer_that_is_down_can_be_tried_later(subject: Subject) -> None:
    await _fails(subject, "down", ChannelDown, Retry)


@_check("busy")
async def a_busy_peer_is_left_in_peace(subject: Subject) -> None:
    await _fails(subject, "busy", Retry)


@_check("busy", "pause")
async def a_pause_that_is_asked_for_is_kept(subject: Subject) -> None:
    error = await _fails(subject, "busy", Retry)
    assert isinstance(error, Retry)
    assert error.after == PAUSE, f"the peer asked for {PAUSE}, and we wait {error.after}"


@_check("unwanted")
async def a_refusal_is_for_good(subject: Subject) -> None:
    error = await _fails(subject, "unwanted", Rejected)
    assert getattr(error, "reason", "") != "address_dead", "the address is alive"


@_check("gone")
async def a_dead_address_is_called_dead(subject: Subject) -> None:
    error = await _fails(subject, "gone", Rejected)
    assert getattr(error, "reason", "") == "address_dead"


@_check("vanishes")
async def a_peer_that_vanishes_leaves_doubt(subject: Subject) -> None:
    """Whoever tried again here would say things twice."""
    await _fails(subject, "vanishes", InDoubt)


_WORDS = "We have it. Until 3 pm. 承りました"


def _message(subject: Subject, key: str = "key-1") -> Message:
    return Message(
        kind="reply", to=(subject.to,), text="We have it.\nUntil 3 pm. 承りました",
        subject="Your order", message_id=f"{key}@desk.example",
    )  # fmt: skip


async def _fails(subject: Subject, how: Trouble, *expected: type[DeliveryError]) -> DeliveryError:
    """How a try ended while the peer was in trouble; afterwards the next one reaches it."""
    async with running(subject.make) as trial:
        await subject.trouble(None)
        await subject.trouble(how)
        error = await _end(trial.send(_message(subject), "key-1"))
        names = " or ".join(one.__name__ for one in expected)
        assert type(error) in expected, f"a peer that is {how}: {error!r} instead of {names}"
        assert isinstance(error, DeliveryError)
        await subject.trouble(None)
        before = len(subject.given())
        await within(trial.send(_message(subject, "key-2"), "key-2"))
        await trial.until(lambda: len(subject.given()) > before, "the next message arrives")
        return error


async def _end(sending: Awaitable[Sent]) -> Exception | Sent:
    """What a try to send came to, whichever it is."""
    try:
        return await within(sending)
    except Exception as error:
        return error
