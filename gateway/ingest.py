"""START HERE: how a message gets in.

channel → Envelope → a worker reads it → author, tokens → one transaction → Receipt → 250.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

import structlog

from channels.base import Receipt, Unavailable
from gateway.authenticate import Keys, tokens
from gateway.config.rules import FormMail
from gateway.desk.sent import facts as facts_of_sent
from gateway.incoming.echo import carried
from gateway.incoming.returned import identified
from gateway.links import proofs
from gateway.matching.author import is_ours, resolve
from gateway.matching.form_mail import look, opened, rule_for
from gateway.matching.participants import offered
from gateway.metrics import Metrics
from gateway.outgoing.acknowledge import budget, recipient
from gateway.readers import READ_PATIENCE, ReaderDied, Readers, TooSlow, discard
from gateway.sender.resolver import Resolver
from gateway.sender.trust import NOBODY_VOUCHES, Trust, Verdict
from gateway.sender.vouch import Mail, by_word, judge
from gateway.spam.filters import Undecided
from gateway.spam.screen import Screen
from gateway.spam.verdict import Asked
from gateway.watch.canary import Canaries
from normalizer.email.forms import Found, head_of
from normalizer.email.headers import MAX_BLOCK
from normalizer.message import Claim, Envelope, Identity, Message, Spooled
from store.engine import StoreUnavailable
from store.known import Arrival, Raw, Token
from store.store import Store

log = structlog.get_logger()

_EVENTS = {
    outcome: f"message.{outcome}" for outcome in ("accepted", "duplicate", "refused", "quarantined")
}

_LATE = timedelta(minutes=1)  # what waited longer than this elsewhere came to us only now
_DNS_PATIENCE = 0.25  # seconds of READ_PATIENCE that a peer may wait for the DNS
PATIENCE = 30.0  # seconds within which a peer is answered, whatever the store does


@dataclass(frozen=True, slots=True)
class Ingest:
    """The one path in. `trust` holds, by channel, whose word on a sender we take; without a
    `resolver` nothing else is evaluated. `committed(channel)` wakes whoever delivers.
    """

    store: Store
    readers: Readers
    keys: Keys
    own: frozenset[Identity]
    trust: Mapping[str, Trust]
    max_age: timedelta
    clock: Callable[[], datetime]
    committed: Callable[[str], None]
    metrics: Metrics
    forms: tuple[FormMail, ...] = ()
    marks: tuple[str, ...] = ()
    screen: Screen | None = None
    gaps: Mapping[str, timedelta] = field(default_factory=dict)
    canaries: Canaries | None = None
    staff: frozenset[Identity] = frozenset()
    resolver: Resolver | None = None

    async def accept(self, envelope: Envelope) -> Receipt:
        """Make an envelope durable; raises Unavailable where the peer shall try again.

        What cannot be read in time, or whose author the DNS is slow to tell of, is stored unread,
        and read later: the peer has its answer, and the raw bytes are ours.
        """
        began, outcome = self.metrics.begin(), "deferred"
        try:
            async with asyncio.timeout(PATIENCE):
                receipt = await self._commit(envelope)
            outcome = receipt.outcome
        except StoreUnavailable as error:
            log.warning("message.deferred", unit=envelope.unit, reason=str(error))
            raise Unavailable("4.3.1", 452) if error.full else Unavailable() from error
        except TimeoutError as error:
            log.warning("message.deferred", unit=envelope.unit, reason="the store took too long")
            raise Unavailable from error
        finally:
            self.metrics.received(envelope.channel, outcome, began)
        self.committed(envelope.channel)
        log.info(
            _EVENTS[receipt.outcome],
            unit=envelope.unit,
            channel=envelope.channel,
            message_id=receipt.message,
        )
        return receipt

    async def _commit(self, envelope: Envelope) -> Receipt:
        began = monotonic()
        message, sha256 = await self._read(envelope)
        try:
            verdict = NOBODY_VOUCHES
            if message:
                left = began + READ_PATIENCE - monotonic()
                verdict = await self.judge(envelope, message, min(left, _DNS_PATIENCE))
            raw = await self._keep(envelope.raw, sha256)
            left = max(0.0, began + READ_PATIENCE - monotonic())
            known = None if verdict.late else message
            return await self._admitted(envelope, raw, known, verdict, left)
        finally:
            discard((message,) if message else ())

    async def _admitted(
        self, envelope: Envelope, raw: Raw, message: Message | None, verdict: Verdict, left: float
    ) -> Receipt:
        """Durable, and as our rules have it; unread if they fall over it.

        Else a peer would bring it again and again, and with it hold up what comes after it.
        """
        try:
            arrival = await self.arrival(envelope, raw, message, verdict, patience=left)
            return Receipt(*await self.store.commit_inbound(arrival))
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("message.not_admitted", unit=envelope.unit)
        unread = _arrival(envelope, raw, self._taken_at(envelope))
        return Receipt(*await self.store.commit_inbound(unread))

    async def _read(self, envelope: Envelope) -> tuple[Message | None, str]:
        try:
            reading = await self.readers.read(envelope)
        except (TooSlow, ReaderDied):
            return None, _sha256(envelope.raw)
        return reading.messages[0], reading.sha256

    async def judge(self, envelope: Envelope, message: Message, patience: float) -> Verdict:
        """Whether the author is who From says, at the latest after `patience` seconds.

        History is believed as its mailbox tells: the keys and records of its day are gone.
        """
        trust = self.trust.get(envelope.channel, Trust())
        mail = Mail(message, envelope.transport, trust, self.clock().timestamp())
        verdict, is_settled = by_word(mail)
        if is_settled or self.resolver is None or envelope.transport.sent:
            return verdict
        if self._is_history(envelope):
            return verdict
        try:
            return await judge(self.resolver, mail, verdict.results, patience)
        except Exception:
            # A defect of ours here is no reason to keep a mail waiting: nobody vouches for it.
            log.exception("message.not_judged", unit=envelope.unit)
            return verdict

    async def arrival(
        self,
        envelope: Envelope,
        raw: Raw,
        message: Message | None,
        verdict: Verdict,
        rereads: int | None = None,
        *,
        patience: float | None = None,
        released: bool = False,
    ) -> Arrival:
        """What the rules will see; large bytes are blobs from here on.

        A mail that the spam filters need more than `patience` seconds for is read later; what a
        person has `released` is not shown to them again.
        """
        arrival = _arrival(envelope, raw, self._taken_at(envelope))
        if message is None:
            return arrival
        if self.canaries and (canary := self.canaries.recognised(message)):
            return replace(arrival, message=message, rereads=rereads, canary=canary)
        envelope = _addressed(envelope, message, self.own)
        message = await self._prepared(envelope, message)
        if envelope.transport.sent:
            ours = self.own | self.staff
            return replace(facts_of_sent(arrival, message, ours, self.keys), rereads=rereads)
        form = await self._form(envelope, raw, message, verdict) if self.forms else None
        if form:
            message = opened(message, form)
        read = replace(self._facts(arrival, envelope, message, verdict, form), rereads=rereads)
        if self.screen is None or released:
            return read
        return await self._screened(self.screen, read, envelope, verdict, patience) or arrival

    def _facts(
        self,
        arrival: Arrival,
        envelope: Envelope,
        message: Message,
        verdict: Verdict,
        form: Found | None,
    ) -> Arrival:
        """Everything that the rules decide by."""
        author = resolve(message, self.own, verdict, form)
        return replace(
            arrival,
            message=message,
            author=author,
            # A stolen token makes no forgery true that the author's own domain disowns.
            tokens=() if verdict.distrusted else self._tokens(message, envelope, author.identity),
            offered=offered(message, envelope.transport, author),
            held=self._held(message, envelope) if self.staff else (),
            budget=budget(message),
            distrusted=verdict.distrusted,
            results=verdict.results,
            doubtful=verdict.temporary,
            history=self._is_history(envelope),
            gap=self.gaps.get(envelope.channel),
            form=tuple(form.fields.items()) if form else message.fields,
            echoes=carried(message, self.marks),
            code=proofs.written(message),
        )

    async def _prepared(self, envelope: Envelope, message: Message) -> Message:
        """With what the envelope alone knows; its large parts are kept."""
        message = _known_better(envelope, message)
        for part in message.parts:
            await self._keep(part.data, part.sha256)
        return message

    async def _screened(
        self, screen: Screen, read: Arrival, envelope: Envelope, verdict: Verdict,
        patience: float | None,
    ) -> Arrival | None:  # fmt: skip
        """With who calls it spam; None if the filters have not said so far."""
        assert read.message
        asked = Asked(
            read.channel, read.message, read.transport, verdict,
            self.trust.get(read.channel, Trust()), bool(read.tokens), read.history,
        )  # fmt: skip
        try:
            blob = self.store.blobs.path(read.raw.sha256)
            spam = await screen(asked, envelope, blob, patience)
        except Undecided:
            return None
        return replace(read, spam=spam) if spam else read

    async def _form(
        self, envelope: Envelope, raw: Raw, message: Message, verdict: Verdict
    ) -> Found | None:
        """What a rule finds; only now its headers are read, which no other mail pays for."""
        rule = rule_for(self.forms, message, envelope.transport.peer, verdict)
        if rule is None:
            return None
        if isinstance(envelope.raw, bytes):
            return look(rule, head_of(envelope.raw), message)
        kept = self.store.blobs.path(raw.sha256)
        return look(rule, head_of(await asyncio.to_thread(_beginning, kept)), message)

    def _tokens(
        self, message: Message, envelope: Envelope, identity: Identity | None
    ) -> tuple[Token, ...]:
        if identity is None:
            return ()
        references = (message.in_reply_to, *reversed(message.references))
        address = recipient(message) if identity.kind == "form" else identity.address
        return tokens(self.keys, references, envelope.transport.recipients, address)

    def _held(self, message: Message, envelope: Envelope) -> tuple[Token, ...]:
        """The tokens that were given to the colleague in From, whether or not he wrote."""
        named = next((c.identity for c in message.claims if c.source == "from"), None)
        return self._tokens(message, envelope, named) if named in self.staff else ()

    def _is_history(self, envelope: Envelope) -> bool:
        """Old, or by no channel that we have (an import, a channel of earlier): nobody to answer on."""
        is_old = self.clock() - envelope.received_at > self.max_age
        return envelope.transport.history or is_old or envelope.channel not in self.trust

    def _taken_at(self, envelope: Envelope) -> datetime | None:
        """Now, for what waited in a mailbox while we were away."""
        now = self.clock()
        return (
            now if now - envelope.received_at > _LATE and envelope.channel in self.trust else None
        )

    async def _keep(self, data: bytes | Spooled, sha256: str) -> Raw:
        if isinstance(data, Spooled):
            return await self.store.keep(data)
        return Raw(sha256, len(data), data)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BLOCK)


def _sha256(raw: bytes | Spooled) -> str:
    return raw.sha256 if isinstance(raw, Spooled) else hashlib.sha256(raw).hexdigest()


def _addressed(envelope: Envelope, message: Message, own: frozenset[Identity]) -> Envelope:
    """A mailbox does not tell its mails' envelopes: those of us whom To and Cc name stand for it."""
    if envelope.transport.recipients:
        return envelope
    named = (address.address for address in (*message.to, *message.cc))
    ours = tuple(one for one in named if is_ours(Identity("email", one.lower()), own))
    return replace(envelope, transport=envelope.transport._replace(recipients=ours))


def _known_better(envelope: Envelope, message: Message) -> Message:
    """A message with what only its envelope tells."""
    if message.unreadable:
        message = _as_the_envelope_says(envelope, message)
    return identified(message, envelope.transport.recipients) if message.bounce else message


def _as_the_envelope_says(envelope: Envelope, message: Message) -> Message:
    """A mail that nobody could read still has somebody who sent it."""
    sender = envelope.transport.sender
    if not message.unreadable or message.claims or "@" not in sender:
        return message
    return replace(message, claims=(Claim("envelope", Identity("email", sender.lower()), ""),))


def _arrival(envelope: Envelope, raw: Raw, taken_at: datetime | None) -> Arrival:
    return Arrival(
        channel=envelope.channel,
        unit=envelope.unit,
        received_at=envelope.received_at,
        transport=envelope.transport,
        format=envelope.format,
        raw=raw,
        message=None,
        taken_at=taken_at,
    )
