"""Pure: what the commands print, for people or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from store.accounts import Audit, Count, Open, Story
from store.shapes import ApartItem
from store.unfinished import Kept

_SHOWN = 60


def audit(found: Audit, *, as_json: bool = False) -> str:
    """Sums first, then each thing that a person should look at."""
    if as_json:
        return json.dumps({name: [row._asdict() for row in getattr(found, name)]
                           for name in found._fields})  # fmt: skip
    lines = [
        *_section("seen (ledger)", found.seen),
        *_section("stored (messages in)", found.stored),
        *_section("sent (outbox)", found.sent),
        *(_section("at the source", found.source) if found.source else ()),
    ]
    if not found.open:
        return "\n".join([*lines, "everything is accounted for"])
    return "\n".join([*lines, f"to look at: {len(found.open)}", *map(_open, found.open)])


def _section(title: str, counts: Iterable[Count]) -> list[str]:
    rows = [f"  {c.channel:<16} {c.state:<12} {c.rows:>9}" for c in counts]
    return [title, *(rows or ["  nothing"])]


def _open(entry: Open) -> str:
    return f"  {entry.what:<12} {entry.channel:<12} {entry.id:>9}  {one_line(entry.about)}"


def story(found: Story, *, as_json: bool = False) -> str:
    """One message from its arrival to its end."""
    if as_json:
        return json.dumps(found._asdict())
    lines = [
        f"message {found.id}  {found.direction}  {found.kind}  {found.channel}  {found.status}",
        f"  Message-ID  {one_line(found.message_id) or '(none)'}",
        f"  subject     {one_line(found.subject) or '(none)'}",
    ]
    lines += [f"  received    {at}  {unit}  {_with(outcome, why)}"
              for at, unit, outcome, why in found.receipts]  # fmt: skip
    lines += [f"  {r['method']:<11} {_with(r['outcome'] + ' ' + r['domain'], r['reason'])}"
              for r in found.authentication]  # fmt: skip
    lines += [f"  {d['about']:<15} {_with(d['outcome'], d['reason'])}" for d in found.decisions]
    lines += [f"  delivery    {_with(state, why)}, tries {tries}, {due}"
              for state, tries, due, why in found.deliveries]  # fmt: skip
    return "\n".join(lines)


def quarantine(kept: Sequence[Kept], *, as_json: bool = False) -> str:
    """Each message that could not be read."""
    if as_json:
        return json.dumps([_kept(message) for message in kept])
    if not kept:
        return "nothing is in quarantine"
    return "\n".join(
        f"{message.id:>9}  {message.envelope.received_at:%Y-%m-%d %H:%M}Z  "
        f"{message.envelope.channel:<12}  {one_line(message.reason)}"
        for message in kept
    )


def spam(kept: Sequence[ApartItem], *, as_json: bool = False) -> str:
    """Each message that is kept apart as spam."""
    if as_json:
        return msgspec.json.encode(kept).decode()
    if not kept:
        return "there is no spam"
    return "\n".join(
        f"{item.id:>9}  {item.received_at[:16].replace('T', ' ')}Z  {item.channel:<12}  "
        f"{one_line(item.author.address)}  {one_line(item.subject)!r}  {one_line(item.reason)}"
        for item in kept
    )


def changed(before: Kept, now: Story | None) -> str:
    """What reading a message again has changed."""
    if now is None:
        return f"{before.id}: a copy of another message; its receipts lead there now"
    if now.status == before.status:
        return f"{before.id}: still {now.status}: {one_line(before.reason)}"
    return f"{before.id}: {before.status} -> {now.status}, subject {one_line(now.subject)!r}"


def _kept(message: Kept) -> dict[str, Any]:
    return {
        "id": message.id,
        "channel": message.envelope.channel,
        "received_at": message.envelope.received_at.isoformat(),
        "reason": message.reason,
    }


def _with(outcome: str, reason: str) -> str:
    return f"{one_line(outcome)}: {one_line(reason)}" if reason else one_line(outcome)


def one_line(text: str) -> str:
    """A stranger's text on our terminal: one line, no control characters, not too long."""
    clean = "".join(c if c.isprintable() else " " for c in text[: 4 * _SHOWN])
    return clean if len(clean) <= 2 * _SHOWN else f"{clean[: 2 * _SHOWN - 1]}…"
