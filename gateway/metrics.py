"""What is counted and timed: shown at `/metrics` in Prometheus' format."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ChannelMetrics:
    """How the channels do: whether they still hear something, and how their canaries fare."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._heard = Gauge(
            "madoguchi_channel_heard_seconds",
            "Since a channel's source last answered as it should.",
            ("channel",),
            registry=registry,
        )
        self._trouble = Gauge(
            "madoguchi_channel_trouble",
            "1 while a channel is silent or needs a person.",
            ("channel",),
            registry=registry,
        )

        self._canary_seconds = Gauge(
            "madoguchi_canary_seconds",
            "How long the last canary took to come round.",
            ("channel",),
            registry=registry,
        )
        self._canaries_lost = Counter(
            "madoguchi_canary_lost",
            "Canaries that were not home when the next one was due.",
            ("channel",),
            registry=registry,
        )

        self._login = Gauge(
            "madoguchi_login_ends_seconds",
            "Until a channel's log-in at its provider ends, as far as the provider says.",
            ("channel",),
            registry=registry,
        )

        self._month = Gauge(
            "madoguchi_channel_month_messages",
            "Messages of this month, as far as the platform counts them.",
            ("channel",),
            registry=registry,
        )
        self._month_limit = Gauge(
            "madoguchi_channel_month_limit",
            "How many messages a month may have; 0 for no limit.",
            ("channel",),
            registry=registry,
        )

    def month(self, channel: str, used: int, limit: int) -> None:
        self._month.labels(channel).set(used)
        self._month_limit.labels(channel).set(limit)

    def canary_home(self, channel: str, seconds: float) -> None:
        self._canary_seconds.labels(channel).set(seconds)

    def canary_lost(self, channel: str) -> None:
        self._canaries_lost.labels(channel).inc()

    def login_ends(self, channel: str, seconds: float) -> None:
        self._login.labels(channel).set(seconds)

    def watch(self, name: str, heard: Callable[[], float], trouble: Callable[[], float]) -> None:
        """Show how a channel that fetches stands."""
        self._heard.labels(name).set_function(heard)
        self._trouble.labels(name).set_function(trouble)


class CustomerMetrics:
    """What customers tell us when we ask them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._votes = Counter(
            "madoguchi_survey_votes",
            "Answers to surveys, by scale and score; a changed answer counts again.",
            ("scale", "score"),
            registry=registry,
        )
        self._helped = Counter(
            "madoguchi_faq_answers",
            "Customers who said whether a page of ours settled their matter.",
            ("helped",),
            registry=registry,
        )

    def voted(self, scale: str, score: int) -> None:
        self._votes.labels(scale, str(score)).inc()

    def helped(self, yes: bool) -> None:
        self._helped.labels("yes" if yes else "no").inc()


class PromiseMetrics:
    """What became of what customers were promised."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter(
            "madoguchi_promises",
            "Promised reply times by whether a person answered until then.",
            ("kept",),
            registry=registry,
        )
        for kept in ("yes", "no"):
            self._ended.labels(kept)
        self._updates = Counter(
            "madoguchi_update_promises",
            "Promised next updates by whether a person wrote until then.",
            ("kept",),
            registry=registry,
        )
        for kept in ("yes", "no"):
            self._updates.labels(kept)
        self._replies = Gauge(
            "madoguchi_first_reply_seconds",
            "Opening time until a person first answers, in the newest cases.",
            ("quantile",),
            registry=registry,
        )
        self._waiting = Gauge(
            "madoguchi_first_replies_owed",
            "Customers who wait for a first answer, in the newest cases.",
            registry=registry,
        )

        self._overdue = Gauge(
            "madoguchi_updates_overdue",
            "Customers who should have heard from us by now, as one of us told them.",
            registry=registry,
        )

    def ended(self, kept: str) -> None:
        self._ended.labels(kept).inc()

    def updated(self, kept: str) -> None:
        self._updates.labels(kept).inc()

    def first_reply(self, quantile: float, seconds: float) -> None:
        self._replies.labels(f"{quantile:g}").set(seconds)

    def waiting(self, count: int) -> None:
        self._waiting.set(count)

    def overdue(self, count: int) -> None:
        self._overdue.set(count)


class Metrics:
    """One registry for one daemon."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types here
        self.registry = CollectorRegistry()
        self.under_way = 0  # envelopes that are being taken in
        self.watch("messages_under_way", "Envelopes being taken in.", lambda: self.under_way)
        self._received = Counter(
            "madoguchi_messages",
            "Envelopes by how they ended.",
            ("channel", "outcome"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "madoguchi_accept_seconds",
            "From the end of an envelope to its commit.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._deliveries = Counter(
            "madoguchi_deliveries",
            "Tries to deliver, by how they ended.",
            ("channel", "state"),
            registry=self.registry,
        )

        self._alarms = Counter(
            "madoguchi_alarms",
            "Alarms raised, by kind.",
            ("kind",),
            registry=self.registry,
        )
        self._checks = Counter(
            "madoguchi_spam_checks",
            "Mails by who was asked whether they are spam, and the answer.",
            ("by", "outcome"),
            registry=self.registry,
        )

        self._covered = Counter(
            "madoguchi_cases_covered",
            "Cases that went to a deputy because their owner is away.",
            registry=self.registry,
        )
        self.channels = ChannelMetrics(self.registry)
        self.promises = PromiseMetrics(self.registry)
        self.customers = CustomerMetrics(self.registry)

    def begin(self) -> float:
        """An envelope is being taken in; returns when that began."""
        self.under_way += 1
        return monotonic()

    def received(self, channel: str, outcome: str, began: float) -> None:
        """… and has ended: accepted, refused, deferred."""
        self.under_way -= 1
        self._received.labels(channel, outcome).inc()
        self._seconds.observe(monotonic() - began)

    def delivered(self, channel: str, state: str) -> None:
        self._deliveries.labels(channel, state).inc()

    def covered(self, cases: int) -> None:
        self._covered.inc(cases)

    def alarmed(self, kind: str) -> None:
        self._alarms.labels(kind).inc()

    def checked(self, by: str, outcome: str) -> None:
        self._checks.labels(by, outcome).inc()

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Show a number that somebody else keeps."""
        Gauge(f"madoguchi_{name}", meaning, registry=self.registry).set_function(value)
