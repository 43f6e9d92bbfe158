"""What the table of a channel `http` may say."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from channels.limits import ANYTHING, Limits
from channels.messenger import CalledSettings
from channels.quantities import Octets, Seconds
from channels.standard_webhooks import Secret, key_of


class HttpSettings(CalledSettings):
    """A system of yours that speaks our contract: docs/http-channel.md."""

    url: str = Field(
        description="Where messages to customers are posted. Redirects are not followed.",
        examples=['url = "https://shop.example/madoguchi"'],
    )
    secret: Secret = Field(
        repr=False,
        description="Signs what goes either way: `whsec_` and base64, as of "
        "`echo whsec_$(openssl rand -base64 32)`.",
        examples=['secret = { env = "SHOP_SECRET" }'],
    )
    old_secret: Secret = Field(
        default="",
        repr=False,
        description="Still holds for what comes in, while the other side changes over.",
    )
    max_size: Octets = Field(
        default=10 * 2**20, description="The largest event that is taken, attachments included."
    )
    timeout: Seconds = Field(
        default=30, description='How long the other side may take for one message ("30 seconds").'
    )

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
            raise ValueError("say where to post, such as https://shop.example/madoguchi")
        return value

    @property
    def limits(self) -> Limits:
        """The other side shows what it can."""
        return ANYTHING._replace(buttons=20, label=200, links=True, in_order=True)

    @property
    def reaches(self) -> str:
        """Whom the other side knows; each channel of this kind is a world of its own."""
        return f"http-{self.name}"

    @property
    def keys(self) -> tuple[bytes, ...]:
        """What a signature may be made with, ours first."""
        return tuple(key_of(secret) for secret in (self.secret, self.old_secret) if secret)
