"""The `oauth` table of a mail channel: who vouches for the mailbox, and where to ask for tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Provider(NamedTuple):
    """What the `oauth` table need not say, because the provider's name says it.

    `device` is empty where the provider's device flow may not open mailboxes. `idle` is how long
    a refresh token lives that nobody uses; `loopback` is how the browser is sent back to us, and
    `more` goes into the address that a person opens.
    """

    authorization: str = ""
    token: str = ""
    device: str = ""
    scope: str = ""
    idle: timedelta | None = None
    loopback: str = "127.0.0.1"
    more: tuple[tuple[str, str], ...] = ()


_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
_PROVIDERS = {
    "": Provider(),
    "google": Provider(
        authorization="https://accounts.google.com/o/oauth2/v2/auth",
        token="https://oauth2.googleapis.com/token",  # noqa: S106  an address
        scope="https://mail.google.com/",
        idle=timedelta(days=180),
        # Without both, Google gives no refresh token when the person has agreed before.
        more=(("access_type", "offline"), ("prompt", "consent")),
    ),
    "microsoft": Provider(
        authorization=f"{_MICROSOFT}/authorize",
        token=f"{_MICROSOFT}/token",
        device=f"{_MICROSOFT}/devicecode",
        scope="offline_access https://outlook.office.com/IMAP.AccessAsUser.All"
        " https://outlook.office.com/SMTP.Send",
        idle=timedelta(days=90),
        # The portal takes no 127.0.0.1, and of http://localhost any port.
        loopback="localhost",
        more=(("prompt", "select_account"),),
    ),
}


class OAuth(BaseModel):
    """How a channel logs in with OAuth2; `madoguchi login CHANNEL` does it once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Literal["google", "microsoft", ""] = Field(
        default="", description="Fills in the addresses and the scope below."
    )
    client_id: str = Field(
        min_length=1,
        description="The name of our registration at the provider.",
        examples=['client_id = "…"'],
    )
    client_secret: str = Field(
        default="", repr=False, description="Its secret, where the provider gives one."
    )
    tenant: str = Field(
        default="organizations",
        pattern=r"^[A-Za-z0-9.-]+$",
        description="For Microsoft: the directory (tenant) ID or a domain of it.",
    )
    authorization: str = Field(default="", description="Where a person agrees, in a browser.")
    token: str = Field(default="", description="Where tokens are given out.")
    device: str = Field(
        default="", description="Where a device code is given out, for a person on another machine."
    )
    scope: str = Field(default="", description="What we ask leave for.")

    @field_validator("authorization", "token", "device")
    @classmethod
    def _is_protected(cls, value: str) -> str:
        """RFC 6749 section 3.1.2.1 and 3.2: these carry secrets."""
        parts = urlsplit(value)
        if value and not (
            (parts.scheme == "https" and parts.hostname)
            or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        ):
            raise ValueError(f'"{value}" must begin with https://')
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> OAuth:
        known = self.known
        if not (known.token and known.scope and (known.authorization or known.device)):
            raise ValueError(
                'say provider = "google" or "microsoft"; or token, scope and authorization or device'
            )
        return self

    @property
    def known(self) -> Provider:
        """The addresses to ask: the table's own, else the provider's."""
        usual = _PROVIDERS[self.provider]
        return Provider(
            authorization=self.authorization or usual.authorization.format(tenant=self.tenant),
            token=self.token or usual.token.format(tenant=self.tenant),
            device=self.device or usual.device.format(tenant=self.tenant),
            scope=self.scope or usual.scope,
            idle=usual.idle,
            loopback=usual.loopback,
            more=usual.more,
        )
