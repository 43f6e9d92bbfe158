"""The lists of rules: `[[follow_up]]` and `[[form_mail]]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from gateway.config.types import (
    Colleague,
    Language,
    Lead,
    Length,
    Mailbox,
    Some,
    Table,
    is_network,
    listed,
)
from gateway.team.calendars import Calendars
from gateway.team.route import folded
from scheduler.duration import Duration
from scheduler.rules import PROMISED, TOLD, UPDATE, Missed, Only, Rule

Status = Literal["new", "open", "pending", "on_hold", "resolved"]


_NOTICE = "notice."
_MERGE = Duration.parse("1 minute")
_SAYS = {"open": "progress", "on_hold": "waiting", "resolved": "closing"}
_HAND_OVER = "handover"
_OURS = "promise."  # how the rules of [promise] are called


def _not_ours(name: str) -> str:
    for start, table in ((_OURS, "promise"), (_NOTICE, "notices")):
        if name.startswith(start):
            raise ValueError(f'"{name}" must not begin with "{start}": the rules of [{table}] do')
    return name


class FollowUp(Table):
    """What happens when a case has waited; one of `send`, `notify` and `set_status`."""

    name: Annotated[str, AfterValidator(_not_ours)] = Field(
        min_length=1,
        description="Its own name, for you and the log.",
        examples=['name = "nudge"'],
    )
    when: Literal[Status, "unanswered"] = Field(
        description='A status, or "unanswered": a customer waits for a person.'
    )
    after: Length = Field(description="How long after.")
    calendar: str = Field(
        "", description="The name of `[[calendars]]` that `after` counts by. Empty: the case's own."
    )
    send: str | None = Field(None, description="The template to send to the customer.")
    notify: tuple[Colleague, ...] | None = Field(
        None,
        description="Whom of ours to tell: by mail, or on a messenger of ours as `KIND:ID`, such as "
        '`"telegram:4711"`.',
    )
    set_status: Status | None = Field(None, description="The status to set.")
    channel: Some = Field((), description="For cases on this channel alone, or on one of several.")
    tag: Some = Field((), description="For cases with this tag alone, or with one of several.")
    language: Annotated[tuple[Language, ...], BeforeValidator(listed)] = Field(
        (), description="For customers who write in this language alone, or in one of several."
    )
    attribute: Some = Field(
        (),
        description="For cases with this attribute alone, as `NAME` or `NAME=VALUE`, or several.",
    )
    missed: Missed = Field(
        "spread",
        description="What becomes of one that is over an hour late: it fires at once; of more than "
        '100 to customers one a second, those of "at_once" before those of "spread"; "skip": never.',
    )

    def rule(self, calendars: Calendars) -> Rule:
        """As the scheduler fires it."""
        own = calendars.named.get(self.calendar)
        return Rule(
            self.name,
            self.when,
            self.after,
            self.send or "",
            self.notify or (),
            self.set_status or "",
            self.missed,
            own.calendar if own else None,
            Only(
                frozenset(self.channel),
                frozenset(self.tag),
                frozenset(one.partition("-")[0] for one in self.language),
                frozenset(map(folded, self.attribute)),
            ),
        )


class Promise(Table):
    """What happens before a promised time passes without a word: of a reply, or of a next update."""

    warn: Lead = Field(
        Duration.parse("1 business hour"),
        description="How long before it our people are told, by mail.",
    )
    notify: tuple[Colleague, ...] = Field(
        (),
        description="Whom of ours to tell, as in `[[follow_up]]`.",
        examples=['notify = ["desk@example.com"]'],
    )
    notice: Lead | None = Field(
        None,
        description="How long before it the customer is told, with a new time; twice at most. "
        "Unset: not at all.",
        examples=['notice = "15 minutes"'],
    )

    def rules(self) -> tuple[Rule, ...]:
        """As the scheduler fires them."""
        return (*self._rules(PROMISED, "", "notice"), *self._rules(UPDATE, "update_", "update"))

    def _rules(self, when: str, which: str, template: str) -> Iterator[Rule]:
        if self.notify:
            yield Rule(f"{_OURS}{which}warn", when, self.warn, notify=self.notify)
        if self.notice is not None:
            yield Rule(f"{_OURS}{which}notice", when, self.notice, send=template)


class Notices(Table):
    """What customers hear of a case's new status or stage, and of what people tell many at once."""

    on: tuple[Literal["open", "on_hold", "resolved", "owner"], ...] = Field(
        (),
        description='After which change: work has begun ("open"), it has to wait ("on_hold"), '
        'it is settled ("resolved"), somebody else takes care ("owner").',
    )
    stages: dict[str, str] = Field(
        {},
        description="After which stage, with a template of your own that says it: "
        '`{ shipped = "shipped" }`.',
    )
    not_tags: tuple[str, ...] = Field(
        ("sensitive",), description="A case with one of these tags gets no such notice."
    )
    per_minute: Annotated[int, Field(ge=1, le=6000)] = Field(
        60, description="How many customers hear a notice of `POST /v1/notices` in a minute."
    )
    sender: str = Field(
        "",
        description="Who sends promotions, by the name that the law wants below each of them.",
        examples=['sender = "Example Ltd."'],
    )
    sender_address: str = Field(
        "",
        description="Where that sender is: the postal address that stands below promotions.",
        examples=['sender_address = "1-2-3 Kanda, Chiyoda-ku, Tokyo"'],
    )

    def rules(self) -> tuple[Rule, ...]:
        """As the scheduler fires them: a minute later, so that several changes are one notice."""
        said = {"owner": _HAND_OVER} if "owner" in self.on else {}
        said |= {f"status {status}": _SAYS[status] for status in self.on if status in _SAYS}
        said |= {f"stage {stage}": template for stage, template in self.stages.items()}
        return tuple(Rule(f"{_NOTICE}{what}", TOLD, _MERGE, send=said[what]) for what in said)


class Place(NamedTuple):
    """Where a form's mail keeps a value: in a `header` by its name, in the `body` after a label."""

    where: str
    name: str

    def __str__(self) -> str:
        return f"{self.where}:{self.name}"

    @classmethod
    def parse(cls, text: Any) -> Place:
        found = re.fullmatch(r"(header):([!-9;-~]+)|(body):(\S.*)", str(text))
        if not found:
            raise ValueError(f'"{text}" must be "header:NAME" or "body:LABEL"')
        return cls(found[1] or found[3], found[2] or found[4])


def _vouches(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not is_network(value) and not re.fullmatch(r"[\w-]+(\.[\w-]+)+", value):
            raise ValueError(f'"{value}" must be a domain such as "shop.example" or an IP address')
    return values


InMail = Annotated[Place, PlainValidator(Place.parse)]


class FormMail(Table):
    """Mail that a web form sends in a customer's name."""

    form: str = Field(
        "", description="Its own name, for you and `madoguchi parse --form`. Unset: `from`."
    )
    from_: Mailbox = Field(alias="from", description="The address in From.")
    authenticated_by: Annotated[tuple[str, ...], AfterValidator(_vouches)] = Field(
        min_length=1,
        description="What proves that the form sent it: a domain that passes SPF or DKIM, "
        "or the IP address that hands it to us.",
    )
    author: InMail = Field(
        Place("header", "Reply-To"),
        description='Where the customer\'s address stands: "header:NAME" or "body:LABEL".',
    )
    name: InMail | None = Field(None, description="Where the customer's name stands.")
    subject: InMail | None = Field(None, description="Where the subject stands.")
    fields: dict[str, InMail] = Field({}, description="Other values worth keeping, by name.")
