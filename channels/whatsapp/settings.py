"""What config.toml may say about a number on the WhatsApp Business Platform."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from channels.limits import Limits
from channels.messenger import Address, CalledSettings, Word
from channels.quantities import Octets
from normalizer.message import Identity

WINDOW = timedelta(hours=24)  # from the customer's last message

# A number without its plus, or a business-scoped user ID: a country, a dot, up to 128 characters.
USER = re.compile(r"[1-9][0-9]{6,14}|[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_OUTSIDE = Literal["acknowledgement", "follow_up", "notice", "reply", "survey"]


class Template(BaseModel):
    """A message template that Meta has approved, for what we say after the window has closed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        pattern=r"^[a-z0-9_]{1,512}$",
        description="The template's name in WhatsApp Manager.",
        examples=['name = "support_answer"'],
    )
    language: str = Field(
        pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$",
        description="The template's language. The one of the customer's language is taken, else "
        "the first.",
        examples=['language = "ja"'],
    )
    kinds: tuple[_OUTSIDE, ...] = Field(
        default=("reply",),
        min_length=1,
        description="What it is for: `reply`, `acknowledgement`, `follow_up`, `notice`, `survey`.",
    )
    with_text: bool = Field(
        default=True,
        description="Whether its body has one variable, `{{1}}`, which takes our text on one line. "
        "Without one the template's own words stand for ours, which a reply cannot do.",
    )

    @model_validator(mode="after")
    def _says_what_people_wrote(self) -> Template:
        if not self.with_text and "reply" in self.kinds:
            raise ValueError("a reply needs with_text: the customer would not get the words")
        return self


class WhatsAppSettings(CalledSettings):
    """A business's number on the WhatsApp Cloud API."""

    phone_number_id: str = Field(
        pattern=r"^[0-9]{5,20}$",
        description="The ID of the number (not the number), under WhatsApp, API Setup.",
        examples=['phone_number_id = "106540352242922"'],
    )
    access_token: Word = Field(
        min_length=1,
        repr=False,
        description="A permanent token of a system user, with whatsapp_business_messaging.",
        examples=['access_token = { env = "WHATSAPP_ACCESS_TOKEN" }'],
    )
    app_secret: Word = Field(
        min_length=1,
        repr=False,
        description="The app's secret, under App settings, Basic. By it we know that a call comes "
        "from Meta.",
        examples=['app_secret = { env = "WHATSAPP_APP_SECRET" }'],
    )
    verify_token: Word = Field(
        min_length=8,
        repr=False,
        description="A word of your own, at least 8 characters, that you enter beside the "
        "webhook's address: with it Meta asks once whether the address is ours.",
        examples=['verify_token = { env = "WHATSAPP_VERIFY_TOKEN" }'],
    )
    phone_number: str = Field(
        default="",
        pattern=r"^(\+[1-9][0-9]{6,14})?$",
        description="The number itself, such as +815012345678, so that it is never a customer's, and customers of other channels can be invited to it.",
    )
    templates: tuple[Template, ...] = Field(
        default=(),
        description="Approved templates for what is said more than 24 hours after the customer's "
        "last message.",
    )
    api: Address = Field(
        default="https://graph.facebook.com", description="Where the Graph API is."
    )
    version: str = Field(
        default="v24.0", pattern=r"^v[0-9]+\.[0-9]+$", description="The version of the Graph API."
    )
    max_file: Octets = Field(
        default=100 * 2**20, description="The largest picture or file that is fetched."
    )

    @property
    def limits(self) -> Limits:
        """Of texts, lists and documents; each is a message of its own."""
        return Limits(
            text=4096, unit="utf-16", buttons=10, label=20, media=("*",), media_size=100 * 2**20,
            apart=True, window=WINDOW, cost="paid",
        )  # fmt: skip

    @property
    def title(self) -> str:
        return "WhatsApp"

    def template(self, kind: str, language: str) -> Template | None:
        """The template for one kind of message, in the customer's language where there is one."""
        fit = [one for one in self.templates if kind in one.kinds]
        wanted = language.partition("-")[0]
        return next((one for one in fit if one.language.partition("_")[0] == wanted), None) or next(
            iter(fit), None
        )

    def own(self) -> frozenset[Identity]:
        if not self.phone_number:
            return frozenset()
        number = self.phone_number
        return frozenset({Identity("whatsapp", number[1:]), Identity("tel", number)})

    def invites(self, code: str) -> str:
        """WhatsApp's address that opens the chat with words in it, which the customer then sends."""
        number = self.phone_number.removeprefix("+")
        return f"https://wa.me/{number}?text={code}" if number else ""

    def refuses(self, address: str) -> str:
        known = USER.fullmatch(address)
        return (
            "" if known else "That is neither a number without its plus nor a user ID of WhatsApp."
        )
