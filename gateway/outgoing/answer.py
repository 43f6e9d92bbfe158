"""What we say by ourselves: an acknowledgement as the row of a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from channels.base import Settings
from gateway.authenticate import Keys
from gateway.faq.index import titles
from gateway.faq.phrases import settled
from gateway.faq.suggest import Suggest, decided
from gateway.intake.intake import buttons as choices
from gateway.intake.question import Question
from gateway.matching.place import Place
from gateway.outgoing.acknowledge import Decision, whom
from gateway.outgoing.letter import Letter, chain, message_row, usable
from gateway.promises.word import Promising, next_minute
from gateway.team.route import ACKNOWLEDGEMENT, is_sensitive
from gateway.words import AckFacts, FollowUpFacts, Form, Text, Words
from gateway.words.buttons import below
from gateway.words.dates import as_said
from normalizer.message import Button, Kind, Message
from store import rows
from store.known import Arrival, Person

SOLVED = "solved"  # the template that says thanks
QUESTION = "question"  # the template of what is asked after the first
LEFT = "unsubscribed"  # the template that confirms an opt-out
_REFERENCE = "\ue000"  # stands for the reference in a text that is written once for many
OFFERS = "\ue001"  # and this for the ways by which one customer may go on


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes acknowledgements; everything in it comes from the configuration."""

    name: str
    language: str
    channels: Mapping[str, Settings]
    words: Words
    promising: Promising
    phone: str
    phone_hours: str
    keys: Keys
    suggest: Suggest | None = None

    def __call__(
        self, arrival: Arrival, message: Message, where: Place, decision: Decision, id_: int
    ) -> rows.Message:
        language = self._spoken(message, where.person, self.channels[arrival.channel])
        settings = self.channels[arrival.channel]
        replies_to = usable(message.message_id)
        found = self.suggest(arrival, message, where.case, language) if self.suggest else ()
        facts = self._facts(arrival, message, where, OFFERS if decision.offers else "")
        if self.suggest and found:
            helped_url = self.suggest.link(where.case.id, id_)
            facts = replace(facts, suggestions=titles(found), helped_url=helped_url)
        if decision.questions:
            asked = self._asked(decision.questions, language, settings.form)
            facts = replace(facts, questions=asked)
        letter = Letter(
            kind="acknowledgement",
            to=whom(message)._replace(address=decision.to),
            text=_fill(
                _written(
                    self.words.on(settings.name),
                    facts,
                    language,
                    settings.form,
                    decision.template or ACKNOWLEDGEMENT,
                ),
                where.case.reference,
            ),
            language=language,
            case_id=where.case.id,
            conversation_id=where.conversation_id,
            customer_id=where.case.customer_id,
            identity_id=where.person.identity_id if where.person else None,
            at=arrival.at,
            in_reply_to=replies_to,
            references=_references(arrival, message, replies_to),
            buttons=self._buttons(where, language, settings.form, facts.helped_url, decision),
            promised_by=as_said(facts.promised_by),
        )
        row = message_row(id_, letter, self.name, settings, self.keys)
        return row._replace(decisions=decided(found)) if found else row

    def _buttons(
        self, where: Place, language: str, form: Form, helped_url: str, decision: Decision
    ) -> tuple[Button, ...]:
        """In a sensitive case a person speaks anyway."""
        if is_sensitive(where.case):
            return ()
        if form == "long":
            return ()
        answers = choices(decision.questions[0]) if decision.questions else ()
        helped = settled(language, helped_url)
        return (*answers, *helped, *below(ACKNOWLEDGEMENT, language, form))

    def _asked(self, questions: tuple[Question, ...], language: str, form: Form) -> str:
        """A letter asks everything at once, as a list; a messenger one after the other."""
        said = [one.asks(language, self.language) for one in questions]
        return said[0] if form == "short" else "\n".join(f"・{one}" for one in said)

    def question(
        self, arrival: Arrival, message: Message, case: rows.Case, person: Person, asks: Question,
        id_: int,
    ) -> rows.Message:  # fmt: skip
        """The next question, after the answer to the one before."""
        settings = self.channels[arrival.channel]
        language = self._spoken(message, person, settings)
        facts = FollowUpFacts(
            gateway_name=self.name, reference=case.reference, now=arrival.at,
            question=asks.asks(language, self.language),
        )  # fmt: skip
        text = self.words.on(settings.name).follow_up(QUESTION, facts, language, settings.form)
        letter = _in_case("follow_up", text, language, arrival, message, case, person)
        buttons = (*choices(asks), *below(ACKNOWLEDGEMENT, language, settings.form))
        return message_row(id_, replace(letter, buttons=buttons), self.name, settings, self.keys)

    def thanks(
        self, arrival: Arrival, message: Message, case: rows.Case, person: Person, id_: int
    ) -> rows.Message:
        """What is said to a customer who told us that it is solved."""
        settings = self.channels[arrival.channel]
        language = self._spoken(message, person, settings)
        zone = self.promising.calendars.of(case).calendar.zone
        facts = FollowUpFacts(
            gateway_name=self.name, reference=case.reference, now=arrival.at.astimezone(zone),
            subject=case.subject, phone=self.phone, phone_hours=self.phone_hours, authenticated=True,
            customer_name=person.name,
        )  # fmt: skip
        text = self.words.on(settings.name).follow_up(SOLVED, facts, language, settings.form)
        letter = _in_case("notice", text, language, arrival, message, case, person)
        return message_row(id_, letter, self.name, settings, self.keys)

    def left(
        self, arrival: Arrival, message: Message, person: Person, case_id: int | None, id_: int
    ) -> rows.Message:
        """What is said to a customer who wants no more promotions."""
        settings = self.channels[arrival.channel]
        # Such a word is too short to tell its language by more than its letters.
        spoken = "" if (message.reply_text or message.subject).isascii() else "ja"
        language = spoken or self._spoken(message, person, settings)
        facts = FollowUpFacts(
            gateway_name=self.name, reference="", now=arrival.at, authenticated=True,
            phone=self.phone, phone_hours=self.phone_hours,
        )  # fmt: skip
        replies_to = usable(message.message_id)
        letter = Letter(
            kind="notice",
            to=whom(message),
            text=self.words.on(settings.name).follow_up(LEFT, facts, language, settings.form),
            language=language,
            case_id=case_id,
            conversation_id=person.conversation_id,
            customer_id=person.customer_id,
            identity_id=person.identity_id,
            at=arrival.at,
            in_reply_to=replies_to,
            references=_references(arrival, message, replies_to),
        )
        return message_row(id_, letter, self.name, settings, self.keys)

    def _facts(self, arrival: Arrival, message: Message, where: Place, offers: str) -> AckFacts:
        promised = self.promising(where.case, arrival.at)
        zone = self.promising.calendars.of(where.case).calendar.zone
        known = arrival.author.authenticated
        return AckFacts(
            gateway_name=self.name,
            reference=_REFERENCE,
            now=next_minute(arrival.at).astimezone(zone),
            promised_by=promised.by.astimezone(zone),
            open_now=promised.open_now,
            closed_days=promised.closed,
            reopens_at=promised.reopens_at,
            surge=promised.surge,
            customer_name=where.person.name if known and where.person else "",
            subject=message.subject if known else "",
            phone=self.phone,
            phone_hours=self.phone_hours,
            authenticated=known,
            offers=offers,
        )

    def _spoken(self, message: Message, person: Person | None, settings: Settings) -> str:
        earlier = person.language if person else ""
        return message.language or earlier or settings.language or self.language


def _in_case(
    kind: Kind, text: Text, language: str, arrival: Arrival, message: Message, case: rows.Case,
    person: Person,
) -> Letter:  # fmt: skip
    """What is said to an author in the case of the message."""
    return Letter(
        kind=kind,
        to=whom(message),
        text=text,
        language=language,
        case_id=case.id,
        conversation_id=case.conversation_id,
        customer_id=case.customer_id,
        identity_id=person.identity_id,
        at=arrival.at,
    )


@lru_cache(maxsize=64)
def _written(words: Words, facts: AckFacts, language: str, form: Form, name: str) -> Text:
    """Strangers who write in the same minute and language read the same but for the reference."""
    return words.acknowledgement(facts, language, form, name)


def _fill(text: Text, reference: str) -> Text:
    return Text(*(line.replace(_REFERENCE, reference) for line in text))


def _references(arrival: Arrival, message: Message, replies_to: str) -> tuple[str, ...]:
    """RFC 5322 section 3.6.4; to a stranger we repeat his own Message-ID at most."""
    known = arrival.author.authenticated
    return chain(filter(usable, message.references) if known else (), replies_to)
