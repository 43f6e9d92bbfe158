"""Pure: mail of our own people: answers to what we asked them, and answers to customers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway import record
from gateway.desk import change, speak
from gateway.desk.speak import Desk, File, Refused, Who, Words
from gateway.team.roster import Colleague
from normalizer.message import NULL_SENDER, Message
from store import rows
from store.known import Arrival, Changes, Given, Known, Raw
from store.rows import instant

_TOKEN = re.compile(r"\S*[0-9a-z]{1,12}\.[0-9a-z]{1,12}\.[0-9a-f]{20}\S*", re.IGNORECASE)
# What a mail program adds to its owner's words, with his name in it.
_TELLING = re.compile(r"application/(?:x-)?(?:pkcs7|pgp)-|text/(?:x-)?vcard|ms-tnef", re.IGNORECASE)


class Word(NamedTuple):
    """A colleague's mail in a case: what of ours it answers; `stolen` says why that counts little."""

    given: Given
    case: rows.Case
    stolen: str = ""


@dataclass(frozen=True, slots=True)
class Colleagues:
    """Our own people, and from where they speak when they answer by mail."""

    desk: Desk
    people: tuple[Colleague, ...]

    def word(self, known: Known, arrival: Arrival) -> Word | None:
        """What a mail with a token of ours answers; None for everything that customers write."""
        for token in (*arrival.held, *arrival.tokens):
            given, case = known.given.get(token.message_id), known.cases.get(token.case_id)
            if given and case and given.is_to_colleague and given.case_id == case.id:
                return Word(given, case)
        for offer in arrival.offered if self._person(arrival) else ():
            given = known.given.get(offer.message_id)
            case = known.cases.get(given.case_id or 0) if given else None
            if given and case and given.is_to_colleague and self._was_given(offer.text, given):
                return Word(given, case, "the mail that it answers went to another colleague")
        return None

    def _was_given(self, text: str, given: Given) -> bool:
        return any(self.desk.keys.check(text, address) for address in given.addresses)

    def _person(self, arrival: Arrival) -> Colleague | None:
        claims = arrival.message.claims if arrival.message else ()
        name = next((c.identity.address for c in claims if c.source == "from"), "")
        return next((one for one in self.people if one.address == name), None)

    def note(
        self, known: Known, arrival: Arrival, message: Message, word: Word, id_: int,
        changes: Changes,
    ) -> rows.Message:  # fmt: skip
        """The mail as a note in the case; where it may be, its words go on to the customer."""
        outcome: rows.Message | str
        if word.given.kind == "note":
            outcome = "an answer to what we asked"
        else:
            outcome = self._passed_on(known, arrival, message, word, changes)
        reason = f"sent as message {outcome.id}" if isinstance(outcome, rows.Message) else outcome
        case, at = word.case, instant(arrival.at)
        if word.given.kind == "note" or isinstance(outcome, rows.Message):
            record.event_row(
                changes, "note.added", case.conversation_id, at,
                case_id=case.id, message_id=id_, by=arrival.author.name, token="",
            )  # fmt: skip
        else:
            record.event_row(
                changes, "staff.refused", case.conversation_id, at,
                case_id=case.id, message_id=id_, reason=reason,
            )  # fmt: skip
        decisions = [_decided("author", arrival.author.reason), _decided("staff", reason)]
        where = (case.conversation_id, case.id, case.customer_id, None)
        row = record.message_row(
            id_, arrival, message, status="stored", where=where, flags=(), decisions=decisions
        )
        return row._replace(kind="note")

    def _passed_on(
        self, known: Known, arrival: Arrival, message: Message, word: Word, changes: Changes
    ) -> rows.Message | str:
        """The reply to the customer, or why there is none."""
        person, facts = self._person(arrival), known.facts.get(word.case.id)
        if person is None or facts is None:
            return "From is no colleague's address"
        if why := word.stolen or _unfit(arrival, message, person):
            return why
        text = for_customer(message.reply_text, person.address)
        if not text:
            return "it has no words of its own"
        facts = facts._replace(case=known.cases.get(word.case.id, facts.case))
        where = speak.way(self.desk, facts, (), (), "", force=False, others={})
        if isinstance(where, Refused):
            return where.detail
        who = Who(person.name, "", arrival.at)
        row = speak.queue(self.desk, facts, where, Words(text, "", _files(message)), who, changes)
        speak.tell(changes, "reply.queued", facts.case, who, message_id=row.id)
        after = change.answered(facts.case, None, who, self.desk.follow, changes)
        known.cases[after.id] = after
        return row


def _unfit(arrival: Arrival, message: Message, person: Colleague) -> str:
    """Why a mail is not surely this colleague's own word (CVE-2026-47123)."""
    if message.automatic.is_auto or arrival.transport.sender == NULL_SENDER:
        return "automatic mail"
    if arrival.history or arrival.spam:
        return "it is history" if arrival.history else "it is called spam"
    if arrival.transport.user.lower() == person.login.lower():
        return ""
    author = arrival.author
    himself = author.identity is not None and author.identity.address == person.address
    if arrival.distrusted or not (author.authenticated and himself):
        return f"not sure who wrote it: {author.reason}"
    return ""


def for_customer(text: str, address: str) -> str:
    """A colleague's words without what would tell the customer where they came from."""
    bare = re.sub(rf"(?:mailto:)?{re.escape(address)}", "", text, flags=re.IGNORECASE)
    return _TOKEN.sub("", bare).strip()


def _files(message: Message) -> tuple[File, ...]:
    return tuple(
        File("attachment", part.content_type, part.filename, Raw(part.sha256, part.size, None))
        for part in message.parts
        if part.role in ("inline", "attachment") and not _TELLING.search(part.content_type)
    )


def _decided(about: str, reason: str) -> dict[str, Any]:
    return {"about": about, "outcome": "an internal note", "reason": reason}
