"""Pure: which mail of ours a delivery report is about, and what that means for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from normalizer.message import Message
from store.known import Arrival, Bounced, Changes, Known
from store.rows import instant

# As channels write it: the key of a mail is the left side of its Message-ID.
_BOUNCE_ADDRESS = re.compile(r"[^@]+\+bounce-([^@+]+)@([^@]+)\Z")


def identified(message: Message, recipients: Iterable[str]) -> Message:
    """A report that came to the return path of one mail of ours names it, quoted or not.

    A mailbox does not keep the envelope: there To has the address, as servers write it.
    Whoever makes an address up names a Message-ID that we never gave out: its 80 bits of HMAC are
    known to the recipient of that mail alone. Answers of other robots are no reports.
    """
    if message.bounce is None:
        return message
    addresses = (*recipients, *(one.address for one in message.to))
    named = (_BOUNCE_ADDRESS.match(address) for address in addresses)
    keys = [f"{found[1]}@{found[2]}" for found in named if found]
    if not keys:
        return message
    return replace(message, bounce=message.bounce._replace(original_message_id=keys[0]))


def of_a_letter(known: Known, arrival: Arrival, message: Message) -> str:
    """That a robot answers a letter of ours to the admin, which stands in nobody's case; else "".

    A report names it by its Message-ID, which few have seen; an absence notice by its token.
    """
    if not message.automatic.is_auto:
        return ""
    name = message.bounce.original_message_id if message.bounce else ""
    ours = [one.case_id for one in known.message_ids.get(name, ()) if one.fingerprint is None]
    told = [
        known.given[t.message_id].case_id for t in arrival.tokens if t.message_id in known.given
    ]
    return "a robot answers a letter of ours to the admin" if None in (*ours, *told) else ""


def note_bounce(known: Known, arrival: Arrival, message: Message, changes: Changes) -> None:
    """A delivery report about a mail of ours; only its recipient has seen the Message-ID.

    What is still being tried has not failed; what was given up has, also for a passing reason.
    """
    bounce = message.bounce
    if bounce is None or bounce.action != "failed" or message.automatic.kind != "dsn":
        return
    failed = tuple(one.address for one in bounce.recipients if one.action in ("failed", ""))
    for seen in known.message_ids.get(bounce.original_message_id, ()):
        if seen.fingerprint is None:
            why = f"it came back: {bounce.status or 'no status'}"
            is_dead = bounce.kind == "hard"
            changes.bounced.append(Bounced(seen.id, failed, is_dead, instant(arrival.at), why))
