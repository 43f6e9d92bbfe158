"""Pure: what a person says in a case, as rows: to whom, on which way, in which thread."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from channels.base import Settings
from gateway.authenticate import Keys
from gateway.desk.handing import Handing
from gateway.follow_ups.follow import Follow
from gateway.matching.author import is_ours
from gateway.outgoing.acknowledge import budget_of
from gateway.outgoing.letter import kind_of, usable
from gateway.record import event_row, raw_row, storable, to_json
from gateway.replies.saved import Replies
from gateway.words import clean_line
from normalizer import language
from normalizer.message import Address, Identity
from store import rows
from store.desk import Facts, Heard, Known
from store.known import Changes, Raw
from store.rows import instant

TELEPHONE = "tel"  # the kind of identity of who called
_REFERENCES = 20
_RE = re.compile(r"^(?:re\s*[:：]\s*)+", re.IGNORECASE)


class Refused(NamedTuple):
    """Why something cannot be said, and what would help; `status` as HTTP has it."""

    detail: str
    status: int = 409


class Who(NamedTuple):
    """Who speaks, with which token, and when."""

    name: str
    token: str
    at: datetime


class File(NamedTuple):
    """Bytes that go along; HTML goes as a part like any other."""

    role: Literal["html", "inline", "attachment"]
    content_type: str
    filename: str
    raw: Raw
    content_id: str = ""


class Words(NamedTuple):
    """What is said."""

    text: str
    subject: str = ""
    files: tuple[File, ...] = ()


class Way(NamedTuple):
    """Where a message goes: the channel, who gets it, and whose identity the first of them is."""

    settings: Settings
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    identity_id: int | None


@dataclass(frozen=True, slots=True)
class Desk:
    """From where people speak: the channels, our own addresses, the key of our tokens, and what
    their words do to follow-ups. `people` are the addresses of colleagues by name, `replies` the
    saved ones, in which `name` is whom customers are talking to. `handing` tells of another owner.
    """

    channels: Mapping[str, Settings]
    own: Collection[Identity]
    keys: Keys
    follow: Follow
    people: Mapping[str, str] = field(default_factory=dict)
    replies: Replies | None = None
    name: str = ""
    handing: Handing | None = None


def identity(desk: Desk, settings: Settings, written: str) -> Identity:
    """An address as a person types it: `yuki@example.jp`, `email:yuki@example.jp`."""
    start, colon, address = written.strip().partition(":")
    if colon and start in {kind_of(one) for one in desk.channels.values()}:
        return _plain(Identity(start, address.strip()))
    return _plain(Identity(kind_of(settings), written.strip()))


def _plain(typed: Identity) -> Identity:
    """As it is stored: capitals make no difference in a mail address, elsewhere they may."""
    kind = typed.kind.lower()
    return Identity(kind, typed.address.lower() if kind == "email" else typed.address)


def only_channel(desk: Desk, name: str) -> Settings | Refused:
    """The channel of that name, or the first; a person names another where that is not meant."""
    found = name or next(iter(desk.channels), "")
    if found in desk.channels:
        return desk.channels[found]
    return Refused(
        f"There is no channel {name!r}; there are: {', '.join(desk.channels) or 'none'}."
    )


def caller(written: str) -> Identity | None:
    """Who told us something: an address of a kind that we know, or a telephone number."""
    bare = written.strip()
    if not bare:
        return None
    if ":" in bare.partition("@")[0]:
        return _plain(Identity.parse(bare))
    return _plain(Identity("email" if "@" in bare else TELEPHONE, bare))


def reachable(address: str) -> Identity | None:
    """Where the person behind a stored identity is written to; a form's customer is behind the form."""
    found = Identity.parse(address)
    if found.kind == "form":
        return Identity("email", found.address.partition(">")[2])
    return None if found.kind == "message" or not found.address else found


