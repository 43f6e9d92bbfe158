"""Watches what becomes of deliveries: a channel that sends nothing any more, and what is in doubt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.alarm import Alarm, Alarms
from store.astray import DOWN
from store.outbox import Delivery, Settlement

# How long nothing may leave: through a peer that is not there, and through one that puts us off.
_DOWN = timedelta(minutes=15)
_PUT_OFF = timedelta(hours=1)
_REFUSED = 10  # deliveries in a row that the peer refused for what they are


@dataclass(slots=True)
class Sending:
    """Called with the end of each try to deliver; `admins` are the addresses that alarms go to."""

    alarms: Alarms
    clock: Callable[[], datetime]
    admins: frozenset[str] = frozenset()
    _since: dict[str, datetime] = field(default_factory=dict)
    _refused: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _bad: dict[str, str] = field(default_factory=dict)

    def __call__(self, delivery: Delivery, end: Settlement) -> None:
        if end.state == "sent":
            self._well(end.channel)
            return
        self._worse(end)
        if end.state in ("failed", "in_doubt") and self._is_letter(delivery):
            reason = f"message {end.message} did not surely arrive: {end.error}"
            self.alarms.raise_(Alarm("alarms.undelivered", reason, self.clock(), _about(end)))
        elif end.state == "in_doubt":
            reason = f"nobody knows whether message {end.message} arrived; it is not sent again"
            self.alarms.raise_(Alarm("delivery.in_doubt", reason, self.clock(), _about(end)))

    def _is_letter(self, delivery: Delivery) -> bool:
        return any(one.address in self.admins for one in delivery.content.to)

    def _well(self, channel: str) -> None:
        self._since.pop(channel, None)
        self._refused.pop(channel, None)
        if reason := self._bad.pop(channel, ""):
            self._tell(channel, reason, cleared=True)

    def _worse(self, end: Settlement) -> None:
        """An address that is dead says nothing of the channel."""
        now, channel = self.clock(), end.channel
        if end.state == "deferred":
            since = self._since.setdefault(channel, now)
            if now - since >= (_DOWN if end.astray == DOWN else _PUT_OFF):
                self._bad_now(
                    channel, f"nothing has left since {since:%Y-%m-%d %H:%M:%S}Z: {end.error}"
                )
        elif end.state == "failed" and not end.astray:
            self._refused[channel] += 1
            if self._refused[channel] >= _REFUSED:
                self._bad_now(channel, f"the last {_REFUSED} messages were refused: {end.error}")

    def _bad_now(self, channel: str, reason: str) -> None:
        if channel not in self._bad:
            self._bad[channel] = reason
            self._tell(channel, reason, cleared=False)

    def _tell(self, channel: str, reason: str, *, cleared: bool) -> None:
        alarm = Alarm("channel.sending", reason, self.clock(), {"channel": channel}, cleared)
        self.alarms.report(alarm)


def _about(end: Settlement) -> dict[str, str]:
    return {"channel": end.channel, "message_id": str(end.message)}
