"""Pure: a question to a colleague, as the mail that carries it; the answer is for us alone."""

from __future__ import annotations

from gateway.desk import speak
from gateway.desk.speak import Desk, Refused, Who, Words
from gateway.desk.wanted import Ask
from gateway.matching.author import is_ours
from gateway.record import storable, to_json
from gateway.words import clean_line
from normalizer.message import Identity
from store import rows
from store.desk import Facts
from store.known import Changes
from store.rows import instant

_LONGEST = 20_000  # characters of a customer's words that are quoted


def question(
    desk: Desk, facts: Facts, wanted: Ask, quoted: str, who: Who, changes: Changes
) -> rows.Message | Refused:
    """The mail, with a reply address that is good for the asked one only; kept as a note."""
    to = desk.people.get(wanted.to.strip().lower(), wanted.to.strip().lower())
    case = facts.case
    able = (desk.channels.get(case.channel), *desk.channels.values())
    settings = next((one for one in able if one and one.reaches == "email"), None)
    if settings is None:
        return Refused("No channel of ours sends mail.")
    if why := settings.refuses(to) or _whose(desk, facts, to):
        return Refused(why)
    id_ = changes.new_id()
    token, pattern = desk.keys.token(case.id, id_, to), settings.reply_pattern
    row = speak.spoken(
        case, Words(_text(wanted.text, quoted)), who, id_,
        kind="note",
        channel=settings.name,
        message_id=f"{token}@{settings.domain}",
        subject=storable(clean_line(wanted.subject or f"[{case.reference}] {case.subject}")),
        recipients=to_json({"to": [["", to]]}),
        reply_to=pattern.format(token=token) if pattern else "",
    )  # fmt: skip
    changes.add(row)
    domain = to.rpartition("@")[2]
    changes.add(speak.outgoing(changes.new_id(), row, instant(who.at), domain))
    return row


def _whose(desk: Desk, facts: Facts, to: str) -> str:
    """Why this address cannot be asked."""
    if is_ours(Identity("email", to), desk.own):
        return f"{to} is one of our own addresses."
    people = (speak.reachable(one.address) for one in facts.identities)
    if Identity("email", to) in people:
        return f"{to} is the customer's own address: please answer with a reply."
    return ""


def _text(text: str, quoted: str) -> str:
    if not quoted.strip():
        return text
    lines = "\n".join(f"> {line}" for line in quoted.strip()[:_LONGEST].splitlines())
    return f"{text.rstrip()}\n\n{lines}\n"
