"""The tables of config.toml, each key with what it means; docs/configuration.md is made from this."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import ByteSize, Field, PlainValidator, field_validator, model_validator

from channels import base
from gateway.config.alarms import Alarms
from gateway.config.asks import Ask
from gateway.config.calendar import NamedOpening, Opening
from gateway.config.channels import channel
from gateway.config.fallback import Fallback
from gateway.config.routes import RouteRule
from gateway.config.rules import FollowUp, FormMail, Notices, Promise
from gateway.config.spam import Spam
from gateway.config.staff import Staff
from gateway.config.types import (
    Domain,
    ElapsedLength,
    Endpoint,
    Hostname,
    Language,
    Length,
    Listen,
    PublicUrl,
    Size,
    StoreUrl,
    Table,
    Zone,
    is_network,
)
from gateway.team.calendars import Calendars
from scheduler.calendar import Calendar
from scheduler.duration import Duration
from scheduler.rules import Rule

Mode = Literal["live", "approve", "watch"]
Count = Annotated[int, Field(ge=0)]


class Gateway(Table):
    """Who we are and where our own files are."""

    name: str = Field("Support", min_length=1, description="Whom customers are talking to.")
    timezone: Zone = Field("UTC", description="Where the opening hours count, from the IANA list.")
    language: Language = Field("en", description="What we write when the customer's is not known.")
    data_dir: Path = Field(Path("var"), description="Where we keep our own files.")
    hostname: Hostname = Field(
        "", description="How we greet other mail servers. Empty: this machine's name."
    )
    mode: Mode = Field(
        "live",
        description='"approve": what we would say by ourselves waits for a person; '
        '"watch": it is only shown, and nothing is said.',
    )
    log: Literal["auto", "pretty", "json"] = Field(
        "auto", description="How log lines look; auto is pretty on a terminal, JSON otherwise."
    )


class Store(Table):
    """Where everything is kept."""

    url: StoreUrl = Field(
        "sqlite:///var/madoguchi.db",
        description="`sqlite:///PATH` or `postgresql+psycopg://USER@HOST/NAME`.",
    )
    password: str = Field("", repr=False, description="For PostgreSQL.")
    min_free: Size = Field(
        ByteSize(200 * 2**20),
        description="With less room on the disk, new mail is asked to come again later (4xx).",
    )

    @property
    def dsn(self) -> str:
        """The URL with the password in it; for the driver, never for a log."""
        if not self.password:
            return self.url
        user, at, place = self.url.partition("@")
        return f"{user}:{quote(self.password, safe='')}{at}{place}"

    @model_validator(mode="after")
    def _has_a_user_for_the_password(self) -> Store:
        if self.password and "@" not in self.url:
            raise ValueError(
                "password needs a user in the url: postgresql+psycopg://USER@HOST/NAME"
            )
        return self


class Http(Table):
    """API, console, webhooks in and metrics."""

    listen: Listen = Field(
        Endpoint("127.0.0.1", 8025), description="Where to listen, as HOST:PORT."
    )
    public_url: PublicUrl = Field(
        "",
        description="How customers reach this address, by whatever stands before it: for the pages "
        "that our own words link to. Empty: no such links.",
        examples=['public_url = "https://help.example.com"'],
    )
    trusted_proxies: tuple[str, ...] = Field(
        (),
        description="Addresses or networks of the reverse proxies before us, whose X-Forwarded-For"
        " counts; anybody else's says nothing. Limits for each peer need it behind a proxy.",
        examples=['trusted_proxies = ["127.0.0.1"]'],
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not is_network(one):
                raise ValueError(f'"{one}" must be an address or a network, as in "192.0.2.0/24"')
        return value


class Faq(Table):
    """Pages of yours that may answer a question before a person does; see docs/faq.md."""

    folder: Path | None = Field(
        None,
        description="A folder of Markdown files, one a question: acknowledgements name up to three "
        "that fit. Read at start.",
        examples=['folder = "faq"'],
    )


class SavedReplies(Table):
    """Texts that people complete and send over the API; see docs/replies.md."""

    folder: Path | None = Field(
        None,
        description="A folder whose texts, such as `en/details.txt`, come beside ours or replace them.",
        examples=['folder = "replies"'],
    )


class Survey(Table):
    """How customers are asked how we did, by `[[follow_up]]` rules; see docs/surveys.md."""

    recent: ElapsedLength = Field(
        Duration.parse("30 days"),
        description="Whose last word in the case is older is not asked any more.",
    )
    window: ElapsedLength = Field(
        Duration.parse("14 days"),
        description="How long after the question an answer counts, and can be changed.",
    )


class Limits(Table):
    """How much we say by ourselves; 0 means no limit."""

    per_sender_day: Count = Field(5, description="To one authenticated sender in a day.")
    unauthenticated_day: Count = Field(1, description="To one unauthenticated sender in a day.")
    unauthenticated_hour: Count = Field(
        60, description="To all unauthenticated senders together in an hour."
    )
    per_conversation_day: Count = Field(
        5, description="Automatic messages of all kinds in one conversation in a day."
    )
    per_domain_hour: Count = Field(0, description="To all addresses of one domain in an hour.")
    global_minute: Count = Field(0, description="To everybody in a minute.")
    same_words_week: Count = Field(
        4,
        description="To newcomers of one domain who write the same words, in a week. See docs/loops.md.",
    )
    similar_week: Count = Field(
        20,
        description="To newcomers from addresses that count up (ticket-1@, ticket-2@), in a week.",
    )
    newcomers_domain_hour: Count = Field(
        100,
        description="To newcomers of one domain in an hour, unless five times as many are usual.",
    )


class Acknowledge(Table):
    """The answer that every new case gets at once."""

    enabled: bool = Field(True, description="Whether we acknowledge at all.")
    reply_within: Length = Field(
        Duration.parse("4 business hours"),
        description="By when a person answers; customers read it as a day and an hour.",
    )
    learn: bool = Field(
        True,
        description="Whether we promise a later time than `reply_within` where our own first "
        "replies, or those who wait, say so. See docs/time.md.",
    )
    learn_quantile: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        0.8, description="The share of first replies that a promise learned from them would keep."
    )
    learn_from: Annotated[int, Field(ge=5)] = Field(
        20, description="First replies at an hour of the day before anything is learned for it."
    )
    max_age: ElapsedLength = Field(
        Duration.parse("24 hours"),
        description="Older mail is history: stored, but nothing is said about it.",
    )
    bcc: bool = Field(
        False, description="Also acknowledge mail that does not name our address in To or Cc."
    )
    phone: str = Field("", description="A number for urgent matters, shown to customers.")
    phone_hours: str = Field(
        "", description="When somebody answers the phone, as customers read it."
    )
    templates: Path | None = Field(
        None, description="A folder whose texts, such as `en/nudge.long.txt`, replace our own."
    )
    offer: tuple[str, ...] = Field(
        (),
        description="Channels by which a customer of another one may go on: the acknowledgement has "
        "a link to each, which shows that both are one person's.",
        examples=['offer = ["bot", "mail"]'],
    )
    limits: Limits = Limits()


class Authentication(Table):
    """Whether senders are who they say."""

    enabled: bool = Field(
        True,
        description="Whether SPF, DKIM and DMARC are looked up; without, only trusted relays count.",
    )
    dns: Listen | None = Field(None, description="HOST:PORT of a resolver. Unset: the system's.")
    trusted_arc: tuple[Domain, ...] = Field(
        (),
        description='Domains such as "google.com" whose ARC seals count: what they saw of an'
        " author before they passed a mail on, stands. See docs/authentication.md.",
    )

    @field_validator("dns")
    @classmethod
    def _is_an_address(cls, dns: Endpoint | None) -> Endpoint | None:
        """Nobody can look up the name of who looks up names."""
        if dns and not is_network(dns.host):
            raise ValueError('must begin with an IP address, as in "127.0.0.1:53"')
        return dns


class Config(Table):
    """The whole file. Paths are absolute, secrets are resolved and never printed."""

    gateway: Gateway = Gateway()
    store: Store = Store()
    http: Http = Http()
    channels: tuple[Annotated[base.Settings, PlainValidator(channel)], ...] = Field(
        (), alias="channel"
    )
    acknowledge: Acknowledge = Acknowledge()
    survey: Survey = Survey()
    faq: Faq = Faq()
    replies: SavedReplies = SavedReplies()
    ask: tuple[Ask, ...] = ()
    calendar: Opening = Opening()
    calendars: tuple[NamedOpening, ...] = ()
    promise: Promise = Promise()
    route: tuple[RouteRule, ...] = ()
    notices: Notices = Notices()
    fallback: Fallback = Fallback()
    follow_up: tuple[FollowUp, ...] = ()
    authentication: Authentication = Authentication()
    form_mail: tuple[FormMail, ...] = ()
    spam: Spam = Spam()
    staff: tuple[Staff, ...] = ()
    alarms: Alarms = Alarms()

    def mode_of(self, settings: base.Settings) -> Mode:
        """How freely we speak on a channel: the stricter of its own mode and the gateway's."""
        return max(settings.speaks, self.gateway.mode, key=("live", "approve", "watch").index)

    def rules(self) -> tuple[Rule, ...]:
        """The follow-ups as the scheduler fires them."""
        return (
            *self.promise.rules(),
            *self.notices.rules(),
            *(rule.rule(self.calendars_()) for rule in self.follow_up),
        )

    def calendars_(self) -> Calendars:
        """The opening hours, everybody's and those with a name."""
        zone = self.gateway.timezone
        return Calendars(
            self.calendar.times(zone),
            {one.name: one.times(one.timezone or zone) for one in self.calendars},
            {settings.name: settings.calendar for settings in self.channels if settings.calendar},
        )

    def calendar_(self) -> Calendar:
        """The opening hours of all who have no others."""
        return self.calendars_().usual.calendar
