"""The world around a desk: mail goes to whom it names, answers come back, and time is ours."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message as Parsed
from email.policy import default
from itertools import count
from pathlib import Path
from typing import NamedTuple, Protocol

from channels.base import Host, Sent
from channels.mail import MailSettings
from channels.mail_out import MailOut
from normalizer.message import Message
from tests.making import CONFIG, DESK, NOON, RELAY, Desk, configure, mail, opened

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TOO_MANY = 5000  # mails of one run: more means that somebody goes round in a loop
_LEASE = timedelta(minutes=5)


class Post(NamedTuple):
    """A mail to us: its octets, its envelope, and how long after its cause it comes."""

    raw: bytes
    sender: str
    after: timedelta = timedelta()
    to: str = DESK


class Heard(NamedTuple):
    """A mail of ours, as it reaches somebody: the octets that we composed, and its envelope."""

    at: datetime
    desk: str
    sender: str
    to: str
    raw: bytes
    parsed: Parsed
    automatic: bool

    @property
    def subject(self) -> str:
        return str(self.parsed["Subject"])

    @property
    def text(self) -> str:
        body = self.parsed.get_payload(decode=True)
        assert isinstance(body, bytes)
        return body.decode()


class Neighbour(Protocol):
    """Somebody outside, with a domain of its own."""

    @property
    def domain(self) -> str: ...

    def begins(self) -> Iterable[Post]:
        """What it writes unasked, counted from the beginning."""
        ...

    def hears(self, heard: Heard) -> Iterable[Post]:
        """What it answers to a mail of ours."""
        ...


class Office:
    """A channel that composes what it is given, as the wire would carry it."""

    def __init__(self, settings: MailSettings, desk: str) -> None:
        self.name, self.desk, self.ready = settings.name, desk, True
        self.out = MailOut(settings, Host("mx.example.com", Path()))
        self.given: list[tuple[Message, str, str, bytes]] = []

    async def send(self, message: Message, key: str) -> Sent:
        composed = self.out.mail(message, key)
        (to,) = composed.recipients
        self.given.append((message, composed.sender, to, composed.data))
        return Sent(composed.name)

    async def receive(self, accept: object) -> None:
        raise AssertionError(accept)


@dataclass
class House:
    """One desk of the world: it may be closed and opened again, as a daemon is restarted."""

    name: str
    folder: Path
    text: str = CONFIG
    trusted: bool = True
    desk: Desk = field(init=False)
    offices: dict[str, Office] = field(init=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(self, at: datetime) -> None:
        self.folder.mkdir(exist_ok=True)
        self.desk = await self._stack.enter_async_context(opened(self.folder, self.text))
        self.desk.clock.at = at
        mails = [s for s in self.desk.config.channels if isinstance(s, MailSettings)]
        self.offices = {s.name: Office(s, self.name) for s in mails}

    async def close(self) -> None:
        await self._stack.aclose()

    def channel_of(self, to: str) -> str:
        """The channel that takes mail for an address, "" if it is not ours."""
        local, _, domain = to.lower().rpartition("@")
        plain = f"{local.partition('+')[0]}@{domain}"
        return next((n for n, o in self.offices.items() if plain in o.out._settings.addresses), "")

    async def say(self, at: datetime) -> list[Heard]:
        """Deliver all that is due, by the outbox and the composing code."""
        heard: list[Heard] = []
        for name, office in self.offices.items():
            deliver = self.desk.deliver(channels=self.offices)
            while claimed := await self.desk.store.settle_and_claim(
                [], name, self.desk.clock, "us", _LEASE, 20
            ):
                ends = [await deliver._deliver(delivery) for delivery in claimed]
                await self.desk.store.settle_and_claim(ends, name, self.desk.clock, "us", _LEASE, 0)
            for message, sender, to, raw in office.given:
                parsed = message_from_bytes(raw, policy=default)
                automatic = message.kind != "reply"
                heard.append(Heard(at, self.name, sender, to, raw, parsed, automatic))
            office.given.clear()
        return heard


@dataclass
class World:
    """Beings by their domains, houses of ours, and the mails that are on their way."""

    beings: Mapping[str, Neighbour]
    houses: list[House]
    restarts: tuple[timedelta, ...] = ()
    strip: bool = False  # whether the way between two houses loses what a robot says of itself
    now: datetime = NOON
    said: list[Heard] = field(default_factory=list)
    came: list[datetime] = field(default_factory=list)
    _due: list[tuple[datetime, int, Post]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    async def run(self) -> None:
        """From the first mail until nobody has anything more to say."""
        for house in self.houses:
            await house.open(self.now)
        try:
            for being in self.beings.values():
                self._post(being.begins())
            restarts = sorted(NOON + after for after in self.restarts)
            while self._due and len(self.came) < TOO_MANY:
                self.now, _, post = heapq.heappop(self._due)
                while restarts and restarts[0] <= self.now:
                    await self._restart(restarts.pop(0))
                await self._take(post)
        finally:
            for house in self.houses:
                await house.close()

    @property
    def is_quiet(self) -> bool:
        return not self._due

    async def _restart(self, at: datetime) -> None:
        for house in self.houses:
            await house.close()
            await house.open(at)

    def send(self, post: Post) -> None:
        """A mail that is under way from the beginning."""
        self._post([post])

    def _passed_on(self, heard: Heard) -> Post:
        soon = timedelta(seconds=5)
        if not self.strip:
            return Post(heard.raw, heard.sender or "<>", soon, heard.to)
        sender = str(heard.parsed["From"]).rpartition("<")[2].rstrip(">")
        raw = letter(sender, heard.subject, heard.text, vouched=True, To=heard.to)
        return Post(raw, sender, soon, heard.to)

    def _post(self, posts: Iterable[Post]) -> None:
        for post in posts:
            heapq.heappush(self._due, (self.now + post.after, next(self._order), post))

    async def _take(self, post: Post) -> None:
        """One mail in, and whatever we say to it out."""
        self.came.append(self.now)
        for house in self.houses:
            if channel := house.channel_of(post.to):
                house.desk.clock.at = self.now
                await house.desk.accept(
                    post.raw, post.sender, peer=RELAY, to=(post.to,), channel=channel
                )
                for heard in await house.say(self.now):
                    self.said.append(heard)
                    self._reach(heard)

    def _reach(self, heard: Heard) -> None:
        """Somebody outside, another house, or ourselves."""
        for house in self.houses:
            if house.channel_of(heard.to):
                self._post([self._passed_on(heard)])
                return
        domain = heard.to.lower().rpartition("@")[2]
        being = self.beings.get(".".join(domain.split(".")[-2:]))
        if being is not None:
            self._post(being.hears(heard))


def around(*beings: Neighbour) -> dict[str, Neighbour]:
    """Beings by the domains to which mail for them goes."""
    return {being.domain: being for being in beings}


def letter(sender: str, subject: str, body: str, *, vouched: bool = False, **headers: str) -> bytes:
    """A mail by somebody whose domain our relay vouches for, or does not."""
    domain = sender.rpartition("@")[2].rstrip(">")
    return mail(sender, subject, body, vouched=domain if vouched else "", **headers)


def house(folder: Path, name: str = "desk", text: str = CONFIG) -> House:
    folder.mkdir(exist_ok=True)
    configure(folder, text)
    return House(name, folder, text)
