"""Pure: how a customer says, in one word, that they want no more promotions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from gateway.record import storable
from normalizer.message import Message
from store import consents
from store.consents import Word
from store.known import Arrival, Changes, Known, Person
from store.rows import instant

_LONGEST: Final = 60  # characters: whoever writes more says more than this one word
_DAY: Final = timedelta(days=1)
_NO: Final = re.compile(
    r"(?:please )?(?:unsubscribe|stop ?all|stop)(?: me)?(?: please)?"
    r"|opt[ -]?out"
    r"|(?:メール|ご案内|お知らせ)?の?配信の?を?停止(?:を?(?:希望|お願い)(?:です|します|いたします)?|して(?:ください|下さい))?"
)
_QUOTES: Final = dict.fromkeys(map(ord, "「」『』\"'“”"))
_EDGES: Final = ".,!。、!・ "


def is_no(message: Message) -> bool:
    """Whether the new words are this and nothing else; a mail without any may say it in its subject."""
    return not message.automatic.is_auto and says_no(message.reply_text.strip() or message.subject)


def says_no(said: str) -> bool:
    """Whether words are this and nothing else."""
    if len(said) > _LONGEST:
        return False
    folded = " ".join(unicodedata.normalize("NFKC", said).casefold().translate(_QUOTES).split())
    return _NO.fullmatch(folded.strip(_EDGES)) is not None


def is_bare(known: Known, arrival: Arrival, message: Message) -> bool:
    """Whether it answers a notice of ours with this word: nobody has to answer that."""
    if not arrival.tokens or arrival.history or not is_no(message):
        return False
    asked = known.given.get(arrival.tokens[0].message_id)
    return asked is not None and asked.kind == "notice"


def take(
    arrival: Arrival, message: Message, person: Person | None, message_id: int, changes: Changes,
    confirmation: Sequence[tuple[Any, ...]] = (),
) -> None:  # fmt: skip
    """Keep the word, if it is this, of somebody who is surely who they say, or holds our token.

    The rows of `confirmation` are written unless the same was said within a day.
    """
    sure = arrival.author.authenticated or arrival.tokens
    if person is None or arrival.history or not sure:
        return
    if not (is_no(message) or _was_told_to_the_platform(message)):
        return
    said = storable((message.reply_text.strip() or message.subject)[:_LONGEST])
    word = Word(False, f"wrote: {said}", "", instant(arrival.at), message_id)
    since = instant(arrival.at - _DAY)
    changes.then(
        partial(_keep, identity_id=person.identity_id, word=word, since=since, rows=confirmation)
    )


def _was_told_to_the_platform(message: Message) -> bool:
    """A keyword that ends all messages there: who is reached again later has not agreed again."""
    report = message.report
    return bool(report and not report.peer_id and report.address_dead and message.text.strip())


def _keep(
    connection: Connection, changes: Changes, *, identity_id: int, word: Word, since: str,
    rows: Sequence[tuple[Any, ...]],
) -> None:  # fmt: skip
    who = consents.customer(connection, identity_id=identity_id)
    if who is None:
        return
    was_said = consents.wrote_no(connection, who, since)
    consents.say(connection, changes, who, word)
    for row in () if was_said else rows:
        changes.add(row)
