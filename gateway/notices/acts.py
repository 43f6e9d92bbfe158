"""What one request about notices does in one transaction: start, stop, keep a word of consent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection

from gateway.desk.acts import Act
from gateway.desk.speak import Refused, Who
from gateway.notices.draw import Drawing
from gateway.notices.text import Said
from gateway.notices.wanted import Agreement, Announce
from gateway.record import event_row, storable, to_json
from normalizer.message import Identity
from store import consents, notices
from store import shapes_notices as shapes
from store.consents import Word
from store.known import Changes
from store.notices import Target
from store.rows import instant

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_LONGEST: Final = 20_000
_NO_NOTICE: Final = Refused("There is no notice with this id.", 404)
_NO_CUSTOMER: Final = Refused("There is no customer with this id.", 404)
_NOBODY: Final = Refused("Say whom it is for: customers, cases, a tag or addresses.")
_NO_SENDER: Final = Refused(
    "A promotion names who sends it: set sender and sender_address in [notices]."
)


@dataclass(frozen=True, slots=True)
class Announcing:
    """What notices are told with: the rules and words, our language, and the rate."""

    drawing: Drawing
    per_minute: int


def said(wanted: Announce, ours: str) -> Said | Refused:
    """The words by language; whoever has none of their own reads the notice's own language."""
    text = {one.lower(): storable(words) for one, words in wanted.text.items()}
    subject = {one.lower(): storable(words) for one, words in wanted.subject.items()}
    if not text or not all(words.strip() for words in text.values()):
        return Refused("Say something: `text` by language.")
    if any(len(words) > _LONGEST for words in (*text.values(), *subject.values())):
        return Refused(f"A text may have {_LONGEST} characters.")
    if strange := [one for one in text if not _LANGUAGE.fullmatch(one)]:
        return Refused(f'Languages are codes such as "en" or "ja", and not {strange[0][:20]!r}.')
    default = wanted.language.lower() or (next(iter(text)) if len(text) == 1 else ours.lower())
    if default not in text:
        return Refused(
            f"There is no text in {default[:20]!r}, which everybody else would read; add it,"
            " or name another in `language`."
        )
    if stray := sorted(subject.keys() - text.keys()):
        return Refused(f"A subject has no text beside it: {stray[0][:20]!r}.")
    return Said(text, subject, default)


def target(wanted: Announce) -> Target | Refused:
    """Whom it is for, as the store looks for them."""
    addresses = tuple(dict.fromkeys(str(_identity(one)) for one in wanted.addresses if one.strip()))
    found = Target(
        _ids(wanted.customers),
        _ids(wanted.cases),
        storable(wanted.tag.strip()),
        tuple(map(storable, addresses)),
    )
    return found if any(found) else _NOBODY


def _ids(wanted: Sequence[int]) -> tuple[int, ...]:
    """Each once; what no id can be is nobody's."""
    return tuple(one for one in dict.fromkeys(wanted) if 0 < one < 2**53)


def _identity(written: str) -> Identity:
    """`yuki@example.jp`, `email:yuki@example.jp`, `tel:+8131234567`; ids of platforms as they are."""
    bare = written.strip()
    kind, colon, _ = bare.partition(":")
    if colon and "@" not in kind:
        return Identity.parse(bare.lower() if kind.lower() in ("email", "tel") else bare)
    return Identity("email" if "@" in bare else "tel", bare.lower())


def start(announcing: Announcing, wanted: Announce, who: Who) -> Act[shapes.Notice]:
    """Write the notice and everybody whom it is for; from now on they are told, a few at a time."""

    def act(connection: Connection, changes: Changes) -> shapes.Notice | Refused:
        words, whom = said(wanted, announcing.drawing.language), target(wanted)
        for one in (words, whom):
            if isinstance(one, Refused):
                return one
        assert isinstance(words, Said)
        assert isinstance(whom, Target)
        if refused := unlawful(announcing, wanted):
            return refused
        id_ = changes.new_id()
        row = {
            "id": id_, "kind": wanted.kind, "words": to_json(words), "author": storable(who.name),
            "token": who.token, "started_at": instant(who.at),
            "watching": to_json(announcing.drawing.rules.watching),
        }  # fmt: skip
        unknown = notices.unknown(connection, whom)
        if not notices.start(connection, row, whom):
            return Refused("Nobody whom we know is meant by this.")
        _tell(changes, "notice.started", id_, who)
        started = notices.get(connection, id_)
        return msgspec.structs.replace(started, unknown=unknown) if started else _NO_NOTICE

    return act


def unlawful(announcing: Announcing, wanted: Announce) -> Refused | None:
    """特定電子メール法 article 4: who sends a promotion, and where they are, stands in it."""
    letters = announcing.drawing.letters
    named = letters.sender and letters.sender_address
    return None if wanted.kind == "service" or named else _NO_SENDER


def stop(id_: int, who: Who) -> Act[shapes.Notice]:
    """Whoever has not been told so far never will be."""

    def act(connection: Connection, changes: Changes) -> shapes.Notice | Refused:
        found = notices.get(connection, id_)
        if found is None:
            return _NO_NOTICE
        if not notices.end(connection, id_, "stopped", who.at):
            return Refused(f"This notice is {found.state} already.")
        _tell(changes, "notice.stopped", id_, who)
        return notices.get(connection, id_) or _NO_NOTICE

    return act


def consent(customer_id: int, wanted: Agreement, who: Who) -> Act[shapes.Consents]:
    """Keep a customer's yes or no to promotions; a no holds for what is queued already."""

    def act(connection: Connection, changes: Changes) -> shapes.Consents | Refused:
        found = consents.customer(connection, customer_id)
        if found is None:
            return _NO_CUSTOMER
        if not found.identities:
            return Refused("This customer is part of another one by now.")
        word = Word(wanted.promotion, storable(wanted.source), storable(who.name), instant(who.at))
        consents.say(connection, changes, found, word)
        return consents.history(connection, found)

    return act


def _tell(changes: Changes, kind: str, id_: int, who: Who) -> None:
    event_row(changes, kind, None, instant(who.at), notice_id=id_, by=who.name, token=who.token)
