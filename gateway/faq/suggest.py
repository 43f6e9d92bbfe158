"""Pure: which of our own pages an acknowledgement names, and to whom."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from gateway.authenticate import Keys
from gateway.faq.entries import Entry
from gateway.faq.index import Index
from gateway.record import to_json
from gateway.team.route import is_sensitive
from normalizer.message import Message
from store import rows
from store.known import Arrival

LINK: Final = "\nhelped"  # what a link's token is signed for, where others have an address
ABOUT: Final = "suggestions"  # the decision in which an acknowledgement keeps what it named


@dataclass(frozen=True, slots=True)
class Suggest:
    """Without a `public_url` there is no page on which to say that it helped."""

    index: Index
    keys: Keys
    public_url: str

    def __call__(
        self, arrival: Arrival, message: Message, case: rows.Case, language: str
    ) -> tuple[Entry, ...]:
        """Nothing to strangers, who shall read what nobody's words have chosen, nor in a sensitive case."""
        if not arrival.author.authenticated or is_sensitive(case):
            return ()
        question = f"{message.subject}\n{message.reply_text or message.text}"
        return self.index.search(question, language)

    def link(self, case_id: int, message_id: int) -> str:
        """Where somebody says that it helped."""
        if not self.public_url:
            return ""
        return f"{self.public_url}/h/{self.keys.token(case_id, message_id, LINK)}"


def decided(entries: tuple[Entry, ...]) -> str:
    """What an acknowledgement named, as a decision about it."""
    names = ", ".join(entry.name for entry in entries)
    return to_json([{"about": ABOUT, "outcome": names, "reason": "words of the question"}])


def named(decisions: str) -> tuple[str, ...]:
    """The names of what an acknowledgement named."""
    said = (one for one in json.loads(decisions) if one["about"] == ABOUT)
    return tuple(name for one in said for name in one["outcome"].split(", "))