def last_word(facts: Facts, desk: Desk, channel: str = "") -> Heard | None:
    """What is answered: the last message of a person that came on a way by which we can answer."""
    answerable = [
        one
        for one in facts.heard
        if one.channel in desk.channels
        and channel in ("", one.channel)
        and (to := reachable(one.identity))
        and kind_of(desk.channels[one.channel]) == to.kind
    ]
    people = (one for one in answerable if not one.is_automatic)
    return next(people, answerable[0] if answerable else None)


def way(
    desk: Desk, facts: Facts, to: Sequence[str], cc: Sequence[str], channel: str, *, force: bool,
    others: Mapping[str, Known],
) -> Way | Refused:  # fmt: skip
    """On which channel and to whom; `others` are the identities behind `to` and `cc` that we know."""
    if channel and channel not in desk.channels:
        return Refused(f"There is no channel {channel!r}; there are: {', '.join(desk.channels)}.")
    heard = last_word(facts, desk, channel)
    settings = desk.channels.get(channel or (heard.channel if heard else _other(desk, facts)))
    if settings is None:
        return Refused("Nobody wrote in this case on a channel that we have; please name one.")
    known = {one.address: one for one in facts.identities} | dict(others)
    wanted = [identity(desk, settings, one) for one in to] or _default(facts, settings, heard)
    copies = [identity(desk, settings, one) for one in cc]
    if not wanted:
        return Refused("This case names no address to answer; please name one in `to`.")
    if refused := _unusable(desk, settings, (*wanted, *copies), known, force=force):
        return refused
    first = known.get(str(wanted[0]))
    if first is None and heard and wanted[0] == reachable(heard.identity):
        first = known.get(heard.identity)
    return Way(
        settings,
        tuple(_address(one, known) for one in dict.fromkeys(wanted)),
        tuple(_address(one, known) for one in dict.fromkeys(copies) if one not in wanted),
        first.id if first else None,
    )


def _other(desk: Desk, facts: Facts) -> str:
    """A channel for a customer who never wrote on one: the case's, or the first that fits."""
    kinds = {to.kind for one in facts.identities if (to := reachable(one.address))}
    names = (facts.case.channel, *desk.channels)
    fits = (n for n in names if n in desk.channels and kind_of(desk.channels[n]) in kinds)
    return next(fits, facts.case.channel)


def _default(facts: Facts, settings: Settings, heard: Heard | None) -> list[Identity]:
    named = [heard.identity] if heard else [one.address for one in facts.identities]
    found = (to for one in named if (to := reachable(one)) and to.kind == kind_of(settings))
    return [to for to in (next(found, None),) if to]


def _unusable(
    desk: Desk,
    settings: Settings,
    addresses: Sequence[Identity],
    known: Mapping[str, Known],
    *,
    force: bool,
) -> Refused | None:
    for one in addresses:
        if one.kind != kind_of(settings):
            return Refused(f"{one} cannot be reached on the channel {settings.name!r}.")
        if why := settings.refuses(one.address):
            return Refused(why)
        if is_ours(one, desk.own):
            return Refused(f"{one.address} is one of our own addresses.")
        person = known.get(str(one))
        if person and person.failing and not force:
            return Refused(
                f"Mail to {one.address} comes back. Name another address in `to`,"
                " or say `force: true` to try it all the same."
            )
    return None


def _address(one: Identity, known: Mapping[str, Known]) -> Address:
    person = known.get(str(one))
    return Address(clean_line(person.name, 100) if person else "", one.address)


