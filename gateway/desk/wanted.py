"""What people at the help desk ask for: the shapes of what they send to the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr

MAX_FILES = 20
MAX_HTML = 250 * 2**10  # octets
MAX_OCTETS = 18 * 2**20  # of all attachments together; as base64 in JSON a third more

Status = Literal["new", "open", "pending", "on_hold", "resolved"]
Line = Annotated[str, Meta(max_length=200)]
Words = Annotated[str, Meta(min_length=1, max_length=200_000)]
Tags = Annotated[list[str], Meta(max_length=50, description="Each at most 100 characters long.")]
NextUpdate = Annotated[
    str,
    Meta(
        max_length=60,
        description="By when the customer hears from us next: an instant with its zone, or a length "
        'of time by the case\'s calendar ("2 business days").',
    ),
]
WaitingFor = Annotated[
    str,
    Meta(
        max_length=200,
        description="What we wait for until then, in one line. The customer may read it, as it is: "
        "nothing internal, in the customer's language.",
    ),
]
Recipients = Annotated[
    list[str],
    Meta(
        max_length=20,
        description="Each as `yuki@example.jp`, or with its kind: `email:yuki@example.jp`.",
    ),
]


_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)


def tellable(at: datetime) -> datetime:
    """The nearest time that every zone has a date for; RFC 3339 knows some that UTC does not."""
    if at.year < _FIRST.year:
        return _FIRST
    return at if at.year <= _LAST.year else _LAST


class Wanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every request of a person has; `by` is who, if it is not simply the token's owner."""

    by: Annotated[
        str, Meta(max_length=100, description="Who does this; unset: the token's name.")
    ] = ""

    def __post_init__(self) -> None:
        """Every time is one that can be told in any zone."""
        for name in self.__struct_fields__:
            if isinstance(said := getattr(self, name), datetime):
                force_setattr(self, name, tellable(said))


class Attachment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file to send; `data` in base64."""

    filename: Annotated[str, Meta(min_length=1, max_length=200)]
    content_type: Annotated[str, Meta(max_length=100)] = "application/octet-stream"
    content_id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._@+-]{0,200}$",
            description="For a picture that `html` shows as `cid:CONTENT_ID`.",
        ),
    ] = ""
    data: bytes


class Letter(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all that we write to a customer has, beside its text."""

    html: Annotated[str, Meta(max_length=200_000)] = ""
    cc: Recipients = []
    subject: Line = ""
    attachments: Annotated[list[Attachment], Meta(max_length=MAX_FILES)] = []
    force: Annotated[
        bool, Meta(description="Send to an address to which mail fails, all the same.")
    ] = False
    channel: Annotated[
        str, Meta(max_length=100, description="Which way; unset: the customer's last.")
    ] = ""


class Reply(Letter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer in a case. Without `to`, it goes to whoever wrote last, the way that they wrote."""

    to: Recipients = []
    status: Status | None = None
    text: (
        Annotated[Words, Meta(description="What you say; or else name a `saved` reply.")] | None
    ) = None
    saved: Annotated[
        str, Meta(max_length=100, description="The name of a saved reply, in place of `text`.")
    ] = ""
    personal: Annotated[
        str,
        Meta(max_length=20_000, description="Your own line in it, for this customer alone."),
    ] = ""
    language: Annotated[
        str, Meta(max_length=35, description="Of the saved reply; unset: the customer's.")
    ] = ""
    customer_name: Annotated[
        str,
        Meta(
            max_length=60,
            description="In the saved reply; unset: as an authenticated author has it.",
        ),
    ] = ""
    promised: Annotated[
        datetime | None,
        Meta(
            description="By when you write again, in the saved reply; unset: `next_update_by`, "
            "else by the calendar."
        ),
    ] = None
    next_update_by: NextUpdate | None = None
    waiting_for: WaitingFor | None = None


class Note(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words for colleagues; no customer ever sees them."""

    text: Words


class Ask(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question to a colleague or another department, by mail; the answer becomes a note."""

    to: Annotated[
        str,
        Meta(min_length=1, max_length=254, description="The name of a `[[staff]]`, or an address."),
    ]
    text: Words
    subject: Line = ""
    quote: Annotated[bool, Meta(description="Whether the customer's last words follow.")] = True


class Guest(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody else who may write in a case."""

    address: Annotated[
        str,
        Meta(
            min_length=1, max_length=320,
            description="`ken@example.jp`, or with its kind: `email:ken@example.jp`.",
        ),
    ]  # fmt: skip
    name: Line = ""
    channel: Annotated[
        str, Meta(max_length=100, description="Whose kind of address it is; unset: the first.")
    ] = ""


class Change(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New values of a case; what is left out or null stays as it is.

    An empty `next_update_by` says that no update is owed any more.
    """

    status: Status | None = None
    stage: Line | None = None
    owner: Line | None = None
    priority: Line | None = None
    tags: Tags | None = None
    subject: Line | None = None
    attributes: (
        Annotated[
            dict[str, str],
            Meta(max_length=50, description='New values by name; "" takes one away, others stay.'),
        ]
        | None
    ) = None
    next_update_by: NextUpdate | None = None
    waiting_for: WaitingFor | None = None
    notify_customer: Annotated[
        bool, Meta(description="Whether `[notices]` may tell the customer of this change.")
    ] = True
    note: Annotated[
        str,
        Meta(
            max_length=20_000,
            description="Why, for colleagues: kept as a note, and mailed to a new owner.",
        ),
    ] = ""


class Away(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a colleague is away, in place of what was said of them before."""

    from_: (
        Annotated[
            datetime, Meta(tz=True, description="Unset: now, or since when they are away already.")
        ]
        | None
    ) = field(default=None, name="from")
    until: Annotated[datetime, Meta(tz=True, description="When they are back; now ends it.")]
    deputy: Annotated[
        str,
        Meta(
            max_length=254,
            description="Who stands in this time, by name or address; unset: their usual deputy.",
        ),
    ] = ""


class Defer(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A follow-up at another time, or not at all; one of the two."""

    due_at: Annotated[datetime, Meta(tz=True, description="When it shall fire instead.")] | None = (
        None
    )
    cancel: bool = False
    reason: Line = ""


class Merge(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another customer is the same person, and becomes part of this one."""

    customer: Annotated[int, Meta(ge=1, le=2**53 - 1, description="The other one's id.")]
    why: Line = ""


class Named(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a customer is addressed."""

    name: Annotated[
        str,
        Meta(
            max_length=100,
            description="As we write it after a greeting: in Japanese the surname. Empty: no name.",
        ),
    ]


class Split(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Some identities are another person's."""

    identities: Annotated[
        list[int | str],
        Meta(
            min_length=1, max_length=100, description="Each by id, or as `email:yuki@example.jp`."
        ),
    ]
    why: Line = ""


class Undo(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Put back what a link moved."""


class Approval(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send a draft: as it is, or with other words."""

    text: Annotated[str, Meta(max_length=200_000)] = ""


class Refusal(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Do not send a draft."""

    reason: Line = ""


class Start(Letter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new case: with `to` a message to somebody, without it what somebody told us (a call).

    Whose it is, when nothing is sent: `caller`, an address or number such as `tel:+81312345678`,
    or `conversation_id`; with neither, an unknown caller's.
    """

    text: Words
    to: Recipients = []
    name: Annotated[str, Meta(max_length=100, description="The customer's, if it is new.")] = ""
    caller: Annotated[str, Meta(max_length=254)] = ""
    conversation_id: Annotated[int, Meta(ge=1, le=2**53 - 1)] | None = None
    status: Status = "open"
    owner: Line = ""
    tags: Tags = []
