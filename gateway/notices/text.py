"""Pure: what one recipient of a notice reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from channels.base import Settings
from gateway.authenticate import Keys
from gateway.words import NoticeFacts, Text, Words
from store.notices import Kind

UNSUBSCRIBE = "unsubscribe"  # stands for the address that these tokens are good for: nobody has it


class Said(msgspec.Struct, frozen=True):
    """What is said and under which subject, by language; `default` is everybody else's."""

    text: dict[str, str]
    subject: dict[str, str]
    default: str


class Read(NamedTuple):
    """The text with its language, and the link by which a promotion is ended."""

    text: Text
    language: str
    unsubscribe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """Writes notices; `sender` and `sender_address` stand below promotions, as the law wants it."""

    words: Words
    keys: Keys
    name: str
    sender: str = ""
    sender_address: str = ""
    public_url: str = ""

    def __call__(
        self, what: Kind, said: Said, language: str, settings: Settings, reference: str,
        identity_id: int,
    ) -> Read:  # fmt: skip
        """In the wording of the channel that it goes out on."""
        chosen = _nearest(said.text, language, said.default)
        link = self._link(identity_id) if what == "promotion" else ""
        facts = NoticeFacts(
            gateway_name=self.name,
            reference=reference,
            text=said.text[chosen].strip(),
            subject=said.subject.get(chosen, ""),
            sender=self.sender or self.name,
            sender_address=self.sender_address,
            unsubscribe=link,
        )
        words = self.words.on(settings.name)
        return Read(words.notice(what, facts, chosen, settings.form), chosen, link)

    def _link(self, identity_id: int) -> str:
        if not self.public_url:
            return ""
        return f"{self.public_url}/u/{self.keys.token(0, identity_id, UNSUBSCRIBE)}"


def _nearest(texts: Mapping[str, str], language: str, default: str) -> str:
    """Their language, or the one that it is a kind of; else the notice's own."""
    wanted = language.lower()
    return next((one for one in (wanted, wanted.partition("-")[0]) if one in texts), default)
