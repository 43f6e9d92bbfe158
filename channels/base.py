"""The seam between the outside and the gateway: what a channel is, and how it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from channels.inbox import Inbox, NoInbox
from channels.limits import ANYTHING, Limits
from channels.oauth_grant import Health
from channels.oauth_settings import OAuth
from normalizer.message import Envelope, Identity, Message, Spooled

Mode = Literal["live", "approve", "watch"]
Outcome = Literal["accepted", "duplicate", "refused", "quarantined"]


class Receipt(NamedTuple):
    """The message is durable: its id in the store, and how its transport unit ended.

    `refused` is the one outcome without a message (a mail loop, say); `reason` tells the peer why.
    """

    message: int
    outcome: Outcome
    reason: str = ""


Accept = Callable[[Envelope], Awaitable[Receipt]]


class Unavailable(Exception):
    """The message could not be made durable now; the peer shall try again."""

    def __init__(self, enhanced: str = "4.3.0", code: int = 451) -> None:
        super().__init__(self.__doc__)
        self.code = code
        self.enhanced = enhanced


class Sent(NamedTuple):
    """A delivery that ended well: the peer's own id for it ("" when it gives none)."""

    peer_id: str


class DeliveryError(Exception):
    """A delivery that did not end well."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.__doc__)


class Retry(DeliveryError):
    """The peer asks to try again, after a while that it may name."""

    def __init__(
        self, detail: str = "", after: timedelta | None = None, *, whole_domain: bool = False
    ) -> None:
        super().__init__(detail)
        self.after = after
        self.whole_domain = whole_domain  # what else goes to the recipient's domain should wait too


class Rejected(DeliveryError):
    """The peer refuses for good: the address is dead, the content unwanted, the window closed."""

    def __init__(
        self,
        detail: str = "",
        reason: Literal["address_dead", "content", "window"] = "content",
        recipient: str = "",
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.recipient = recipient


class ChannelDown(DeliveryError):
    """Nothing can be sent on this channel at present; the message was not given to the peer."""


class InDoubt(DeliveryError):
    """The connection broke after the message was given; the peer may or may not have it."""


class Canary(NamedTuple):
    """How often we write to ourselves, at which address, from which domain."""

    every: timedelta
    address: str
    domain: str


class Settings(BaseModel):
    """What every `[[channel]]` table may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: str
    language: str = ""
    from_name: str = ""
    mode: Mode = "live"
    calendar: str = ""
    wording: Path | None = None

    @property
    def speaks(self) -> Mode:
        """How freely we speak here; the gateway's own mode may be stricter."""
        return self.mode

    def own(self) -> frozenset[Identity]:
        """Our own identities on this channel, as plain as customers write to them."""
        return frozenset()

    def trusted(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The relays (addresses, networks) and the authserv-ids whose word on a sender we take."""
        return (), ()

    def to_publish(self) -> tuple[tuple[str, str], ...]:
        """The TXT records, name and text, that the admin has to publish in DNS."""
        return ()

    @property
    def form(self) -> Literal["long", "short"]:
        """How our own words are put here: as a letter, or as a few lines."""
        return "long"

    @property
    def limits(self) -> Limits:
        """What one delivery here can carry."""
        return ANYTHING

    @property
    def gap(self) -> timedelta | None:
        """How long after its last word a case goes on here without a subject or a reference."""
        return None

    @property
    def reaches(self) -> str:
        """The kind of identity that can be written to here without having written before."""
        return ""

    @property
    def domain(self) -> str:
        """What stands after the @ in the Message-IDs of what we send here (RFC 5322, 3.6.4)."""
        return "madoguchi.invalid"

    @property
    def login(self) -> OAuth | None:
        """How a person logs this channel in at a provider; None where a password does."""
        return None

    @property
    def login_hint(self) -> str:
        """Whose log-in it is, for the provider's page."""
        return ""

    @property
    def canaries(self) -> Canary | None:
        """The mails by which we see that this channel still works; None for none."""
        return None

    @property
    def reply_pattern(self) -> str:
        """Where answers shall go, with `{token}` in it; "" where the channel knows no such thing."""
        return ""

    @property
    def title(self) -> str:
        """What customers call this way of writing to us."""
        return self.type.title()

    def invites(self, code: str) -> str:  # noqa: ARG002  a channel without such an address
        """The address that opens this channel with `code` in it, for a customer of another; "" if
        there is none. A code is ASCII letters, digits and hyphens.
        """
        return ""

    def refuses(self, address: str) -> str:
        """Why nothing can ever be sent to an address here, in words for people; "" if it can."""
        return "" if address else "An address is missing."


def _never(_: str) -> None:
    """A failpoint that is off."""


class Past(Protocol):
    """What a channel may ask about its own past; all of it survives the process."""

    async def units(self, prefix: str, /) -> frozenset[str]:
        """The transport units in the ledger that begin so, without the prefix."""
        ...

    async def recall(self, name: str) -> str:
        """What was noted under this name last; "" if nothing was."""
        ...

    async def note(self, name: str, value: str) -> None:
        """Keep a short text under a name: a cursor, the time of first contact.

        What is noted of a customer has a name that ends in `:` and the address, so that it goes
        when the customer is erased.
        """
        ...


class NoPast:
    """A channel that is only tried, or that lives in a test, remembers nothing."""

    def __init__(self, _: str = "") -> None:
        self._notes: dict[str, str] = {}

    async def units(self, _: str, /) -> frozenset[str]:
        return frozenset()

    async def recall(self, name: str) -> str:
        return self._notes.get(name, "")

    async def note(self, name: str, value: str) -> None:
        self._notes[name] = value


@dataclass(frozen=True, slots=True)
class Host:
    """What the daemon lends to its channels.

    `hostname` is how we greet; `data_dir` holds `spool/` for large envelopes; `full()` is true
    while the disk is too full to promise anything; `failpoint(name)` dies there when a test says
    so; `past(channel)` is what the store remembers of one channel, `inbox(channel)` what was said
    there; `logins` is the folder with
    what people's log-ins gave us, by default below `data_dir`.
    """

    hostname: str
    data_dir: Path
    full: Callable[[], bool] = lambda: False
    failpoint: Callable[[str], None] = _never
    past: Callable[[str], Past] = NoPast
    logins: Path | None = None
    inbox: Callable[[str], Inbox] = NoInbox

    @property
    def login_folder(self) -> Path:
        return self.logins or self.data_dir / "oauth"


@runtime_checkable
class Checked(Protocol):
    """A channel that can be tried without sending anything: `madoguchi check --connect`."""

    async def check(self) -> str:
        """Say what works, or raise a DeliveryError or an OSError that says what does not."""
        ...


class Request(NamedTuple):
    """What somebody asks of a channel over HTTP, at `/in/NAME` and below.

    `path` is what follows the name ("" or "/…"); `headers` by lower-case name; `peer` is the
    address of the connection, or what a trusted proxy says of it.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    peer: str


class Response(NamedTuple):
    """What the channel answers."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@runtime_checkable
class Webhook(Protocol):
    """A channel that is called over HTTP; it answers 503 while `receive` does not run."""

    @property
    def most(self) -> int:
        """Octets of a body above which nobody is listened to (413)."""
        ...

    async def answer(self, request: Request) -> Response:
        """Answer one request; one that brings a message only after `accept` has returned."""
        ...


@runtime_checkable
class Fetches(Protocol):
    """A channel whose messages name files that are fetched later."""

    async def fetch(self, source: str) -> bytes | Spooled:
        """The octets that `Part.source` names. Raises DeliveryError: Rejected if they are gone."""
        ...


@runtime_checkable
class Closed(Protocol):
    """A channel that holds connections or threads to let go of when nothing is sent any more."""

    async def close(self) -> None: ...


@runtime_checkable
class Listed(Protocol):
    """A channel whose source can be asked what it holds: `madoguchi audit` compares."""

    async def listing(self) -> frozenset[str]:
        """The transport units that should be in the ledger by now. Raises DeliveryError, OSError."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A channel that fetches, and so may fall silent without anybody noticing."""

    @property
    def heard_at(self) -> datetime | None:
        """When its source last answered as it should; None before the first time."""
        ...

    @property
    def silent_after(self) -> timedelta:
        """How long it may say nothing before somebody should look."""
        ...

    @property
    def trouble(self) -> str:
        """What a person has to see to, such as a log-in that is refused; "" when all is well."""
        ...


@runtime_checkable
class Metered(Protocol):
    """A channel whose platform counts what we send by the month."""

    @property
    def month(self) -> tuple[int, int]:
        """How many messages this month has had, and how many it may have; 0 for no limit."""
        ...


@runtime_checkable
class LoggedIn(Protocol):
    """A channel that works by a person's log-in at a provider, which may end."""

    def login_health(self) -> Health | None:
        """How that log-in is doing; None where there is none to care for."""
        ...


class Channel(Protocol):
    """One way in and one way out. Everything specific to a channel lives behind this.

    `receive` runs until cancelled, sets `ready` once it listens, and acknowledges its peer only
    after `accept` has returned. `send` returns what the peer calls the message or raises a
    DeliveryError; `key` is the same each time one message is tried.
    """

    name: str

    @property
    def ready(self) -> bool: ...

    async def receive(self, accept: Accept) -> None: ...

    async def send(self, message: Message, key: str) -> Sent: ...
