"""Canaries: mails to ourselves that show whether mail still comes round, and how fast."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from channels.base import Canary, Channel
from gateway.admit import Admission
from gateway.alarm import Alarm, Alarms
from gateway.authenticate import Keys
from gateway.config import Config
from gateway.metrics import Metrics
from normalizer.message import Address, Message
from scheduler.canary import Round, step

log = structlog.get_logger()

_LOOK = 0.5  # seconds between looks
_TEXT = (
    "Madoguchi wrote this to itself, to see that mail still comes round. Nobody need answer.\n"
    "Madoguchi が、メールの送受信を確かめるために自分あてに送ったものです。返信は不要です。\n"
)


@dataclass(slots=True)
class Canaries:
    """One canary a channel at most is under way; what comes home is known by our key alone."""

    wanted: Mapping[str, Canary]
    channels: Mapping[str, Channel]
    keys: Keys
    alarms: Alarms
    metrics: Metrics
    clock: Callable[[], datetime]
    since: datetime
    _rounds: dict[str, Round] = field(default_factory=dict)
    _lost: set[str] = field(default_factory=set)

    def recognised(self, message: Message) -> str:
        """What to note of a canary that comes in; "" for any other mail.

        Some providers write Message-IDs anew: the subject bears the mark too.
        """
        report = message.bounce.original_message_id if message.bounce else ""
        for text in (message.message_id.partition("@")[0], message.subject.rpartition(" ")[2]):
            if text and (found := self._sent(text)):
                return self._home(*found)
        return "it was refused on its way" if self._sent(report.partition("@")[0]) else ""

    def _sent(self, text: str) -> tuple[str, datetime] | None:
        """Whose canary a mark stands for, and when it was sent."""
        for name in self.wanted:
            if token := self.keys.check(text, _whose(name)):
                return name, datetime.fromtimestamp(token.message_id / 1000, UTC)
        return None

    def _home(self, name: str, sent_at: datetime) -> str:
        took = (self.clock() - sent_at).total_seconds()
        last = self._rounds.get(name, Round())
        if last.sent_at == sent_at and not last.home:
            self._rounds[name] = Round(sent_at, home=True)
            self.metrics.channels.canary_home(name, took)
            if name in self._lost:
                self._lost.discard(name)
                self._tell(name, f"one came round in {took:.1f} s", cleared=True)
        return f"it came round in {took:.1f} s"

    async def run(self, name: str) -> None:
        """Send one channel's canaries, until cancelled."""
        while True:
            await self.look(name)
            await asyncio.sleep(_LOOK)

    async def look(self, name: str) -> None:
        """Do what is due now."""
        last, now = self._rounds.get(name, Round()), self.clock()
        todo = step(last, now, self.wanted[name].every, self.since)
        if todo == "lost":
            self.metrics.channels.canary_lost(name)
            if name not in self._lost:
                self._lost.add(name)
                self._tell(name, f"one of {last.sent_at:%Y-%m-%d %H:%M:%S}Z is late", cleared=False)
        if todo != "wait":
            await self._send(name, now)

    async def _send(self, name: str, now: datetime) -> None:
        """What cannot even be sent is late, too."""
        stamp = int(now.timestamp() * 1000)
        self._rounds[name] = Round(datetime.fromtimestamp(stamp / 1000, UTC))
        canary, token = self.wanted[name], self.keys.token(0, stamp, _whose(name))
        message = Message(
            kind="notice",
            message_id=f"{token}@{canary.domain}",
            to=(Address("", canary.address),),
            subject=f"Canary {token}",
            text=_TEXT,
        )
        try:
            await self.channels[name].send(message, token)
        except Exception as error:
            log.warning("canary.not_sent", channel=name, error=type(error).__name__)

    def _tell(self, name: str, reason: str, *, cleared: bool) -> None:
        alarm = Alarm("channel.canary", reason, self.clock(), {"channel": name}, cleared)
        self.alarms.report(alarm)


def _whose(name: str) -> str:
    """What a canary's token is given to: no address, so that it opens no case."""
    return f"canary:{name}"


def build(
    config: Config,
    rules: Admission,
    channels: Mapping[str, Channel],
    keys: Keys,
    metrics: Metrics,
    clock: Callable[[], datetime],
) -> Canaries | None:
    """The canaries of the configuration; a channel that only watches sends nothing."""
    asked = {one.name: one.canaries for one in config.channels if one.name not in rules.watching}
    wanted = {name: canary for name, canary in asked.items() if canary}
    if not wanted:
        return None
    return Canaries(wanted, channels, keys, rules.alarms, metrics, clock, clock())
