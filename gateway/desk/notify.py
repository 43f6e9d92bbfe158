"""Word to colleagues of what a customer wrote: one mail each, a few an hour, answered to answer."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from channels.base import Settings
from gateway.alarm import Alarm, Alarms
from gateway.authenticate import Keys
from gateway.outgoing.letter import Letter, message_row, outbox_row
from gateway.record import storable
from gateway.team.roster import About, Colleague
from gateway.words import Text, clean_line
from normalizer.message import Identity, Message
from store import rows
from store.known import Arrival, Changes

_HOUR = timedelta(hours=1)
_LONGEST = 20_000  # characters of a customer's words in such a mail
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "new case": "{who} has written: a new case.",
        "customer wrote": "{who} has written again.",
        "survey answered": "{who} has answered the survey: {score}.",
        "person wanted": "{who} asks for a person.",
        "still stuck": "{who} says that it is not solved yet.",
        "answer": "Answer this mail to answer the customer: your words go out from our own "
        "address, without your signature and without what you quote.",
        "more": "{more} more messages came in the past hour; please look at the list of cases.",
        "unverified": "Nobody vouches that this address is really the writer's.",
        "files": "Attachments: {files}. They are in the case.",
    },
    "ja": {
        "new case": "{who} 様から新しいお問い合わせがありました。",
        "customer wrote": "{who} 様から続けてご連絡がありました。",
        "survey answered": "{who} 様からアンケートへの回答がありました（{score}）。",
        "person wanted": "{who} 様が担当者との会話を希望されています。",
        "still stuck": "{who} 様から、まだ解決していないとのご連絡がありました。",
        "answer": "このメールに返信すると、お客様への回答になります。窓口のアドレスから送られ、"
        "署名と引用は除かれます。",
        "more": "この1時間にほかに{more}件届いています。お問い合わせの一覧をご確認ください。",
        "unverified": "このアドレスが本人のものかどうかは確認できていません。",
        "files": "添付ファイル: {files}（お問い合わせの画面でご覧いただけます）",
    },
}


@dataclass(slots=True)
class Hours:
    """How many mails each colleague had in the past hour, and how many were left out since."""

    _sent: defaultdict[str, deque[datetime]] = field(default_factory=lambda: defaultdict(deque))
    _more: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def take(self, one: Colleague, at: datetime) -> int | None:
        """How many were left out before this one; None when this is left out, too."""
        sent = self._sent[one.address]
        while sent and at - sent[0] >= _HOUR:
            sent.popleft()
        if len(sent) >= one.per_hour:
            self._more[one.address] += 1
            return None
        sent.append(at)
        return self._more.pop(one.address, 0)


@dataclass(frozen=True, slots=True)
class Notify:
    """Writes these mails; who writes to whom comes from the configuration."""

    name: str
    language: str
    people: tuple[Colleague, ...]
    channels: Mapping[str, Settings]
    keys: Keys
    hours: Hours = field(default_factory=Hours)

    def __call__(
        self,
        about: About,
        case: rows.Case,
        arrival: Arrival,
        message: Message,
        alarms: Alarms,
        changes: Changes,
        score: str = "",
    ) -> None:
        """Tell whoever wants to know; the writer of the message is not told of it."""
        writer = arrival.author.identity.address if arrival.author.identity else ""
        settings = self.way(arrival.channel)
        for one in self.people if settings else ():
            if one.wants(about, case) and one.address != writer:
                more = self.hours.take(one, arrival.at)
                if settings is None or more is None:
                    flooded(alarms, arrival.channel, arrival.at)
                    continue
                text = self._text(about, case, arrival, message, more, score)
                self.post(Identity("email", one.address), settings, case, text, arrival.at, changes)

    def way(self, name: str, kind: str = "email") -> Settings | None:
        """How a colleague is written to: on the case's own channel, or the first that reaches them."""
        ours = self.channels.get(name)
        able = (ours, *self.channels.values())
        return next((s for s in able if s and (s.reaches or s.type) == kind), None)

    def _text(
        self, about: About, case: rows.Case, arrival: Arrival, message: Message, more: int,
        score: str,
    ) -> Text:  # fmt: skip
        words = WORDS[spoken(self.language)]
        author = arrival.author
        address = author.identity.address if author.identity else ""
        who = clean_line(f"{author.name} <{address}>" if author.name else address or "?", 200)
        files = [clean_line(p.filename or p.content_type, 80) for p in message.parts
                 if p.role in ("inline", "attachment")]  # fmt: skip
        lines = [
            words[about].format(who=who, score=score),
            "" if author.authenticated else words["unverified"],
            message.reply_text.strip()[:_LONGEST] or message.subject,
            words["files"].format(files=", ".join(files[:20])) if files else "",
            words["more"].format(more=more) if more else "",
            words["answer"],
        ]
        subject = clean_line(f"[{case.reference}] {message.subject}")
        return Text(storable(subject), storable("\n\n".join(filter(None, lines))))

    def post(
        self, to: Identity, settings: Settings, case: rows.Case, text: Text, at: datetime,
        changes: Changes, kind: Literal["notice", "note"] = "notice",
    ) -> None:  # fmt: skip
        """One mail; an answer to a notice is the answer to the customer, one to a note a note."""
        letter = Letter(
            kind=kind,
            to=to,
            text=text,
            language=self.language,
            case_id=case.id,
            conversation_id=case.conversation_id,
            customer_id=case.customer_id,
            identity_id=None,
            at=at,
        )
        row = message_row(changes.new_id(), letter, self.name, settings, self.keys)
        changes.add(row)
        delivery = outbox_row(
            changes.new_id(), row, at=at, budget=("", ""), authenticated=True, counted=False
        )
        changes.add(delivery)


def spoken(language: str) -> str:
    """In which of our own languages colleagues read it."""
    tongue = language.lower().partition("-")[0]
    return tongue if tongue in WORDS else "en"


def flooded(alarms: Alarms, channel: str, at: datetime) -> None:
    """Somebody has had all the mails of an hour."""
    why = "colleagues have had all the mails of this hour: not each message is told"
    alarms.raise_(Alarm("staff.flood", why, at, {"channel": channel}))
