"""What config.toml may say about text messages by Twilio."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from channels.limits import Limits
from channels.messenger import Address, CalledSettings, PublicAddress, Word
from channels.quantities import Octets
from normalizer.message import Identity

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164
_SENDER = re.compile(
    r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|MG[0-9a-f]{32}|(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 +_&-]{0,10}"
)


class SmsSettings(CalledSettings):
    """Text messages by Twilio: the account, and who sends."""

    account_sid: str = Field(
        pattern=r"^AC[0-9a-f]{32}$",
        description="The account's SID, on the first page of the Twilio Console.",
        examples=['account_sid = "AC00000000000000000000000000000000"'],
    )
    auth_token: Word = Field(
        min_length=1,
        repr=False,
        description="The account's auth token, beside the SID. By it we know that a call comes "
        "from Twilio, and Twilio knows us.",
        examples=['auth_token = { env = "TWILIO_AUTH_TOKEN" }'],
    )
    old_token: Word = Field(
        default="",
        repr=False,
        description="A second auth token that still holds for what comes in, while you rotate.",
    )
    sender: str = Field(
        description="Who sends: a number of yours (+81…), a short code, a messaging service "
        "(MG…), or a name of up to 11 letters and digits, to which nobody can answer.",
        examples=['sender = "+815012345678"'],
    )
    public_url: PublicAddress = Field(
        description="How Twilio reaches us, without `/in/NAME`. What Twilio signs begins with it.",
        examples=['public_url = "https://help.example.com"'],
    )
    api: Address = Field(default="https://api.twilio.com", description="Where Twilio's API is.")
    monthly_limit: int = Field(
        default=0,
        ge=0,
        description="Segments a month, above which none are sent; alarms come at 80 and 100 %. "
        "A segment is 160 characters, or 70 where any is not Latin. 0: no limit.",
    )
    max_file: Octets = Field(default=16 * 2**20, description="The largest picture that is fetched.")

    @field_validator("sender")
    @classmethod
    def _is_a_sender(cls, value: str) -> str:
        if not _SENDER.fullmatch(value):
            raise ValueError('must be such as "+815012345678", "MG…" or "Example"')
        return value

    @property
    def limits(self) -> Limits:
        """Twilio parts a message into segments, and the telephone joins them; it carries no files."""
        return Limits(text=1600, unit="utf-16", cost="paid")

    @property
    def title(self) -> str:
        return "SMS"

    @property
    def reaches(self) -> str:
        return "tel"

    @property
    def webhook(self) -> str:
        """The address that Twilio calls."""
        return f"{self.public_url}/in/{self.name}"

    @property
    def tokens(self) -> tuple[str, ...]:
        """What a call may be signed with."""
        return tuple(filter(None, (self.auth_token, self.old_token)))

    @property
    def has_number(self) -> bool:
        """Whether customers can write to the sender that stands here."""
        return _NUMBER.fullmatch(self.sender) is not None

    def own(self) -> frozenset[Identity]:
        return frozenset({Identity("tel", self.sender)} if self.has_number else ())

    def invites(self, code: str) -> str:
        """An address that opens a new message with words in it (RFC 5724; telephones know `body`)."""
        return f"sms:{self.sender}?body={code}" if self.has_number else ""

    def refuses(self, address: str) -> str:
        known = _NUMBER.fullmatch(address)
        return "" if known else "A text message needs a number such as +819012345678."
