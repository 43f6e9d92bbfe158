"""What the mail channels' tables in config.toml have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from channels import base
from channels.mail_compose import wire
from channels.mail_signing import Dkim, DkimKeys
from channels.oauth_settings import OAuth
from channels.quantities import Seconds
from normalizer.message import Identity


class MailSettings(base.Settings):
    """Addresses, how to send, and whose word on authentication we take."""

    addresses: tuple[str, ...] = Field(min_length=1)
    primary: bool = False
    send: str
    password: str = Field(default="", repr=False)
    trusted_relays: tuple[str, ...] = ()
    trusted_authserv: tuple[str, ...] = ()
    reply_tag: bool | None = None
    return_path: Literal["null", "bounce"] = "null"
    canary: Seconds | None = Field(
        default=None,
        description="How often we send ourselves a mail to see that it comes round, such as "
        '"30 minutes". Unset: never. Needs a smarthost in `send`.',
    )
    dkim: DkimKeys = Field(
        default=(),
        description="`{ domain = …, selector = …, key = { file = … } }`, or a list of such tables: "
        "the keys that sign what we send. `madoguchi check` shows the DNS record of each.",
    )
    oauth: OAuth | None = Field(
        default=None,
        description="Log in with OAuth2 instead of `password`, as below; then"
        " `madoguchi login CHANNEL`. A `password` beside it is for the smarthost.",
    )

    @field_validator("addresses")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            local, at, domain = address.rpartition("@")
            if not (local and at and domain) or any(c.isspace() for c in address):
                raise ValueError(f"{address!r} is not an address such as support@example.com")
        return value

    @field_validator("send")
    @classmethod
    def _is_a_way_out(cls, value: str) -> str:
        parts = urlsplit(value)
        if not (parts.scheme == "maildir" or (parts.scheme == "smtp" and parts.hostname)):
            raise ValueError('say "maildir:PATH" or "smtp://[user@]HOST:PORT?tls=starttls"')
        return value

    @field_validator("canary")
    @classmethod
    def _comes_back(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value and str(info.data.get("send", "")).startswith("maildir:"):
            raise ValueError("what goes into a Maildir never comes round; send by a smarthost")
        return value

    @field_validator("dkim")
    @classmethod
    def _are_aligned(cls, value: tuple[Dkim, ...], info: ValidationInfo) -> tuple[Dkim, ...]:
        """DMARC counts no signature of a stranger, so such a key would help nobody."""
        addresses = info.data.get("addresses", ())
        hosts = [address.rpartition("@")[2] for address in addresses]
        for key in value:
            if hosts and not any(map(key.speaks_for, hosts)):
                said = (
                    f"{key.domain} cannot vouch for {addresses[0]}; sign with a key of {hosts[0]}"
                )
                raise ValueError(said)
        return value

    @property
    def address(self) -> str:
        """The plain address that our mails come from."""
        return self.addresses[0]

    @property
    def tags_replies(self) -> bool:
        """Whether a keyed tag goes into Reply-To: only where plus addressing surely comes back."""
        return self.send.startswith("maildir:") if self.reply_tag is None else self.reply_tag

    def own(self) -> frozenset[Identity]:
        return frozenset(Identity("email", address.lower()) for address in self.addresses)

    def trusted(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return self.trusted_relays, self.trusted_authserv

    def to_publish(self) -> tuple[tuple[str, str], ...]:
        return tuple(key.record() for key in self.dkim)

    @property
    def login(self) -> OAuth | None:
        return self.oauth

    @property
    def login_hint(self) -> str:
        return self.address

    @property
    def reaches(self) -> str:
        return "email"

    @property
    def title(self) -> str:
        return self.address

    def invites(self, code: str) -> str:
        return f"mailto:{self.address}?subject={code}"

    def refuses(self, address: str) -> str:
        try:
            wire(address)
        except base.Rejected as error:
            return f"{error}."
        return ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    @property
    def canaries(self) -> base.Canary | None:
        if not self.canary:
            return None
        return base.Canary(timedelta(seconds=self.canary), self.address, self.domain)

    @property
    def reply_pattern(self) -> str:
        local, _, domain = self.address.rpartition("@")
        return f"{local}+{{token}}@{domain}" if self.tags_replies else ""
