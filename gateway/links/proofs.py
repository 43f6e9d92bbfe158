"""Pure: codes by which customers show that two of their addresses are one person's.

A code is given to one identity in an acknowledgement, with a link for each other channel that the
customer may go on by. Whoever shows it there first, within a day, is connected; both are told.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from channels.base import Settings
from gateway.authenticate import Keys
from gateway.desk.speak import Who
from gateway.links.join import Join, join
from gateway.matching.place import Place, person_of
from gateway.outgoing.acknowledge import budget_of
from gateway.outgoing.letter import Letter, Why, message_row, say
from gateway.team.route import Mode, stricter
from gateway.words import FollowUpFacts, Words
from normalizer.message import Identity, Message
from store import proofs as store
from store import rows
from store.known import Arrival, Changes, Known, Person, Shown
from store.rows import instant, moment

LASTS: Final = timedelta(hours=24)
_MARK: Final = "MG-"
_CODE: Final = re.compile(r"(?<![\w-])MG((?:-[A-HJKMNP-TV-Z0-9]{5}){3})(?![\w-])", re.IGNORECASE)
_ALPHABET: Final = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"  # as in references: read aloud safely
_LOOKED_AT: Final = 4000  # characters in which the first line begins
_LONGEST: Final = 60  # characters of a line that is a code and nothing else
_SHOWN: Final = re.compile(rf"\W*(?:/start\W+)?(?P<code>{_CODE.pattern})\W*", re.IGNORECASE)
_WORDS: Final = re.compile(r"[^\W_]{2,}")
_COMMAND: Final = re.compile(r"/start\b", re.IGNORECASE)


def new_code() -> str:
    """A code of 75 bits, as a customer may have to type it: `MG-K4TZ9-QHM2A-7VX3C`."""
    blocks = ("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(3))
    return f"{_MARK}{'-'.join(blocks)}"


def digest(code: str) -> str:
    """What the store keeps of a code."""
    return hashlib.sha256(code.upper().encode()).hexdigest()


def written(message: Message) -> str:
    """The digest of the code that a message shows; "" if there is none.

    It has to be the whole subject or the whole first line. An acknowledgement that somebody passes
    on, or answers with all of it below, holds a code, too, and shows nothing.
    """
    first = message.text[:_LOOKED_AT].strip().partition("\n")[0]
    for line in (message.subject, first):
        if len(line) < _LONGEST and (found := _SHOWN.fullmatch(line)):
            return digest(found["code"])
    return ""


def says_more(message: Message) -> bool:
    """Whether there is anything in a message beside the code that somebody should read."""
    text = message.reply_text or message.text
    return bool(message.parts) or bool(_WORDS.search(_COMMAND.sub("", _CODE.sub("", text))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """Gives codes out and takes them back; everything in it comes from the configuration.

    `offered` are the channels by which customers may go on; `modes` say by channel how freely we
    speak there, and `at_most` everywhere.
    """

    offered: tuple[Settings, ...]
    channels: Mapping[str, Settings]
    name: str
    zone: ZoneInfo
    language: str
    words: Words
    keys: Keys
    modes: Mapping[str, Mode] = field(default_factory=dict)
    at_most: Mode = "live"

    def ways(self, known: Known, arrival: Arrival, where: Place) -> tuple[Settings, ...]:
        """By which other channels the author of a new case may go on."""
        person = where.person
        if person is None or not arrival.author.authenticated or arrival.author.identity is None:
            return ()
        taken = known.kinds.get(person.customer_id, set()) | {arrival.author.identity.kind}
        return tuple(one for one in self.offered if (one.reaches or one.type) not in taken)

    def offer(
        self, ways: tuple[Settings, ...], message: rows.Message, at: datetime, changes: Changes
    ) -> str:
        """A line for each way, as `LINE: https://…`; the code in it is kept as a digest."""
        code = new_code()
        assert message.identity_id is not None
        assert message.case_id is not None
        changes.add(
            rows.Proof(
                changes.new_id(),
                digest(code),
                message.identity_id,
                message.case_id,
                message.id,
                instant(at),
                instant(at + LASTS),
            )
        )
        return "\n".join(f"{way.title}: {way.invites(code)}" for way in ways)

    def take(self, known: Known, arrival: Arrival, message: Message, changes: Changes) -> Message:
        """Connect the author with whom the code was given to; a bare code is no matter of its own.

        A code that is used, old or shown by somebody whom nobody vouches for changes nothing.
        """
        shown = known.shown.get(arrival.code)
        if shown is None or not self._is_good(shown, arrival, message):
            return message
        person = person_of(known, arrival, message, changes)
        if person.customer_id == shown.customer_id:
            return message if says_more(message) else replace(message, aside=True)
        at = instant(arrival.at)
        known.shown[arrival.code] = shown._replace(proof=shown.proof._replace(used_at=at))
        language = message.language or person.language or shown.language
        self._connect(shown, person, arrival, language, changes)
        return message if says_more(message) else replace(message, aside=True)

    def _is_good(self, shown: Shown, arrival: Arrival, message: Message) -> bool:
        author = arrival.author
        is_fresh = shown.proof.used_at is None and moment(shown.proof.expires_at) > arrival.at
        is_somebody = author.authenticated and author.identity is not None
        return (
            is_fresh
            and is_somebody
            and str(author.identity) != shown.address
            and not (arrival.history or arrival.distrusted or message.automatic.is_auto)
        )

    def _connect(
        self, shown: Shown, person: Person, arrival: Arrival, language: str, changes: Changes
    ) -> None:
        """Once the message is written: what is said about it is said to the one customer."""
        proof, at = shown.proof, instant(arrival.at)
        why = f"a code that we gave to the one was shown by the other, on {arrival.channel}"
        wanted = Join(proof.identity_id, person.identity_id, "proof", why, Who("", "", arrival.at))

        def connect(connection: Connection, more: Changes) -> None:
            if not store.use(connection, proof.id, person.identity_id, at):
                return
            if isinstance(join(connection, more, wanted), rows.Link):
                more.then(lambda _, last: self._tell_both(shown, person, arrival, language, last))

        changes.then(connect)

    def _tell_both(
        self, shown: Shown, person: Person, arrival: Arrival, language: str, changes: Changes
    ) -> None:
        """Who showed it may go on; and who was given it hears, for it may have been somebody else."""
        assert arrival.author.identity
        here = (arrival.channel, arrival.author.identity, person.identity_id)
        there = (shown.channel, Identity.parse(shown.address), shown.proof.identity_id)
        self._tell("linked", here, "", shown, language, arrival.at, changes)
        other = self.channels[arrival.channel].title
        self._tell("link_notice", there, other, shown, shown.language, arrival.at, changes)

    def _tell(
        self, template: str, to: tuple[str, Identity, int], other: str, shown: Shown,
        language: str, at: datetime, changes: Changes,
    ) -> None:  # fmt: skip
        channel, identity, identity_id = to
        settings = self.channels.get(channel)
        if settings is None:
            return
        mode = stricter(cast("Mode", shown.mode) or self.modes.get(channel, "live"), self.at_most)
        if mode == "silence":
            return
        language = language or settings.language or self.language
        facts = FollowUpFacts(
            gateway_name=self.name,
            reference=shown.reference,
            now=at.astimezone(self.zone),
            other=other,
            authenticated=True,
        )
        letter = Letter(
            kind="notice",
            to=identity,
            text=self.words.on(settings.name).follow_up(template, facts, language, settings.form),
            language=language,
            case_id=shown.proof.case_id,
            conversation_id=shown.conversation_id,
            customer_id=shown.customer_id,
            identity_id=identity_id,
            at=at,
        )
        row = message_row(changes.new_id(), letter, self.name, settings, self.keys)
        why = Why(shown.proof.message_id, template, "a code of ours was shown on another channel")
        say(changes, row, mode, why, at=at, budget=budget_of(identity), authenticated=True)