def queue(
    desk: Desk, facts: Facts, where: Way, words: Words, who: Who, changes: Changes,
    *, instead_of: int | None = None,
) -> rows.Message:  # fmt: skip
    """The message with its parts and the row that delivers it.

    `instead_of` is the message that it stands for, because that one did not arrive.
    """
    id_, at = changes.new_id(), instant(who.at)
    heard = last_word(facts, desk, where.settings.name)
    if heard and heard.case_id != facts.case.id:
        heard = None  # another matter's thread
    token = desk.keys.token(facts.case.id, id_, where.to[0].address)
    thread = threaded(heard, facts.ours)
    pattern = where.settings.reply_pattern
    row = spoken(
        facts.case, words, who, id_,
        identity_id=where.identity_id,
        channel=where.settings.name,
        message_id=f"{token}@{where.settings.domain}",
        in_reply_to=thread[-1] if thread else "",
        references=to_json(thread),
        subject=storable(subject(words.subject, heard.subject if heard else facts.case.subject,
                                 answers=bool(thread))),
        recipients=to_json({"to": where.to, "cc": where.cc}),
        reply_to=pattern.format(token=token) if pattern else "",
        instead_of=instead_of,
    )  # fmt: skip
    changes.add(row)
    attach(changes, id_, words.files)
    _, domain = budget_of(Identity(kind_of(where.settings), where.to[0].address))
    changes.add(outgoing(changes.new_id(), row, at, domain))
    return row


def spoken(
    case: rows.Case, words: Words, who: Who, id_: int, **more: str | int | None
) -> rows.Message:
    """The row of what one of us says; a reply, unless `more` says otherwise."""
    base = rows.Message(
        id=id_,
        conversation_id=case.conversation_id,
        case_id=case.id,
        customer_id=case.customer_id,
        identity_id=None,
        channel=case.channel,
        direction="out",
        kind="reply",
        status="stored",
        message_id="",
        in_reply_to="",
        references="[]",
        fingerprint=None,
        subject=storable(words.subject),
        text=storable(words.text),
        reply_text=None,
        language=language.detect(words.text),
        author=storable(to_json({"name": who.name, "address": "", "token": who.token})),
        recipients="{}",
        reply_to="",
        authentication="",
        reading="{}",
        decisions="[]",
        raw_sha256=None,
        date=None,
        received_at=instant(who.at),
    )
    return base._replace(**more)  # type: ignore[arg-type]  # a column by its name


def threaded(heard: Heard | None, ours: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """RFC 5322 section 3.6.4: what they referred to, and what is answered last.

    Some mail programs refer to nothing: what we said before their mail belongs to the thread, too.
    """
    ids = [name for id_, name in ours if heard is None or id_ < heard.id]
    chain = [*heard.references, *ids, heard.message_id] if heard else ids
    named = list(filter(usable, chain))
    last = named[-1:]
    return (*[one for one in dict.fromkeys(named) if one not in last][-_REFERENCES:], *last)


def subject(wanted: str, before: str, *, answers: bool) -> str:
    """The subject as it was written by a person, else that of what is answered."""
    if wanted.strip():
        return clean_line(wanted)
    bare = _RE.sub("", clean_line(before))
    return f"Re: {bare}" if bare and answers else bare


def attach(changes: Changes, message_id: int, files: Sequence[File]) -> None:
    for one in files:
        raw_row(changes, one.raw)
        name, kind = storable(clean_line(one.filename, 200)), storable(one.content_type)
        changes.add(
            rows.Part(
                changes.new_id(),
                message_id,
                one.role,
                kind,
                name,
                one.content_id,
                one.raw.size,
                one.raw.sha256,
            )
        )


def outgoing(id_: int, message: rows.Message, at: str, domain: str) -> rows.Outbox:
    """The delivery of what a person says; mail for a domain that puts us off waits together."""
    return rows.Outbox(
        id=id_,
        message_id=message.id,
        conversation_id=message.conversation_id,
        channel=message.channel,
        state="queued",
        automatic=False,
        authenticated=True,
        budget_key="",
        domain=domain,
        due_at=at,
        lease_owner="",
        lease_until=None,
        attempts=0,
        peer_id="",
        error="",
        created_at=at,
    )


def tell(changes: Changes, kind: str, case: rows.Case, who: Who, **data: object) -> None:
    """An event that says who did it."""
    told = {"case_id": case.id, "by": who.name, "token": who.token} | data
    event_row(changes, kind, case.conversation_id, instant(who.at), **told)
