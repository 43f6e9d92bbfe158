"""What comes back: the very message has failed, and its address is dead for all that we send."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from store import rows, schema
from store.bulk import insert
from store.known import Bounced, Changes

_i, _m, _o = schema.identities.c, schema.messages.c, schema.outbox.c


class _Mail(NamedTuple):
    """A mail of ours: whose it is, and to whom it went."""

    id: int
    conversation: int | None
    channel: str
    identity: int | None
    recipients: str

    def addresses(self) -> frozenset[str]:
        listed = json.loads(self.recipients)
        pairs = (*listed.get("to", ()), *listed.get("cc", ()))
        return frozenset(address.lower() for _, address in pairs)


def bounce(connection: Connection, changes: Changes, came: Bounced) -> None:
    """A delivery report: the delivery has failed, whatever its state was; told once."""
    mail = _mail(connection, came.message_id)
    if mail is None:
        return
    this = (_o.message_id == came.message_id) & (_o.state != "failed")
    astray = "address_dead" if came.is_dead else ""
    ended = update(schema.outbox).where(this).values(state="failed", error=came.why, astray=astray)
    if connection.execute(ended).rowcount:
        data = {"message_id": mail.id, "channel": mail.channel, "error": came.why}
        _tell(connection, changes, "delivery.failed", mail, came.at, data)
    if came.is_dead:
        _fail(connection, changes, mail, came.at, came.recipients)


def address_dead(
    connection: Connection, changes: Changes, message: int, at: str, recipient: str
) -> None:
    """A peer refused a recipient for good; "" when there was only one."""
    if mail := _mail(connection, message):
        _fail(connection, changes, mail, at, (recipient,))


def _mail(connection: Connection, message: int) -> _Mail | None:
    """The mail; None if its customer was erased while it was sent."""
    query = select(_m.id, _m.conversation_id, _m.channel, _m.identity_id, _m.recipients)
    row = connection.execute(query.where(_m.id == message)).first()
    return _Mail(*row) if row is not None else None


def _fail(
    connection: Connection, changes: Changes, mail: _Mail, at: str, named: Collection[str]
) -> None:
    """Mark the identities behind the dead addresses, and tell of those that were alive so far."""
    query = select(_i.id, _i.address).where(
        _whose(connection, mail, named), _i.failing_since.is_(None)
    )
    for id_, address in connection.execute(query).all():
        marked = update(schema.identities).where(_i.id == id_).values(failing_since=at)
        connection.execute(marked)
        data = {"identity_id": id_, "address": address, "message_id": mail.id}
        _tell(connection, changes, "address.failing", mail, at, data)


def _whose(connection: Connection, mail: _Mail, named: Collection[str]) -> Any:
    """A report speaks for those alone to whom the mail went, whomever else it names.

    With one recipient there is no question whose address it is: servers name the address that a
    forwarding led to, and form mail has its customer under another name.
    """
    sent_to = mail.addresses()
    if len(sent_to) < 2:
        return _i.id == mail.identity
    own = connection.execute(select(_i.address).where(_i.id == mail.identity)).scalar()
    kind = (own or "").partition(":")[0]
    dead = sorted(f"{kind}:{address}" for address in sent_to & {one.lower() for one in named})
    return _i.address.in_(dead)


def _tell(
    connection: Connection, changes: Changes, kind: str, mail: _Mail, at: str, data: dict[str, Any]
) -> None:
    insert(
        connection, [rows.Event(changes.new_id(), kind, mail.conversation, at, json.dumps(data))]
    )
