"""What people say of who is away, each in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.absence.known import Absences
from gateway.absence.rota import Rota, Span, said
from gateway.desk.acts import Act
from gateway.desk.speak import Refused, Who
from gateway.desk.wanted import Away
from gateway.record import event_row
from gateway.team.roster import Colleague
from store import rows, shapes_staff
from store.known import Changes
from store.rows import instant

_NOBODY = Refused("There is no `[[staff]]` of this name or address.", 404)
_YEAR = timedelta(days=366)


def be_away(known: Absences, name: str, wanted: Away, who: Who) -> Act[shapes_staff.Colleague]:
    """Somebody is away, in place of what people said before; until now means that they are back."""

    def act(connection: Connection, changes: Changes) -> shapes_staff.Colleague | Refused:
        one, rota = known.roster.find(name), known.rota(connection)
        if one is None:
            return _NOBODY
        if wanted.until <= who.at:
            return _back(rota, one, who, changes)
        span = _wanted(rota, one, wanted, who.at)
        if isinstance(span, Refused):
            return span
        row = _row(span, who, changes)
        event_row(
            changes, "staff.away", None, row.at, name=one.name, by=who.name, token=who.token,
            **{"from": row.begins_at}, until=row.ends_at, deputy=row.deputy,
        )  # fmt: skip
        return shown(_replaced(rota, row), one, who.at)

    return act


def be_back(known: Absences, name: str, who: Who) -> Act[shapes_staff.Colleague]:
    """Somebody is there again, or will be after all."""

    def act(connection: Connection, changes: Changes) -> shapes_staff.Colleague | Refused:
        one = known.roster.find(name)
        return _back(known.rota(connection), one, who, changes) if one else _NOBODY

    return act


def _wanted(rota: Rota, one: Colleague, wanted: Away, now: datetime) -> Span | Refused:
    running = rota.away(one, now)
    begins = wanted.from_ or (running.begins_at if running else now)
    if wanted.until <= begins:
        return Refused("`until` must be after `from`.", 400)
    if begins < now - _YEAR or wanted.until > now + 5 * _YEAR:
        return Refused("An absence began a year ago at most, and ends within five.", 400)
    deputy = rota.roster.find(wanted.deputy) if wanted.deputy else None
    if wanted.deputy and deputy is None:
        names = ", ".join(other.name for other in rota.roster.people if other != one)
        return Refused(f"There is no `[[staff]]` {wanted.deputy!r}; there are: {names or 'none'}.")
    if deputy == one:
        return Refused("Nobody is their own deputy; please name somebody else.")
    return Span(one.name, begins, wanted.until, deputy.name if deputy else "")


def _back(
    rota: Rota, one: Colleague, who: Who, changes: Changes
) -> shapes_staff.Colleague | Refused:
    ahead = rota.of(one, who.at)
    if any(span.fixed and span.begins_at <= who.at for span in ahead):
        return Refused(
            "The configuration says that they are away now: please change `absent` there."
        )
    if all(span.fixed for span in ahead):
        return shown(rota, one, who.at)
    row = _row(Span(one.name, who.at, who.at), who, changes)
    event_row(
        changes, "staff.back", None, row.at, name=one.name, by=who.name, token=who.token
    )  # fmt: skip
    return shown(_replaced(rota, row), one, who.at)


def _row(span: Span, who: Who, changes: Changes) -> rows.Absence:
    row = rows.Absence(
        changes.new_id(), span.name, instant(span.begins_at), instant(span.ends_at), span.deputy,
        who.name, who.token, instant(who.at),
    )  # fmt: skip
    changes.add(row)
    return row


def _replaced(rota: Rota, row: rows.Absence) -> Rota:
    """What people say of somebody replaces what they said before."""
    one = rota.roster.find(row.name)
    others = (s for s in rota.spans if s.fixed or rota.roster.find(s.name) != one)
    return rota._replace(spans=(*others, *said([row])))


def shown(rota: Rota, one: Colleague, now: datetime) -> shapes_staff.Colleague:
    """One of us, as the API shows them."""
    away = rota.away(one, now) is not None
    stands_in = rota.stands_in(one, now) if away else None
    return shapes_staff.Colleague(
        name=one.name,
        address=one.address,
        public_name=dict(one.public_names),
        deputy=one.deputy,
        away=away,
        stands_in=stands_in.name if stands_in else None,
        absences=[
            shapes_staff.Absence(
                from_=instant(span.begins_at), until=instant(span.ends_at),
                deputy=span.deputy or one.deputy, fixed=span.fixed,
            )
            for span in rota.of(one, now)
        ],
    )  # fmt: skip


def everybody(rota: Rota, now: datetime) -> shapes_staff.Staff:
    """All of us, in the order of the configuration."""
    return shapes_staff.Staff(items=[shown(rota, one, now) for one in rota.roster.people])
