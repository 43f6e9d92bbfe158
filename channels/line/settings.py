"""What config.toml may say about a LINE official account."""

from __future__ import annotations

import re

from pydantic import Field, model_validator

from channels.limits import Limits
from channels.messenger import Address, CalledSettings, MaybePublic, Word
from channels.quantities import Octets
from normalizer.message import Identity

TEXT = 5000  # UTF-16 code units of one text message, as LINE counts them
_USER = re.compile(r"U[0-9a-f]{32}")


class LineSettings(CalledSettings):
    """A LINE official account: its keys, and what it may cost."""

    channel_secret: Word = Field(
        min_length=1,
        repr=False,
        description="The channel secret, under Basic settings in the LINE Developers console. By "
        "it we know that a call comes from LINE.",
    )
    access_token: Word = Field(
        min_length=1,
        repr=False,
        description="A long-lived channel access token, under Messaging API in the console.",
    )
    api: Address = Field(default="https://api.line.me", description="Where LINE's API is.")
    data_api: Address = Field(
        default="https://api-data.line.me", description="Where LINE keeps pictures and files."
    )
    public_url: MaybePublic = Field(
        default="",
        description="How LINE reaches us, without `/in/NAME`: by it `check --connect` compares "
        "and tests the webhook.",
        examples=['public_url = "https://help.example.com"'],
    )
    set_webhook: bool = Field(
        default=False,
        description="Tell LINE the webhook's address at each start, instead of a person who "
        "enters it in the console. Needs `public_url`.",
    )
    monthly_limit: int = Field(
        default=0,
        ge=0,
        description="Pushes a month, above which none are sent; replies are free and go on. "
        "0: as many as the account's plan has.",
    )
    bot_user_id: str = Field(
        default="",
        description="The account's own user ID, under Basic settings. If set, calls for any "
        "other account are refused.",
    )
    basic_id: str = Field(
        default="",
        pattern=r"^(@[A-Za-z0-9._-]+)?$",
        description="The account's basic ID, by which customers of other channels are invited.",
        examples=['basic_id = "@example"'],
    )
    max_file: Octets = Field(
        default=50 * 2**20, description="The largest picture or file that is fetched."
    )

    @model_validator(mode="after")
    def _can_be_told(self) -> LineSettings:
        if self.set_webhook and not self.public_url:
            raise ValueError("set_webhook needs public_url")
        return self

    @property
    def limits(self) -> Limits:
        """Of text messages, quick replies and calls of the Messaging API; a call is one push."""
        return Limits(
            text=TEXT, unit="utf-16", texts=5, buttons=13, label=20, in_order=True, cost="counted"
        )

    @property
    def webhook(self) -> str:
        """The address that LINE has to call; "" while we do not know our own."""
        return f"{self.public_url}/in/{self.name}" if self.public_url else ""

    def own(self) -> frozenset[Identity]:
        return frozenset({Identity("line", self.bot_user_id)} if self.bot_user_id else ())

    @property
    def title(self) -> str:
        return "LINE"

    def invites(self, code: str) -> str:
        """LINE's address that opens the chat with words in it, which the customer then sends."""
        return (
            f"https://line.me/R/oaMessage/%40{self.basic_id[1:]}/?{code}" if self.basic_id else ""
        )

    def refuses(self, address: str) -> str:
        return "" if _USER.fullmatch(address) else "That is no user ID of LINE."
